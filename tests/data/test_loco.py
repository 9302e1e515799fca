import json
import shutil

import numpy as np
import pytest

from baad.data.loco import DefectType, is_loco, read_defect_types, read_loco
from baad.data.masks import unite_masks
from baad.errors import DataError
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


def test_types_of_defect_are_read_by_their_value(root):
    types = read_defect_types(root / "defects_config.json")
    assert types[250] == DefectType("spot", 250, 20.0, relative=False)
    values = {int(value) for file in root.glob("ground_truth/*/*/*.png") for value in np.unique(_pixels(file))}
    assert values - {0} == set(types)


def _pixels(file):
    from PIL import Image

    return np.asarray(Image.open(file))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"pixel_value": "x"}, "entry 0 does not tell"),
        ({"pixel_value": 0}, "entry 0 .* pixel value 0"),
        ({"pixel_value": 7}, "entry 1 .* pixel value 7"),
        ({"saturation_threshold": -1}, "entry 0 .* saturation -1"),
        ({"saturation_threshold": None}, "entry 0 does not tell"),
    ],
)
def test_types_that_cannot_be_are_refused(root, change, problem):
    config = root / "defects_config.json"
    records = json.loads(config.read_text())
    records[0] |= change
    config.write_text(json.dumps(records))
    with pytest.raises(DataError, match=rf"defects_config\.json: {problem}"):
        read_defect_types(config)


def test_a_config_that_is_no_list_is_refused(root):
    (root / "defects_config.json").write_text("{}")
    with pytest.raises(DataError, match="entry 0 does not tell defect_name"):
        read_defect_types(root / "defects_config.json")
