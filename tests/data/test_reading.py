import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from baad.data.maps import write_map
from baad.data.reading import LAYOUTS, describe_category, read_category, recognise_layout, searched_places
from baad.errors import DataError, SettingError
from tests.factory import draw_set, save_picture, save_result, write_category, write_folder, write_layout


def test_the_layout_is_recognised(tmp_path):
    assert read_category(write_category(tmp_path / "a")).layout == "MVTec AD"
    assert read_category(write_folder(tmp_path / "b")).layout == "folder of good pictures"
    assert read_category(str(tmp_path / "a" / "train")).layout == "folder of good pictures"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_told_from_the_others(tmp_path, layout):
    root = write_layout(layout, tmp_path / "disc", draw_set(normals=4, good=1, defective=2, size=(24, 24)))
    assert recognise_layout(root) == layout
    assert read_category(root) == read_category(root, layout)


@pytest.mark.parametrize(
    ("layout", "names"),
    [
        *((layout, {"train", "test"}) for layout in ("mvtec", "btad")),
        ("loco", {"train", "test", "validation"}),
        ("mvtec2", {"train", "test_public", "validation"}),
        ("visa", {"Data"}),
        *((layout, {""}) for layout in ("coco", "labelme", "folder")),
        ("manifest", set()),
    ],
)
def test_each_layout_says_where_more_pictures_would_be_found(tmp_path, layout, names):
    root = write_layout(layout, tmp_path / "disc", draw_set(normals=4, good=1, defective=2, size=(24, 24)))
    assert searched_places(read_category(root)) == {root / name for name in names}


def put_results(category, folder):
    """An overlay and a map for each picture, below the folder that it lies in -> how many."""
    pictures = [image.path for image in (*category.train, *category.test)]
    for path in pictures:
        overlay = save_result(path.parent / folder / f"{path.stem}.png", np.full((24, 52, 3), 90, np.uint8))
        write_map(overlay.with_suffix(".tiff"), np.zeros((24, 24)))
    return 2 * len(pictures)


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "manifest"])
def test_results_among_the_pictures_are_neither_learnt_from_nor_tested_on(tmp_path, layout):
    root = write_layout(layout, tmp_path / "disc", draw_set(normals=4, good=1, defective=2, size=(24, 24)))
    shutil.rmtree(tmp_path / "split_csv", ignore_errors=True)  # VisA's names the pictures one by one
    before = read_category(root)
    count = put_results(before, "seen")
    after = read_category(root)
    assert (after.train, after.test) == (before.train, before.test)
    if layout == "visa":  # which looks for normal pictures at one depth alone
        count = 2 * sum(image.defective for image in before.test)
    left_aside = f"{count} overlays and maps of BAAD left aside"
    unlisted = f"{count} pictures left aside: the annotations do not list them"
    assert set(after.notes) - set(before.notes) == {unlisted if layout == "coco" else left_aside}


def test_folders_of_results_are_no_recording_sessions(tmp_path):
    category = read_category(write_folder(tmp_path / "parts", normals=8, sessions=("mon", "tue", "wed", "thu")))
    put_results(category, "seen")
    assert {image.session for image in read_category(tmp_path / "parts").train} == {""}


def test_a_folder_of_results_alone_says_why_there_is_no_picture(tmp_path):
    save_result(tmp_path / "seen" / "a.png", np.full((24, 52, 3), 90, np.uint8))
    with pytest.raises(DataError, match=r"no pictures \(1 overlays and maps of BAAD left aside\)\. Looked for"):
        read_category(tmp_path / "seen")


def test_one_line_says_what_was_found(tmp_path):
    root = write_layout("mvtec2", tmp_path / "disc", draw_set(normals=4, good=1, defective=2, size=(24, 24)))
    assert describe_category(read_category(root)) == (
        "disc: MVTec AD 2, 4 normal pictures, 3 test pictures (2 defective); "
        "test_private left aside: no truth comes with them"
    )
    root = write_folder(tmp_path / "plain", normals=3)
    assert describe_category(read_category(root)) == "plain: folder of good pictures, 3 normal pictures"


