import shutil

import pytest

from baad.data.masks import read_mask, unite_masks
from baad.data.mvtec import is_btad, is_mvtec, is_mvtec_2, read_btad, read_mvtec, read_mvtec_2
from baad.errors import MaskError
from tests.factory import draw_set, write_category, write_folder, write_layout


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


@pytest.mark.parametrize("name", ["ground_truth", "Ground_Truth"])
def test_ground_truth_in_the_test_half_holds_masks_and_is_no_kind_of_defect(tmp_path, name):
    root = write_category(tmp_path, kinds=("spot",))
    beside = read_mvtec(root).test
    (root / "test" / name).mkdir()
    assert [len(image.masks) for image in read_mvtec(root).test] == [len(image.masks) for image in beside]
    (root / "test" / name).rmdir()
    (root / "ground_truth").rename(root / "test" / name)
    within = read_mvtec(root).test
    assert [(image.path, image.kind) for image in within] == [(image.path, image.kind) for image in beside]
    assert [len(image.masks) for image in within] == [len(image.masks) for image in beside]
    (root / "test").rename(root / "test_public")
    assert [(image.kind, len(image.masks)) for image in read_mvtec_2(root).test] == [
        (image.kind, len(image.masks)) for image in beside
    ]


def test_pictures_of_mvtec_2_that_lie_elsewhere_are_told_of(tmp_path):
    root = write_category(tmp_path)
    (root / "test").rename(root / "test_public")
    write_folder(root / "train", normals=3)
    assert "3 pictures left aside, which lie in none of this layout's places" in read_mvtec_2(root).notes


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


@pytest.mark.parametrize(("layout", "read", "good"), [("mvtec", read_mvtec, "good"), ("btad", read_btad, "ok")])
def test_masks_among_the_normals_are_never_learnt_from(tmp_path, layout, read, good):
    root = write_layout(layout, tmp_path / "disc", draw_set(normals=3))
    known = read(root)
    write_folder(root / "train" / good / "fg_mask", normals=3)
    assert len(known.train) == 3 and read(root) == known


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


def test_mvtec_ad_2_has_its_truth_inside_the_public_test_half(tmp_path):
    pictures = draw_set(normals=8, good=1, defective=2)
    root = write_layout("mvtec2", tmp_path / "disc", pictures)
    category = read_mvtec_2(root)
    assert is_mvtec_2(root)
    assert [(image.kind, len(image.masks)) for image in category.test] == [("bad", 1), ("bad", 1), ("good", 0)]
    for image, each in zip(category.test, pictures[-2:]):
        assert (unite_masks(image.masks, (64, 64)) == each.drawn.defect).all()
    assert category.notes == ("test_private left aside: no truth comes with them",)
    assert not any("private" in image.path.as_posix() for image in category.test)


def test_the_normals_of_mvtec_ad_2s_validation_are_a_session(tmp_path):
    category = read_mvtec_2(write_layout("mvtec2", tmp_path / "disc", draw_set(normals=8, good=1, defective=2)))
    assert [image.session for image in category.train] == [""] * 6 + ["validation"] * 2


def test_btads_ok_is_good_and_its_ko_a_defect(tmp_path):
    pictures = draw_set(normals=3, good=1, defective=2)
    root = write_layout("btad", tmp_path / "01", pictures)
    category = read_btad(root)
    assert is_btad(root)
    assert (category.name, category.layout, len(category.train)) == ("01", "BTAD", 3)
    assert [image.kind for image in category.test] == ["ko", "ko", "good"]
    for image, each in zip(category.test, pictures[-2:]):
        assert (unite_masks(image.masks, (64, 64)) == each.drawn.defect).all()
    assert not is_btad(write_category(tmp_path / "a"))


def test_good_test_pictures_are_good_by_whatever_word(tmp_path):
    root = write_category(tmp_path, good=2, defective=2)
    (root / "test" / "good").rename(root / "test" / "Normal")
    assert [image.kind for image in read_mvtec(root).test if not image.defective] == ["good", "good"]


def test_pictures_beside_the_layouts_places_are_counted_and_validation_is_learnt_from(tmp_path):
    root = write_category(tmp_path, normals=3)
    assert read_mvtec(root).notes == ()
    for place in ("", "train", "train/more/a", "test", "foreground/train"):
        write_folder(root / place, normals=1)
    write_folder(root / "validation" / "good", normals=2)
    category = read_mvtec(root)
    assert category.notes == ("4 pictures left aside, which lie in none of this layout's places",)
    assert [image.session for image in category.train] == ["", "", "", "validation", "validation"]
