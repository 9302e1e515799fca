import json
import os
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
import pytest

from baad.data.checksum import hash_file
from baad.data.masks import read_mask, write_mask
from baad.data.part_masks import (
    drop_unchanged,
    find_part_masks,
    lay_below,
    name_pictures,
    place_part_masks,
    was_refused,
)
from baad.errors import DataError
from tests.factory import save_picture


def put(*files):
    for file in files:
        save_picture(file, np.ones((4, 4), bool))
    return list(files)


def test_a_mask_of_the_part_lies_as_its_picture_does(tmp_path):
    pictures = put(*(tmp_path / "data" / day / f"{stem}.bmp" for day in ("mon", "tue") for stem in "ab"))
    put(*(tmp_path / "masks" / name for name in ("mon/a.png", "tue/a.png", "b.png")))
    found = find_part_masks(tmp_path / "masks", pictures)
    assert found == {  # b.png may be for either b, so it is for neither
        pictures[0]: tmp_path / "masks" / "mon" / "a.png",
        pictures[2]: tmp_path / "masks" / "tue" / "a.png",
    }


def test_pictures_are_called_by_their_sub_folders_only_where_they_lie_in_some(tmp_path):
    first, second = tmp_path / "mon" / "a.png", tmp_path / "tue" / "a.bmp"
    assert name_pictures([first, second]) == {first: "mon/a.png", second: "tue/a.bmp"}
    assert name_pictures([first]) == {first: "a.png"}
    assert name_pictures([]) == {}


def test_pictures_on_two_drives_are_called_by_whole_paths_and_their_masks_lie_in_the_folder_all_the_same(
    tmp_path, monkeypatch
):
    def refuse(paths):
        raise ValueError("Paths don't have the same drive")  # as Windows does

    monkeypatch.setattr(os.path, "commonpath", refuse)
    first, second = tmp_path / "mon" / "a.png", tmp_path / "tue" / "a.bmp"
    assert name_pictures([first, second]) == {first: first.as_posix(), second: second.as_posix()}
    places = place_part_masks([first, second])
    assert (tmp_path / "masks" / places[first]).is_relative_to(tmp_path / "masks")
    assert [place.parts[-2:] for place in places.values()] == [("mon", "a.png"), ("tue", "a.png")]


@pytest.mark.parametrize(
    ("path", "below"),
    [
        (PureWindowsPath("D:/mon/a.png"), PureWindowsPath("D/mon/a.png")),
        (PureWindowsPath("//server/share/mon/a.png"), PureWindowsPath("server/share/mon/a.png")),
        (PurePosixPath("/mon/a.png"), PurePosixPath("mon/a.png")),
        (PurePosixPath("mon/a:b.png"), PurePosixPath("mon/a:b.png")),
    ],
)
def test_a_whole_path_can_lie_below_a_folder(path, below):
    assert lay_below(path) == below


@pytest.mark.parametrize("place", ["a.png", "train/good/a.png", "train/ok/a.png"])
def test_a_name_that_is_single_may_lie_loose(tmp_path, place):
    pictures = put(tmp_path / "data" / "mon" / "a.png", tmp_path / "data" / "tue" / "b.png")
    put(tmp_path / "masks" / place)
    assert find_part_masks(tmp_path / "masks", pictures) == {pictures[0]: tmp_path / "masks" / place}


def test_pictures_that_differ_in_their_suffix_alone_cannot_have_masks(tmp_path):
    pictures = put(tmp_path / "a.png", tmp_path / "a.bmp")
    with pytest.raises(DataError, match=r"a\.png and .*a\.bmp would share the mask of the part a\.png"):
        find_part_masks(tmp_path / "masks", pictures)


SQUARE = [[1, 1], [3, 1], [3, 3], [1, 3]]  # pixels 1 and 2 in both directions


def write_labelme(file, label):
    shape = {"label": label, "points": SQUARE, "shape_type": "polygon"}
    record = {"shapes": [shape], "imagePath": "a.png", "imageHeight": 4, "imageWidth": 4}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record))


def write_coco(file, size=4, **annotation):
    record = {
        "images": [{"id": 7, "file_name": "a.png", "height": size, "width": size}],
        "categories": [{"id": 0, "name": "good"}],
        "annotations": [{"image_id": 7, "category_id": 0, **annotation}],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record))


