import json
import re

import numpy as np
import pytest

from baad.data.manifest import is_manifest, read_manifest
from baad.data.masks import unite_masks
from baad.data.reading import read_category
from baad.errors import DataError
from tests.factory import draw_set, save_picture, write_layout


def write(root, *lines, name="manifest.csv", pictures=("a.png", "b.png", "m.png")):
    for picture in pictures:
        save_picture(root / picture, np.full((4, 4), 255, np.uint8))
    (root / name).write_text("\n".join(lines) + "\n", "utf-8")
    return root / name


def test_label_mask_group_and_split_are_read(tmp_path):
    pictures = draw_set(normals=8, good=2, defective=2)
    root = write_layout("manifest", tmp_path / "disc", pictures)
    category = read_manifest(root)
    assert is_manifest(root)
    assert (category.name, category.layout) == ("disc", "manifest")
    assert [image.session for image in category.train] == ["day 0"] * 4 + ["day 1"] * 4
    assert [image.kind for image in category.test] == ["good", "good", "spot", "scratch"]
    assert (unite_masks(category.test[3].masks, (64, 64)) == pictures[-1].drawn.defect).all()
    assert read_manifest(root / "manifest.csv") == category


def test_json_lines_say_the_same(tmp_path):
    records = [{"path": "a.png", "label": "good", "group": 7}, {"path": "b.png", "label": "dent", "mask": ["m.png"]}]
    file = write(tmp_path, *map(json.dumps, records), "", name="list.jsonl")
    category = read_manifest(file)
    assert category.name == "list"
    assert [(image.path.name, image.session) for image in category.train] == [("a.png", "7")]
    assert [(image.kind, image.masks) for image in category.test] == [("dent", (tmp_path / "m.png",))]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_and_a_byte_order_mark_do_not_matter(tmp_path, delimiter):
    write(tmp_path, "\ufeff" + delimiter.join(("Path", "Label")), delimiter.join(("a.png", " normal ")))
    assert len(read_manifest(tmp_path).train) == 1


def test_without_labels_pictures_are_good_unless_they_have_a_mask(tmp_path):
    category = read_manifest(write(tmp_path, "path,mask", "a.png,", "b.png,m.png;m.png"))
    assert [image.path.name for image in category.train] == ["a.png"]
    assert [(image.kind, len(image.masks)) for image in category.test] == [("defect", 2)]


@pytest.mark.parametrize("named", ["NG/a.png", r"lot 3\NG\a.png"])
def test_without_labels_a_picture_in_a_folder_of_defects_is_defective(tmp_path, named):
    category = read_manifest(write(tmp_path, "path", named, "b.png", pictures=(named.replace("\\", "/"), "b.png")))
    assert [image.path.name for image in category.train] == ["b.png"]
    assert [image.kind for image in category.test] == ["NG"]


def test_a_folder_above_the_list_says_nothing_of_its_pictures(tmp_path):
    outside = save_picture(tmp_path / "anomaly" / "line 1" / "a.png", np.full((4, 4), 255, np.uint8))
    for named in (outside.as_posix(), "../anomaly/line 1/a.png"):
        (tmp_path / "lists").mkdir(exist_ok=True)
        category = read_manifest(write(tmp_path / "lists", "path", named, pictures=()))
        assert len(category.train) == 1 and category.test == ()


def test_labels_may_be_numbers(tmp_path):
    category = read_manifest(write(tmp_path, "path,label", "a.png,0", "b.png,1"))
    assert [image.path.name for image in category.train] == ["a.png"]
    assert [image.kind for image in category.test] == ["defect"]


@pytest.mark.parametrize("named", ["test/a.png", r"test\a.png"])
def test_a_folder_tells_the_half_where_the_list_does_not(tmp_path, named):
    file = write(tmp_path, "path,label", f"{named},good", "b.png,good", pictures=("test/a.png", "b.png"))
    category = read_manifest(file)
    assert [image.path.name for image in category.test] == ["a.png"]
    assert [image.path.name for image in category.train] == ["b.png"]


def test_defects_are_never_learnt_from(tmp_path):
    category = read_manifest(write(tmp_path, "path,label,split", "a.png,good,train", "b.png,dent,train"))
    assert [image.path.name for image in category.train] == ["a.png"]
    assert category.notes == ("1 defective pictures of the training half are for testing only",)


