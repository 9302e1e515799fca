import numpy as np

from baad.data.folder import read_folder
from tests.factory import save_picture, write_folder

SESSIONS = ("mon", "tue", "wed", "thu", "fri")


def test_every_picture_at_any_depth_is_normal(tmp_path):
    root = write_folder(tmp_path / "screws", normals=3)
    save_picture(root / "more" / "and more" / "x.png", np.zeros((4, 4), np.uint8))
    category = read_folder(root)
    assert (category.name, category.layout, category.test) == ("screws", "folder of good pictures", ())
    assert [image.path.name for image in category.train] == ["000.png", "001.png", "002.png", "x.png"]


def test_five_sub_folders_are_recording_sessions(tmp_path):
    category = read_folder(write_folder(tmp_path, normals=10, sessions=SESSIONS))
    assert {image.session for image in category.train} == set(SESSIONS)
    assert all(image.path.parent.name == image.session for image in category.train)


def test_four_sub_folders_are_not_for_a_whole_one_is_too_much_to_hold_out(tmp_path):
    category = read_folder(write_folder(tmp_path, normals=8, sessions=SESSIONS[:4]))
    assert {image.session for image in category.train} == {""}


def test_folders_of_masks_are_passed_over(tmp_path):
    root = write_folder(tmp_path, normals=2)
    for folder in ("foreground", "fg_mask", "ground_truth/scratch", "Foreground", "FG_Mask", "Ground_Truth/scratch"):
        save_picture(root / folder / "000.png", np.zeros((4, 4), bool))
    assert len(read_folder(root).train) == 2
