import shutil

import pytest

from baad.data.masks import unite_masks
from baad.data.visa import is_visa, read_visa
from baad.errors import DataError
from tests.factory import draw_set, write_layout


@pytest.fixture
def root(tmp_path):
    return write_layout("visa", tmp_path / "disc", draw_set(normals=18, good=2, defective=2))


def test_the_published_split_tells_the_halves(root):
    category = read_visa(root)
    assert is_visa(root)
    assert (category.name, category.layout, category.notes) == ("disc", "VisA", ("split by split_csv/1cls.csv",))
    assert [image.path.name for image in category.train] == [f"{number:04d}.png" for number in range(18)]
    assert [(image.path.name, image.kind) for image in category.test] == [
        *(("0020.png", "anomaly"), ("0021.png", "anomaly"), ("0018.png", "good"), ("0019.png", "good")),
    ]
    assert (unite_masks(category.test[0].masks, (64, 64)) == draw_set(18, 2, 2)[20].drawn.defect).all()


def test_without_a_split_every_tenth_normal_picture_is_for_testing(root):
    shutil.rmtree(root.parent / "split_csv")
    category = read_visa(root)
    assert [image.path.name for image in category.test if not image.defective] == ["0009.png", "0019.png"]
    assert len(category.train) == 18
    assert all(image.masks[0].is_file() for image in category.test if image.defective)
    assert "one normal picture in 10 is for testing" in category.notes[0]


def test_the_split_of_other_objects_is_passed_over(root):
    split = root.parent / "split_csv" / "1cls.csv"
    split.write_text(split.read_text().replace("disc,", "cube,"))
    assert len(read_visa(root).train) == 18


def test_a_split_that_names_missing_pictures_tells_their_lines(root):
    (root / "Data" / "Images" / "Normal" / "0003.png").unlink()
    (root / "Data" / "Images" / "Anomaly" / "0020.png").unlink()
    with pytest.raises(DataError, match=r"1cls\.csv, line 5: .*0003\.png(.|\n)*line 22: .*0020\.png"):
        read_visa(root)


def test_a_class_or_half_that_is_not_published_is_refused_rather_than_taken_for_another(root):
    split = root.parent / "split_csv" / "1cls.csv"
    split.write_text(split.read_text().replace("normal", "nromal", 1).replace(",test,", ",tset,", 1))
    with pytest.raises(DataError, match=r"line 2: the label is 'nromal'(.|\n)*line 20: the split is 'tset'"):
        read_visa(root)
