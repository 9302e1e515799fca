import os
from pathlib import Path

import pytest

from baad.data.reading import LAYOUTS, read_category
from baad.errors import DataError, SettingError
from tests.factory import write_category, write_folder


def test_the_layout_is_recognised(tmp_path):
    assert read_category(write_category(tmp_path / "a")).layout == "MVTec AD"
    assert read_category(write_folder(tmp_path / "b")).layout == "folder of good pictures"
    assert read_category(str(tmp_path / "a" / "train")).layout == "folder of good pictures"


def test_the_layout_may_be_named_instead(tmp_path):
    root = write_category(tmp_path, normals=3, good=2, defective=4)
    assert len(read_category(root, "folder").train) == 9
    with pytest.raises(SettingError, match="'visa': give auto, mvtec or folder"):
        read_category(root, "visa")


@pytest.mark.parametrize("layout", ["auto", *LAYOUTS])
def test_a_folder_without_pictures_says_what_was_looked_for(tmp_path, layout):
    (tmp_path / "notes.txt").write_text("no pictures")
    with pytest.raises(DataError, match=r"holds no pictures\. Looked for .*(train/good|any depth)"):
        read_category(tmp_path, layout)


def test_a_missing_folder_and_a_file_are_refused(tmp_path):
    with pytest.raises(DataError, match="gone: there is no such folder"):
        read_category(tmp_path / "gone")
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.png is a file"):
        read_category(tmp_path / "a.png")


def test_a_folder_of_categories_asks_for_one_of_them(tmp_path):
    for name in ("cable", "bottle"):
        write_category(tmp_path / name, normals=1, good=1, defective=0)
    with pytest.raises(DataError, match=r"holds 2 categories \(bottle, cable\)\. Give one of them"):
        read_category(tmp_path)


@pytest.mark.parametrize("defects", ["NG", "defective", "test"])
def test_a_folder_named_for_defects_is_not_trained_on(tmp_path, defects):
    write_folder(tmp_path / "a", normals=2, sessions=("monday", defects))
    with pytest.raises(DataError, match=f"has a folder named {defects}, so not all of it can be normal"):
        read_category(tmp_path / "a")
    assert len(read_category(tmp_path / "a", "folder").train) == 2


def test_the_test_half_of_a_category_is_not_trained_on(tmp_path):
    root = write_category(tmp_path, normals=1)
    with pytest.raises(DataError, match="has a folder named scratch"):
        read_category(root / "test")


@pytest.mark.skipif("BAAD_DATA" not in os.environ, reason="BAAD_DATA does not name a folder of real categories")
def test_real_categories_are_read_whole():
    roots = [path.parents[1] for path in sorted(Path(os.environ["BAAD_DATA"]).glob("*/train/good"))]
    assert roots
    for root in roots:
        category = read_category(root)
        assert len(category.train) == len(os.listdir(root / "train" / "good"))
        assert all(mask.is_file() for image in category.test for mask in image.masks)
        assert all(image.masks for image in category.test if image.defective)
