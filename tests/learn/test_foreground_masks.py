import shutil

import numpy as np
import pytest

from baad.data.folder import read_folder
from baad.errors import DataError, MaskError
from baad.foreground.gate import Gate
from baad.learn.foreground_masks import (
    Seen,
    Shown,
    choose_foreground,
    find_usual_place,
    fingerprint_shown,
    read_empty_scene,
)
from baad.progress import PlainLines, Silence
from baad.settings import TrainSettings
from tests.factory import save_picture, write_folder


@pytest.fixture
def images(tmp_path):
    """Two days with a 000.png each."""
    for day in ("mon", "tue"):
        write_folder(tmp_path / "data" / day, normals=1)
    return read_folder(tmp_path / "data").train


def draw(tmp_path, day, columns, size=(64, 64)):
    mask = np.zeros(size, bool)
    mask[:, columns] = True
    save_picture(tmp_path / "masks" / day / "000.png", mask)


def choose(tmp_path, images, further=(), progress=None, **shown):
    seen = Seen(np.zeros((len(images), 64, 64, 3), np.uint8), images, [(64, 64)] * len(images))
    return choose_foreground(seen, further, Shown(tmp_path / "masks", **shown), TrainSettings(), progress or Silence())


def test_equal_names_get_the_mask_of_their_own_folder_whatever_was_held_out(tmp_path, images):
    draw(tmp_path, "mon", slice(0, 32))
    draw(tmp_path, "tue", slice(32, 64))
    gate = choose(tmp_path, images[1:], images[:1])
    assert (gate.accepted, gate.recipe, gate.painted) == (True, "user", (0,))
    assert gate.masks[0, :, 32:].all() and not gate.masks[0, :, :32].any()


def test_a_mask_of_another_size_is_refused(tmp_path, images):
    draw(tmp_path, "mon", slice(0, 32))
    draw(tmp_path, "tue", slice(0, 32), size=(64, 65))
    with pytest.raises(MaskError, match="never resized"):
        choose(tmp_path, images)


def test_a_folder_without_any_mask_of_these_pictures_is_refused(tmp_path, images):
    draw(tmp_path, "wed", slice(0, 32))
    with pytest.raises(DataError, match=r"no mask for any of the 2 training pictures, such as mon/000\.png"):
        choose(tmp_path, images)


@pytest.mark.parametrize("days", [("mon",), ("mon", "tue")])
def test_masks_that_are_all_black_are_refused(tmp_path, images, days):
    for day in days:
        draw(tmp_path, day, slice(0, 0))
    with pytest.raises(DataError, match=r"masks: none of the masks of the part marks anything\. Paint"):
        choose(tmp_path, images)
    draw(tmp_path, "mon", slice(0, 32))  # one that shows the part is enough
    assert days == ("mon",) or choose(tmp_path, images).accepted


def test_masks_that_mark_everything_tell_no_background(tmp_path, images, capsys):
    for day in ("mon", "tue"):
        draw(tmp_path, day, slice(0, 64))
    gate = choose(tmp_path, images, progress=PlainLines())
    assert (gate.accepted, gate.recipe, gate.masks) == (False, "user", None)
    assert "masks given mark the whole picture" in gate.reason and gate.reason in capsys.readouterr().err


def test_masks_that_nothing_is_left_of_at_the_networks_size_are_refused(tmp_path, images):
    for day in ("mon", "tue"):
        draw(tmp_path, day, slice(9, 10), (640, 640))
    seen = Seen(np.zeros((2, 64, 64, 3), np.uint8), images, [(640, 640)] * 2)
    with pytest.raises(DataError, match="too thin to be seen at 64 x 64 px"):
        choose_foreground(seen, (), Shown(tmp_path / "masks"), TrainSettings(), Silence())


def test_some_masks_teach_the_rest_those_of_pictures_held_out_too(tmp_path, images, monkeypatch):
    draw(tmp_path, "tue", slice(0, 32))
    asked = []

    def find_foreground(images, progress, painted, empty_scene):
        asked.append((len(images), painted.index.tolist(), float(painted.masks.mean()), empty_scene))
        return Gate(True, "taught", 0.9, "", np.ones((2, 64, 64), np.float32), np.ones(2), (), (1, 0), (1,))

    monkeypatch.setattr("baad.learn.foreground_masks.find_foreground", find_foreground)
    gate = choose(tmp_path, images[:1], images[1:])
    assert asked == [(2, [1], 0.5, None)]
    assert gate.masks.shape == (1, 64, 64) and gate.per_image.shape == (1,)
    assert (gate.suggested, gate.painted) == ((0,), ())