def test_a_manifest_and_an_annotation_file_may_be_given_themselves(tmp_path):
    for layout, name in (("manifest", "manifest.csv"), ("coco", "annotations.json")):
        root = write_layout(layout, tmp_path / layout, draw_set(normals=2, good=1, defective=1, size=(24, 24)))
        assert read_category(root / name) == read_category(root)
        with pytest.raises(DataError, match="is a file"):
            read_category(root / name, "mvtec")


def test_the_layout_may_be_named_instead(tmp_path):
    root = write_category(tmp_path, normals=3, good=2, defective=4)
    assert len(read_category(root, "folder").train) == 9
    with pytest.raises(SettingError, match=r"'vista': give auto, manifest, .*labelme or folder"):
        read_category(root, "vista")


OUTLINE = [[1, 1], [3, 1], [3, 3]]
OUTLINED = {
    "labelme": {
        "shapes": [{"label": "part", "points": OUTLINE, "shape_type": "polygon"}],
        **{"imagePath": "000.png", "imageHeight": 64, "imageWidth": 64},
    },
    "coco": {
        "images": [{"id": 0, "file_name": "000.png", "height": 64, "width": 64}],
        "categories": [{"id": 0, "name": "part"}],
        "annotations": [{"image_id": 0, "category_id": 0, "segmentation": [[1, 1, 3, 1, 3, 3]]}],
    },
}


@pytest.mark.parametrize("layout", OUTLINED)
def test_outlines_of_the_part_beside_the_pictures_mark_no_defects(tmp_path, layout):
    root = write_folder(tmp_path / "good", normals=3)
    (root / "000.json").write_text(json.dumps(OUTLINED[layout]))
    assert [image.path.name for image in read_category(root).test] == ["000.png"]
    assert read_category(root, part_masks=tmp_path / "elsewhere") == read_category(root)
    assert read_category(root, layout, root) == read_category(root)
    found = read_category(root, part_masks=root)
    assert [image.path.name for image in found.train] == ["000.png", "001.png", "002.png"] and not found.test
    assert describe_category(found).endswith("3 normal pictures; the outlines among them are of the part")


@pytest.mark.parametrize("layout", ["auto", *LAYOUTS])
def test_a_folder_without_pictures_says_what_was_looked_for(tmp_path, layout):
    (tmp_path / "notes.txt").write_text("no pictures")
    looked_for = LAYOUTS["mvtec" if layout == "auto" else layout].looked_for
    with pytest.raises(DataError) as raised:
        read_category(tmp_path, layout)
    assert "holds no pictures. Looked for" in str(raised.value) and looked_for in str(raised.value)


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


def test_a_category_whose_folder_is_no_utf8_has_a_name_that_is(tmp_path):
    assert read_category(write_category(tmp_path / "kr\udce4tzer")).name == "kr\ufffdtzer"


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


@pytest.mark.parametrize(
    ("places", "named"),
    [
        (("good", "scratch/lot1"), "scratch"),
        (("good/lot1", "scratch"), "scratch"),
        (("line/ok/a", "line/dents/b/c"), "dents"),
        (("gut", "reject"), "reject"),
        (("ok_parts", "defect_parts"), "defect_parts"),
    ],
)
def test_defects_beside_good_pictures_are_found_at_any_depth(tmp_path, places, named):
    for place in places:
        write_folder(tmp_path / place, normals=2)
    with pytest.raises(DataError, match=f"has a folder named {named}"):
        read_category(tmp_path)


def test_days_of_good_pictures_and_folders_of_masks_are_no_defects(tmp_path):
    for place in ("good/lot1", "good/lot2", "good/no_defects", "foreground"):
        write_folder(tmp_path / place, normals=2)
    assert len(read_category(tmp_path).train) == 6


