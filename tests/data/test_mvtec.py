import shutil

import pytest

from baad.data.masks import read_mask
from baad.data.mvtec import is_mvtec, read_mvtec
from baad.errors import MaskError
from tests.factory import write_category, write_folder


def test_both_halves_are_read_with_masks_and_outlines(tmp_path):
    root = write_category(tmp_path / "disc", normals=3, good=2, defective=4, foreground=True)
    category = read_mvtec(root)
    assert (category.name, category.layout) == ("disc", "MVTec AD")
    assert [image.path.name for image in category.train] == ["000.png", "001.png", "002.png"]
    assert [image.kind for image in category.test] == ["good"] * 2 + ["scratch"] * 2 + ["spot"] * 2
    assert category.test[0].masks == ()
    assert category.test[5].masks == (root / "ground_truth" / "spot" / "001_mask.png",)
    assert category.test[5].foreground == root / "foreground" / "test" / "spot" / "001.png"
    assert all(read_mask(image.masks[0], (64, 64)).any() for image in category.test if image.defective)


def test_a_mask_may_have_the_name_of_its_picture(tmp_path):
    root = write_category(tmp_path, kinds=("spot",), suffix=".jpg")
    for mask in (root / "ground_truth" / "spot").iterdir():
        mask.rename(mask.with_name(mask.name.replace("_mask", "")))
    assert read_mvtec(root).test[-1].masks == (root / "ground_truth" / "spot" / "003.png",)


def test_without_ground_truth_defects_have_no_masks(tmp_path):
    category = read_mvtec(write_category(tmp_path, masks=False))
    assert {image.masks for image in category.test} == {()}
    assert {image.foreground for image in category.test} == {None}
    assert any(image.defective for image in category.test)


def test_a_kind_without_masks_beside_kinds_with_them_has_none(tmp_path):
    root = write_category(tmp_path)
    shutil.rmtree(root / "ground_truth" / "spot")
    masked = {image.kind for image in read_mvtec(root).test if image.masks}
    assert masked == {"scratch"}


def test_one_missing_mask_is_named_and_not_taken_for_no_defect(tmp_path):
    root = write_category(tmp_path)
    missing = root / "ground_truth" / "spot" / "001_mask.png"
    missing.unlink()
    image = read_mvtec(root).test[-1]
    assert image.masks == (missing,)
    with pytest.raises(MaskError, match=r"001_mask\.png: there is no such file"):
        read_mask(image.masks[0], (64, 64))


def test_pictures_in_sub_folders_find_their_masks(tmp_path):
    root = write_category(tmp_path, kinds=("spot",))
    for folder in (root / "test" / "spot", root / "ground_truth" / "spot", root / "train" / "good"):
        files = list(folder.iterdir())
        (folder / "monday").mkdir()
        for file in files:
            file.rename(folder / "monday" / file.name)
    category = read_mvtec(root)
    assert len(category.train) == 12
    assert category.test[-1].masks == (root / "ground_truth" / "spot" / "monday" / "003_mask.png",)


def test_the_layout_is_recognised_by_either_half(tmp_path):
    root = write_category(tmp_path / "a")
    assert is_mvtec(root)
    shutil.rmtree(root / "test")
    assert is_mvtec(root) and read_mvtec(root).test == ()
    other = write_category(tmp_path / "b", good=0)
    shutil.rmtree(other / "train")
    assert is_mvtec(other) and read_mvtec(other).train == ()
    assert not is_mvtec(write_folder(tmp_path / "c"))
    assert not is_mvtec(tmp_path / "gone")