def test_pictures_to_paint_are_named_with_their_sub_folder_whatever_was_held_out(tmp_path, images, monkeypatch, capsys):
    draw(tmp_path, "mon", slice(0, 32))
    refused = Gate(False, "none", 0.1, "no background", None, suggested=(0,))
    monkeypatch.setattr("baad.learn.foreground_masks.find_foreground", lambda *anything: refused)
    choose(tmp_path, images[1:], images[:1], progress=PlainLines())
    assert "paint the part in tue/000.png, and" in capsys.readouterr().err


@pytest.mark.parametrize("recipe, said", [("taught", "learnt from 1 of your masks"), ("border", "found by border")])
def test_learnt_is_said_only_where_something_was_learnt(tmp_path, images, monkeypatch, capsys, recipe, said):
    draw(tmp_path, "tue", slice(0, 32))
    found = Gate(True, recipe, 0.9, "", np.ones((2, 64, 64), np.float32), np.ones(2))
    monkeypatch.setattr("baad.learn.foreground_masks.find_foreground", lambda *anything: found)
    choose(tmp_path, images, progress=PlainLines())
    told = capsys.readouterr().err
    assert f"foreground: {said}, quality 0.90" in told
    assert ("nothing learnt from 1 of your masks" in told) == (recipe != "taught")


def test_an_empty_scene_of_another_aspect_is_refused(tmp_path):
    save_picture(tmp_path / "empty.png", np.zeros((40, 80, 3), np.uint8))
    assert read_empty_scene(tmp_path / "empty.png", [(20, 40)]).shape == (40, 80, 3)
    with pytest.raises(DataError, match="same camera"):
        read_empty_scene(tmp_path / "empty.png", [(64, 64)])


def test_a_part_that_lies_still_has_a_usual_place():
    masks = np.zeros((10, 32, 32), bool)
    masks[:, 8:24, 8:24] = True
    usual = find_usual_place(masks)
    assert usual.shape == (1, 1, 8, 8)
    assert float(usual[0, 0, 4, 4]) == 1.0 and float(usual[0, 0, 0, 0]) == 0.0


def test_a_part_that_lies_anywhere_has_none():
    masks = np.zeros((4, 32, 32), bool)
    for index in range(4):
        masks[index, 8 * index : 8 * index + 8, :16] = True
    assert find_usual_place(masks).shape == (1, 1, 1, 1) and float(find_usual_place(masks).max()) == 0.0


def test_a_picture_of_the_empty_scene_beside_masks_for_all_is_said_to_be_of_no_use(tmp_path, images, capsys):
    draw(tmp_path, "mon", slice(0, 32))
    draw(tmp_path, "tue", slice(0, 32))
    choose(tmp_path, images, progress=PlainLines(), empty_scene=tmp_path / "empty.png")
    assert "empty.png is not used: every picture has a mask of its own" in capsys.readouterr().err


def test_what_is_shown_is_known_again_wherever_it_lies_and_told_apart_from_anything_else(tmp_path, images):
    def fingerprint(folder="masks", **shown):
        return fingerprint_shown(Shown(tmp_path / folder, **shown), images)

    draw(tmp_path, "tue", slice(0, 32))
    one = fingerprint()
    shutil.copytree(tmp_path / "masks", tmp_path / "copy")
    assert fingerprint("copy") == one and fingerprint_shown(Shown(), images) == ""
    scene = save_picture(tmp_path / "empty.png", np.zeros((64, 64, 3), np.uint8))
    (tmp_path / "masks" / "tue").rename(tmp_path / "masks" / "mon")
    moved = fingerprint()
    draw(tmp_path, "mon", slice(32, 64))
    draw(tmp_path, "tue", slice(0, 32))
    assert len({one, moved, fingerprint(), fingerprint(empty_scene=scene)}) == 4