def test_painted_masks_of_the_part_are_never_learnt_from(tmp_path):
    write_folder(tmp_path / "parts" / "good", normals=3)
    mine = tmp_path / "parts" / "mine"
    for number in range(2):
        save_picture(mine / f"00{number}.png", np.full((64, 64), 255 * number, np.uint8))
    with pytest.raises(DataError, match="has a folder named mine"):
        read_category(tmp_path / "parts")
    found = read_category(tmp_path / "parts", part_masks=mine)
    assert {image.path.parent.name for image in found.train} == {"good"}
    assert "2 masks of the part left aside" in found.notes
    (mine / "002.json").write_text(json.dumps(OUTLINED["labelme"]))  # then pictures may lie beside it
    save_picture(mine / "own.png", np.full((64, 64), 99, np.uint8))
    assert len(read_category(tmp_path / "parts", "folder", mine).train) == 4


@pytest.mark.parametrize("layout", OUTLINED)
def test_outlines_of_the_part_are_told_from_those_of_defects_by_their_folder(tmp_path, layout):
    root = write_folder(tmp_path / "parts", normals=3)
    (root / "mine").mkdir()
    (root / "000.json").write_text(json.dumps(OUTLINED[layout]))
    of_part = json.dumps(OUTLINED[layout]).replace("000.png", "001.png" if layout == "coco" else "../001.png")
    (root / "mine" / "001.json").write_text(of_part)
    if layout == "coco":  # which lists every picture
        text = (root / "000.json").read_text()
        record = json.loads(text)
        record["images"].append({"id": 1, "file_name": "001.png", "height": 64, "width": 64})
        (root / "000.json").write_text(json.dumps(record))
    found = read_category(root, part_masks=root / "mine")
    assert [image.path.name for image in found.test] == ["000.png"]
    assert "001.png" in [image.path.name for image in found.train]


def test_annotations_that_lie_too_deep_are_not_passed_over(tmp_path):
    root = write_folder(tmp_path / "export" / "task", normals=2)
    (root / "annotations").mkdir()
    (root / "annotations" / "instances.JSON").write_text(json.dumps(OUTLINED["coco"]))
    assert [image.path.name for image in read_category(root).test] == ["000.png"]
    with pytest.raises(DataError, match=r"COCO annotations deep inside, .*instances\.JSON"):
        read_category(root.parent)
    assert len(read_category(root.parent, "folder").train) == 2


UNREAD = {
    "000.xml": "<annotation>\n<filename>000.png</filename><object><name>dent</name></object></annotation>",
    "task/annotations.xml": '<?xml version="1.0"?>\n<annotations>\n<version>1.1</version><image id="0" name="000.png">',
    "labels/000.txt": "\ufeff0 0.5 0.5 0.1 0.125\n1 .25 0.5 1e-2 0.25\n\n",
    "project.json": '[{"id": 1, "annotations": [{"result": []}]}]',
    "min.json": '[{"image": "000.png", "tag": [{"points": [[0, 1]], "polygonlabels": ["dent"]}]}]',
    "via.json": '{"000.png": {"regions": [{"shape_attributes": {"name": "circle"}}]}}',
    "bare.json": '{"images": [], "annotations": [{"image_id": 0}]}',
}


@pytest.mark.parametrize("name", UNREAD)
def test_annotations_in_formats_that_are_not_read_are_not_passed_over(tmp_path, name):
    root = write_folder(tmp_path / "parts", normals=2)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(UNREAD[name], "utf-8")
    with pytest.raises(DataError, match=f"format that is not read, .*{name}, which may mark"):
        read_category(root)
    assert len(read_category(root, "folder").train) == 2
    (root / "fg_mask").mkdir()
    (root / name).rename(root / "fg_mask" / (root / name).name)
    assert len(read_category(root).train) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("other.txt", UNREAD["labels/000.txt"]), ("000.txt", "0 0.5\n"), ("000.txt", ""), ("000.txt", "taken at 5")),
        ("000.txt", "1712 350.2 1.1 25.0 1024\n"),
        ("000.txt", "1 " + "123456 " * 40 + "OK"),
        *(("camera.xml", "<camera><gain>1</gain></camera>"), ("000.xml", "<annotation><size/></annotation>")),
        *(("camera.json", '{"gain": 1}'), ("000.json", '{"file": "000.png", "annotations": []}')),
        ("000.json", '{"annotations": null}'),
    ],
)
def test_notes_beside_the_pictures_are_no_annotations(tmp_path, name, content):
    root = write_folder(tmp_path / "parts", normals=2)
    (root / name).write_text(content)
    assert len(read_category(root).train) == 2


