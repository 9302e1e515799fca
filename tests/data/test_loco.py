import shutil

import pytest

from baad.data.loco import is_loco, read_loco
from baad.data.masks import unite_masks
from tests.factory import draw_set, write_category, write_layout


@pytest.fixture
def root(tmp_path):
    return write_layout("loco", tmp_path / "disc", draw_set(normals=4, good=1, defective=4))


def test_all_masks_of_a_picture_are_its_truth_whatever_their_values(root):
    pictures = draw_set(normals=4, good=1, defective=4)
    category = read_loco(root)
    assert [image.kind for image in category.test] == [
        *("good", "logical_anomalies", "logical_anomalies", "structural_anomalies", "structural_anomalies"),
    ]
    assert [len(image.masks) for image in category.test] == [0, 2, 2, 2, 2]
    scratches = [each.drawn.defect for each in pictures if each.kind == "scratch"]
    for image, defect in zip(category.test[1:3], scratches):
        assert (unite_masks(image.masks, (64, 64)) == defect).all()


def test_ground_truth_may_lie_in_the_test_half_and_pictures_in_no_place_are_told_of(root):
    masks = [len(image.masks) for image in read_loco(root).test]
    (root / "ground_truth").rename(root / "test" / "ground_truth")
    shutil.copy(root / "test" / "good" / "000.png", root / "train" / "a.png")
    category = read_loco(root)
    assert [len(image.masks) for image in category.test] == masks
    assert category.notes == ("1 pictures left aside, which lie in none of this layout's places",)


def test_validation_is_a_session_of_its_own(root):
    assert [(image.path.name, image.session) for image in read_loco(root).train] == [
        *(("000.png", ""), ("001.png", ""), ("002.png", ""), ("003.png", "validation")),
    ]


def test_a_picture_without_its_folder_of_masks_names_one_that_ought_to_be_there(root):
    folder = root / "ground_truth" / "logical_anomalies" / "001"
    shutil.rmtree(folder)
    assert read_loco(root).test[2].masks == (folder / "000.png",)
    shutil.rmtree(folder.parent)
    assert read_loco(root).test[2].masks == ()


def test_the_layout_is_told_by_its_config_or_its_kinds(root, tmp_path):
    assert is_loco(root)
    (root / "defects_config.json").unlink()
    assert is_loco(root)
    assert not is_loco(write_category(tmp_path / "other"))