def marked(mask):
    return np.argwhere(read_mask(mask, (4, 4))).tolist()


@pytest.mark.parametrize("label", ["part", "good"])
def test_a_labelme_outline_is_part_whatever_its_label(tmp_path, label):
    (picture,) = put(tmp_path / "data" / "a.png")
    write_labelme(tmp_path / "masks" / "a.json", label)
    found = find_part_masks(tmp_path / "masks", [picture])
    assert marked(found[picture]) == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_outlines_of_a_coco_file_are_found_by_the_names_of_the_pictures(tmp_path):
    pictures = put(tmp_path / "data" / "a.png", tmp_path / "data" / "b.png")
    write_coco(tmp_path / "masks" / "instances.json", segmentation=[[value for point in SQUARE for value in point]])
    found = find_part_masks(tmp_path / "masks", pictures)
    assert list(found) == pictures[:1]
    assert marked(found[pictures[0]]) == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_outlines_of_several_coco_files_are_united(tmp_path):
    (picture,) = put(tmp_path / "data" / "a.png")
    for name, left in (("ann", 0), ("bob", 3)):
        write_coco(tmp_path / "masks" / f"{name}.json", segmentation=[[left, 0, left + 1, 0, left + 1, 1, left, 1]])
    assert marked(find_part_masks(tmp_path / "masks", [picture])[picture]) == [[0, 0], [0, 3]]
    write_coco(tmp_path / "masks" / "eve.json", size=5, segmentation=[[0, 0, 1, 0, 1, 1, 0, 1]])
    with pytest.raises(DataError, match=r"eve\.json: a\.png is 5 x 5 px and 4 x 4 px, here and in .*ann\.json"):
        find_part_masks(tmp_path / "masks", [picture])


def test_a_box_alone_is_no_outline(tmp_path):
    (picture,) = put(tmp_path / "data" / "a.png")
    write_coco(tmp_path / "masks" / "instances.json", bbox=[1, 1, 2, 2])
    assert find_part_masks(tmp_path / "masks", [picture]) == {}


def test_what_is_painted_comes_before_what_is_outlined(tmp_path):
    (picture,) = put(tmp_path / "data" / "a.png")
    write_labelme(tmp_path / "masks" / "a.json", "part")
    put(tmp_path / "masks" / "a.png")
    assert find_part_masks(tmp_path / "masks", [picture]) == {picture: tmp_path / "masks" / "a.png"}


@pytest.mark.parametrize("write", [lambda file: write_labelme(file, "part"), None], ids=["labelme", "coco"])
def test_an_outline_comes_before_a_proposal_that_nobody_changed(tmp_path, write):
    (picture,) = put(tmp_path / "data" / "a.png")
    (proposal,) = put(tmp_path / "masks" / "a.png")
    listed = [{"mask": "a.png", "source": "proposed", "sha256": hash_file(proposal)}]
    (tmp_path / "masks" / "masks.json").write_text(json.dumps({"images": listed}))
    if write:
        write(tmp_path / "masks" / "a.json")
    else:
        write_coco(tmp_path / "masks" / "all.json", segmentation=[[value for point in SQUARE for value in point]])
    found = find_part_masks(tmp_path / "masks", [picture])
    assert marked(found[picture]) == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert drop_unchanged(tmp_path / "masks", found) == found
    write_mask(proposal, np.eye(4, dtype=bool))  # then a person painted, too
    assert find_part_masks(tmp_path / "masks", [picture]) == {picture: proposal}


@pytest.mark.parametrize("place", ["a.png", "train/good/a.png"])
def test_a_picture_is_not_its_own_mask(tmp_path, place):
    (picture,) = put(tmp_path / place)
    assert find_part_masks(tmp_path, [picture]) == {}
    write_labelme(picture.with_suffix(".json"), "part")  # where labelme saves it
    assert marked(find_part_masks(tmp_path, [picture])[picture]) == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_what_a_killed_call_left_hidden_does_not_hide_a_refusal(tmp_path):
    (tmp_path / "masks.json").write_text('{"gate": "none"}')
    (tmp_path / ".7.partial").mkdir()
    assert was_refused(tmp_path)
    (tmp_path / "000.png").touch()
    assert not was_refused(tmp_path)