def test_a_mask_may_be_a_labelme_file(tmp_path):
    shapes = [{"label": "x", "shape_type": "rectangle", "points": [[0, 0], [2, 2]]}]
    (tmp_path / "a.json").write_text(json.dumps({"shapes": shapes, "imageHeight": 4, "imageWidth": 4}))
    category = read_manifest(write(tmp_path, "path,label,mask", "a.png,dent,a.json"))
    assert unite_masks(category.test[0].masks, (4, 4)).sum() == 4


def test_every_line_that_cannot_be_used_is_told_at_once(tmp_path):
    file = write(
        tmp_path,
        *("path,label,mask,split", "gone.png,good,,", "a.png,,,", "b.png,dent,gone.png,", "a.png,good,,nowhere"),
        *(",good,,", "b.png,good,,", "b.png,good,,", "m.png,dent,manifest.csv.json,"),
    )
    (tmp_path / "manifest.csv.json").write_text("[]")
    with pytest.raises(DataError) as raised:
        read_manifest(file)
    told = str(raised.value).splitlines()
    expected = {
        2: r"no file .*gone.png. Check the path",
        3: "the label is empty",
        4: r"no file .*gone.png. Check the mask",
        5: "the split is 'nowhere'",
        6: "the path is ''",
        8: "b.png stands in line 7 already",
        9: "no labelme file",
    }
    assert [int(line.split(", line ")[1].split(":")[0]) for line in told] == list(expected)
    for line, problem in zip(told, expected.values()):
        assert re.search(problem, line), line


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("m.csv", b"file,label\na.png,good\n", r"line 2: 'path' is missing \(it has file, label\)"),
        ("m.csv", b"path,label\na.png,good,,more\n", "line 2: 4 cells under a header of 2"),
        ("m.csv", b"path\na.png\n\xff\xfe\n", "line 3: this is not UTF-8"),
        ("m.csv", b'path\n"a.png\nb.png\nc.png\n', "line 2: this is no CSV that can be read"),
        ("m.csv", b'path,label\na.png,"go"od\n', "line 2: this is no CSV that can be read"),
        ("m.csv", b"path\n" + b"x" * 200_000, "line 2: this is no CSV that can be read"),
        ("m.jsonl", b'{"path": "a.png"}\n{"path": \n', "line 2: this is no JSON"),
        ("m.jsonl", b"[" * 100_000, "line 1: this is no JSON"),
        ("m.jsonl", b"[1]\n", "line 1: this is no JSON object"),
        ("m.jsonl", b'{"path": 7}\n', "line 1: the path is 7"),
        ("m.jsonl", b'{"path": "a\\u0000b"}\n', "line 1: there is no file"),
        ("m.jsonl", b'{"path": "m.jsonl", "label": {}}\n', "line 1: the label is {}"),
        ("m.jsonl", b'{"path": "m.jsonl", "label": false}\n', "line 1: the label is False, .*Give good, or the kind"),
        ("m.jsonl", b'{"path": "m.jsonl", "label": true}\n', "line 1: the label is True, .*Give good, or the kind"),
        ("m.csv", b"path,label\nm.csv,FALSE\n", "line 2: the label is 'FALSE', which may mean good or defective"),
        ("m.jsonl", b'{"path": "m.jsonl", "label": "ng", "mask": 3}\n', "line 1: there is no file"),
    ],
)
def test_a_damaged_list_is_named_with_its_line(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}.*{problem}"):
        read_manifest(tmp_path / name)


def test_good_pictures_with_masks_are_told_of(tmp_path):
    category = read_manifest(write(tmp_path, "path,label,mask", "a.png,0.0,m.png", "b.png,1.0,m.png"))
    assert ([image.path.name for image in category.train], category.test[0].kind) == (["a.png"], "defect")
    assert category.notes == ("1 pictures are labelled good and have masks, which do not count",)
    told = read_manifest(write(tmp_path, '{"path": "a.png", "label": 0.0}', name="manifest.jsonl"))
    assert not told.test and not told.notes


def test_a_manifest_without_pictures_is_called_empty(tmp_path):
    write(tmp_path, "path,label")
    with pytest.raises(DataError, match="the manifest lists no pictures"):
        read_category(tmp_path)