def test_annotations_of_two_formats_in_one_folder_are_not_passed_over(tmp_path):
    root = write_folder(tmp_path / "parts", normals=3)
    (root / "all.json").write_text(json.dumps(OUTLINED["coco"]))
    (root / "001.json").write_text(json.dumps(OUTLINED["labelme"]).replace("000.png", "001.png"))
    with pytest.raises(DataError, match=r"COCO annotations, and a labelme file besides, .*001\.json"):
        read_category(root)
    assert [image.path.name for image in read_category(root, "labelme").test] == ["001.png"]
    assert [image.path.name for image in read_category(root, "coco").test] == ["000.png"]


def test_coco_annotations_in_utf_16_are_refused_rather_than_passed_over(tmp_path):
    root = write_folder(tmp_path / "parts", normals=2)
    (root / "all.json").write_text(json.dumps(OUTLINED["coco"]), "utf-16")
    with pytest.raises(DataError, match=r"all\.json is no JSON that can be read"):
        read_category(root)


def test_pictures_that_cannot_be_read_are_among_those_found(tmp_path):
    root = write_folder(tmp_path / "parts", normals=2)
    (root / "a.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    assert "a.HEIC" in [image.path.name for image in read_category(root).train]


@pytest.mark.parametrize("layout", OUTLINED)
@pytest.mark.parametrize("deep", ["", "monday"])
def test_outlines_in_folders_of_the_part_mark_no_defects(tmp_path, layout, deep):
    root = write_folder(tmp_path / "parts", normals=3)
    place = root / "fg_mask" / deep
    place.mkdir(parents=True)
    (place / "000.json").write_text(json.dumps(OUTLINED[layout]))
    assert len(read_category(root).train) == 3


def test_annotations_that_lie_too_deep_are_found_beside_those_of_the_part(tmp_path):
    root = write_folder(tmp_path / "parts", normals=3)
    for place in ("a_mine/sub", "z/task"):
        (root / place).mkdir(parents=True)
        (root / place / "all.json").write_text(json.dumps(OUTLINED["coco"]))
    with pytest.raises(DataError, match=r"deep inside, .*z.task.all\.json"):
        read_category(root, part_masks=root / "a_mine")


def test_of_a_folder_that_holds_painted_masks_and_outlines_the_painted_ones_are_left_out(tmp_path):
    root = write_folder(tmp_path / "parts", normals=4)
    for name in ("000", "001"):
        save_picture(root / "mine" / f"{name}.png", np.full((64, 64), 255, np.uint8))
    (root / "mine" / "003.json").write_text(json.dumps(OUTLINED["labelme"]).replace("000.png", "../003.png"))
    category = read_category(root, part_masks=root / "mine")
    assert {image.path.parent for image in category.train} == {root} and len(category.train) == 4


def test_a_list_may_name_a_picture_in_the_folder_of_masks(tmp_path):
    root = write_folder(tmp_path / "parts", normals=2)
    (tmp_path / "manifest.csv").write_text("path\nparts/000.png\nparts/001.png\n")
    assert len(read_category(tmp_path / "manifest.csv", part_masks=root).train) == 2


def test_a_word_for_good_among_the_test_pictures_makes_no_btad(tmp_path):
    root = write_category(tmp_path, normals=3, good=2)
    (root / "test" / "good").rename(root / "test" / "ok")
    category = read_category(root)
    assert (category.layout, len(category.train)) == ("MVTec AD", 3)
