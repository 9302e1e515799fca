import json
import zipfile

import pytest

from baad.bundle import read_bundle, read_member
from baad.verdict.drawn import parse_zones

SQUARE = [[0.1, 0.1], [0.4, 0.1], [0.4, 0.4], [0.1, 0.4]]


@pytest.fixture
def zones(tmp_path):
    file = tmp_path / "zones.json"
    drawn = [{"rule": "ignore", "polygon": SQUARE}, {"rule": "warn", "polygon": SQUARE, "frame": "part"}]
    file.write_text(json.dumps({"zones": drawn}))
    return file


def test_zones_go_into_the_model_are_shown_and_taken_away_again(baad, model, zones, tmp_path):
    out = tmp_path / "zoned.baad"
    assert "wherever it lies" in baad("zones", model).out
    told = baad("zones", model, zones, "-o", out)
    assert told.code == 0
    shown = baad("zones", out).out
    assert shown.strip() == "zones: 1 that ignores, 1 that warns (1 move with the part); elsewhere: reject"
    assert baad("zones", out, "--clear", "-o", out).code == 0
    assert read_bundle(out).manifest == read_bundle(model).manifest


def test_nothing_but_the_manifest_changes(baad, model, zones, tmp_path):
    out = tmp_path / "zoned.baad"
    baad("zones", model, zones, "-o", out)
    manifest = read_bundle(out).manifest
    assert len(parse_zones(manifest.pop("zones"), out).zones) == 2
    assert manifest == read_bundle(model).manifest
    assert all(read_member(out, name) == read_member(model, name) for name in manifest["files"])


@pytest.mark.parametrize(
    "words, told",
    [(("--clear",), "contradict"), ((), "Name the model file to write"), (("-o", "x", "--clear"), "contradict")],
)
def test_what_cannot_be_meant_is_refused(baad, model, zones, words, told):
    outcome = baad("zones", model, zones, *words)
    assert outcome.code == 2 and told in outcome.err


def test_an_output_without_zones_is_refused(baad, model, tmp_path):
    assert "or --clear" in baad("zones", model, "-o", tmp_path / "new.baad").err


def test_no_other_file_than_a_model_is_overwritten(baad, model, zones, tmp_path):
    (tmp_path / "notes.txt").write_text("notes")
    before = zones.read_text()
    for words in ((zones, "-o", zones), (zones, "-o", tmp_path / "notes.txt"), ("--clear", "-o", zones)):
        outcome = baad("zones", model, *words)
        assert (outcome.code, "is there already, and is no model file" in outcome.err) == (2, True)
    assert (zones.read_text(), (tmp_path / "notes.txt").read_text()) == (before, "notes")


def test_an_archive_of_others_is_not_overwritten(baad, model, tmp_path):
    with zipfile.ZipFile(tmp_path / "pics.zip", "w") as archive:
        archive.writestr("a.png", b"a picture")
    before = (tmp_path / "pics.zip").read_bytes()
    outcome = baad("zones", model, "--clear", "-o", tmp_path / "pics.zip")
    assert (outcome.code, "is there already, and is no model file" in outcome.err) == (2, True)
    assert (tmp_path / "pics.zip").read_bytes() == before


def test_a_damaged_file_of_zones_is_named(baad, model, tmp_path):
    (tmp_path / "zones.json").write_text("{")
    outcome = baad("zones", model, tmp_path / "zones.json", "-o", tmp_path / "new.baad")
    assert outcome.code == 2 and "zones.json is no JSON" in outcome.err
    assert not (tmp_path / "new.baad").exists()


@pytest.mark.parametrize("labelme", [False, True])
def test_zones_drawn_on_a_picture_of_another_aspect_are_warned_of(baad, model, tmp_path, labelme):
    height, width = json.loads(zipfile.ZipFile(model).read("manifest.json"))["image_shapes"][0]
    corners = [[0, 0], [width, 0], [width, height]]
    for size, warned in (([width, height], False), ([2 * width, 2 * height], False), ([4 * width, height], True)):
        drawn = {"size": size, "zones": [{"rule": "ignore", "polygon": corners}]}
        if labelme:
            shape = {"label": "ignore", "shape_type": "polygon", "points": corners}
            drawn = {"shapes": [shape], "imagePath": "a.png", "imageWidth": size[0], "imageHeight": size[1]}
        assert told_of_another_aspect(baad, model, tmp_path / "zones.json", drawn) == warned


def test_zones_that_all_follow_the_part_have_no_aspect_of_the_picture(baad, model, tmp_path):
    drawn = {"size": [4000, 10], "zones": [{"rule": "ignore", "frame": "part", "polygon": SQUARE}]}
    assert not told_of_another_aspect(baad, model, tmp_path / "zones.json", drawn)


def told_of_another_aspect(baad, model, file, drawn):
    file.write_text(json.dumps(drawn))
    outcome = baad("zones", model, file, "-o", file.with_name("new.baad"))
    assert outcome.code == 0, outcome.err
    return "was drawn on a picture of" in outcome.err
