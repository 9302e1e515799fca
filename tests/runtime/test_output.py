import csv
import io
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baad.data.results import is_result
from baad.errors import OutputError
from baad.runtime.output import (
    CSV_FIELDS,
    RECORD_FIELDS,
    STRIPS,
    appending,
    blend_heat,
    colour_map,
    draw_overlay,
    error_record,
    outline_alarms,
    tell_score,
    verdict_record,
    write_csv,
    write_json_lines,
    write_overlay,
)
from baad.verdict.decide import Verdict
from baad.verdict.regions import Region, find_regions
from baad.verdict.zones import ZoneShares


def make_verdict(anomaly_map=None, regions=None, **changes):
    if anomaly_map is None:
        anomaly_map = np.full((20, 30), -5.0, np.float32)
    fields = {
        "label": "ng",
        "score": 3.5,
        "threshold": 2.0,
        "p_value": 0.25,
        "display": 0.75,
        "regions": find_regions(anomaly_map, 2.0) if regions is None else regions,
        "zones": ZoneShares(0.75, 0.25, 0.0),
        "anomaly_map": anomaly_map,
        "foreground": np.ones_like(anomaly_map),
        "pixel_threshold": 2.0,
        "pixel_spread": 0.5,
        "notes": (),
    }
    return Verdict(**(fields | changes))


STRIP = 60  # px of the strip above an overlay of 1600 px
NOW = "2026-11-27T06:30:00.250+01:00"
ON_PART = {"part": 1.0, "border": 0.0, "background": 0.0}
REGIONS = (Region((1, 2, 5, 8), 20, 3.5), Region((9, 9, 10, 10), 1, 2.5))


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setattr("baad.runtime.output._now", lambda: NOW)


def test_a_record_has_the_documented_fields_and_plain_values(now):
    record = verdict_record(make_verdict(regions=REGIONS, notes=("another aspect",)), "a/part.png")
    assert list(record) == list(RECORD_FIELDS)
    assert json.loads(json.dumps(record)) == {
        "file": "a/part.png",
        "verdict": "ng",
        "score": 3.5,
        "threshold": 2.0,
        "p_value": 0.25,
        "display": 0.75,
        "regions": [
            {"box": [1, 2, 5, 8], "area": 20, "peak": 3.5, "rule": "reject", "below": False, "zones": ON_PART},
            {"box": [9, 9, 10, 10], "area": 1, "peak": 2.5, "rule": "reject", "below": False, "zones": ON_PART},
        ],
        "zones": {"part": 0.75, "border": 0.25, "background": 0.0},
        "notes": ["another aspect"],
        "error": "",
        "time": NOW,
    }


def test_a_record_says_when_it_was_made_wherever_it_is_read():
    before = datetime.now(UTC)
    told = datetime.fromisoformat(error_record("part.png", 2.0, "it is empty")["time"])
    assert told.utcoffset() is not None and abs((told - before).total_seconds()) < 60


def test_a_picture_that_could_not_be_judged_has_the_same_fields_and_no_score(tmp_path, now):
    record = error_record("part.png", 2.0, "it is empty")
    assert list(record) == list(RECORD_FIELDS)
    assert json.loads(json.dumps(record, allow_nan=False)) == {
        **{"file": "part.png", "verdict": "error", "score": None, "threshold": 2.0, "p_value": None, "display": None},
        **{"regions": [], "zones": dict.fromkeys(ON_PART, 0.0), "notes": [], "error": "it is empty"},
        "time": NOW,
    }
    write_csv(tmp_path / "out.csv", [record])
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == "part.png,error,,2.0" + 15 * "," + f"it is empty,{NOW}"


def test_regions_found_in_a_map_are_plain_values_too():
    anomaly_map = np.zeros((4, 4), np.float32)
    anomaly_map[1, 1] = 7
    assert json.loads(json.dumps(verdict_record(make_verdict(anomaly_map), "x")))["regions"] == [
        {"box": [1, 1, 2, 2], "area": 1, "peak": 7.0, "rule": "reject", "below": False, "zones": ON_PART}
    ]


def test_json_lines_hold_one_record_each(tmp_path):
    records = [verdict_record(make_verdict(regions=REGIONS), f"{name}.png") for name in ("ä", 'with "quotes"\n')]
    assert write_json_lines(tmp_path / "new" / "out.jsonl", iter(records)) == 2
    lines = (tmp_path / "new" / "out.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == records


def test_a_stream_gets_lines_that_any_encoding_holds():
    stream, record = io.StringIO(), verdict_record(make_verdict(), "Prüfling\udcff😀.png")
    write_json_lines(stream, [record], ascii_only=True)
    assert stream.getvalue().isascii() and json.loads(stream.getvalue()) == record


def test_lines_go_on_after_those_that_are_there_and_a_torn_one_is_ended(tmp_path):
    file = tmp_path / "new" / "out.jsonl"
    for name in ("a.png", "b.png"):
        with appending(file) as opened:
            write_json_lines(opened, [verdict_record(make_verdict(), name)])
        if name == "a.png":
            file.write_text(file.read_text() + '{"file": "tor')
    first, torn, last = file.read_text("utf-8").split("\n")[:3]
    assert [json.loads(line)["file"] for line in (first, last)] == ["a.png", "b.png"] and torn == '{"file": "tor'
    with pytest.raises(OutputError, match="Choose a place"), appending(file / "below"):
        pytest.fail("it was opened")


def test_a_table_that_was_torn_anywhere_goes_on_with_whole_rows(tmp_path):
    file, told = tmp_path / "out.csv", 'it is "8x8"\nor so, \r\nnot 9x9'
    write_csv(file, [error_record(name, 2.0, told) for name in ("a,1.png", "b.png")])
    whole = file.read_bytes()
    for end in range(whole.index(b"\n") + 1, len(whole) + 1):
        file.write_bytes(whole[:end])
        with appending(file, table=True) as opened:
            write_csv(opened, [error_record("c.png", 2.0, told)], header=False)
        with file.open(encoding="utf-8", newline="") as opened:
            *_, last = csv.DictReader(opened)
        assert (last["file"], last["verdict"], last["error"]) == ("c.png", "error", told)
    assert file.read_bytes()[: len(whole)] == whole  # nothing was torn, nothing is added


def test_a_csv_row_counts_the_regions_and_shows_the_worst(tmp_path):
    verdicts = {"a,b.png": make_verdict(regions=REGIONS, notes=("one", "two")), "c.png": make_verdict(label="ok")}
    records = (verdict_record(verdict, path) for path, verdict in verdicts.items())
    assert write_csv(tmp_path / "out.csv", records) == 2
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert tuple(first) == CSV_FIELDS
    assert (first["file"], first["regions"], first["notes"], first["part"]) == ("a,b.png", "2", "one; two", "0.75")
    assert [first[f"worst_{name}"] for name in ("x0", "y0", "x1", "y1", "area", "peak", "below")] == [
        *("1", "2", "5", "8"),
        *("20", "3.5", "0"),
    ]
    assert (second["verdict"], second["regions"], second["worst_x0"]) == ("ok", "0", "")


def test_every_name_comes_back_from_a_table_and_numbers_stay_bare(tmp_path, now):
    names = ["a\rb.png", "a\nb.png", "a\r\nb.png", "a,b.png", 'a"b.png', " a.png", "\r", "plain.png"]
    write_csv(tmp_path / "out.csv", [verdict_record(make_verdict(), name) for name in names])
    text = (tmp_path / "out.csv").read_bytes().decode()
    assert text.endswith("\nplain.png,ng,3.5,2.0,0.25,0.75,0" + 8 * "," + f"0.75,0.25,0.0,,,{NOW}\n")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == list(CSV_FIELDS) and [row[0] for row in rows] == names
    assert {len(row) for row in rows} == {len(CSV_FIELDS)}


@pytest.mark.parametrize("write", [write_json_lines, write_csv])
def test_an_open_file_gets_each_line_before_the_next_picture_is_judged(write):
    out, seen = io.StringIO(), []

    def records():
        for name in ("a.png", "b.png", "c.png"):
            seen.append(out.getvalue().count(".png"))
            yield verdict_record(make_verdict(), name)

    assert write(out, records()) == 3
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("write", [write_json_lines, write_csv])
def test_a_file_that_breaks_off_leaves_what_was_there(write, tmp_path):
    out = tmp_path / "out"
    out.write_text("before")

    def records():
        yield verdict_record(make_verdict(), "a.png")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(out, records())
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def test_tables_and_lines_are_on_the_disk_when_they_get_their_names_and_overlays_need_not_be(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for number, write in enumerate((write_json_lines, write_csv), start=1):
        write(tmp_path / "out", [verdict_record(make_verdict(), "a.png")])
        assert len(synced) == number
    write_overlay(tmp_path / "a.png", np.full((20, 30, 3), 90, np.uint8), make_verdict())
    assert len(synced) == 2


def test_a_value_has_one_colour_whatever_else_the_map_holds():
    alone = colour_map(np.array([[1.5]], np.float32), threshold=2.0, spread=0.5)
    among = colour_map(np.array([[1.5, 90.0, -40.0]], np.float32), threshold=2.0, spread=0.5)
    assert np.array_equal(alone[0, 0], among[0, 0])
    assert alone.dtype == np.uint8
    assert among.shape == (1, 3, 3)


def test_colours_turn_from_blue_to_warm_at_the_threshold():
    below, above = colour_map(np.array([[1.99, 2.01]], np.float32), threshold=2.0, spread=0.5)[0].astype(int)
    assert below[2] > below[0]
    assert above[0] > above[2]


def test_a_good_picture_stays_clear_and_an_alarm_is_tinted():
    image = np.full((1, 2, 3), 128, np.uint8)
    clear, tinted = blend_heat(image, np.array([[-9.0, 9.0]], np.float32), threshold=2.0, spread=0.5)[0]
    assert clear.tolist() == [128, 128, 128]
    assert int(tinted[0]) > int(tinted[2]) + 50


def test_an_outline_surrounds_the_alarm_and_leaves_its_inside():
    image = np.full((9, 9, 3), 100, np.uint8)
    alarmed = np.zeros((9, 9), bool)
    alarmed[3:6, 3:6] = True
    drawn = outline_alarms(image, alarmed)
    assert (drawn[3:6, 3:6] == 100).all()
    assert drawn[2, 2].tolist() == drawn[6, 4].tolist() == [0, 255, 255]
    assert drawn[1, 4].tolist() == [0, 0, 0]
    assert drawn[0, 4].tolist() == [100, 100, 100]
    assert (image == 100).all()


def test_the_smallest_alarm_is_outlined_in_a_reduced_picture(tmp_path):
    anomaly_map = np.full((200, 3999), -3.0, np.float32)
    anomaly_map[77, 1234] = 2.5
    shown = draw_overlay(np.full((200, 3999, 3), 128, np.uint8), make_verdict(anomaly_map))
    assert shown.shape == (STRIP + 80, 3208, 3)
    rows, columns = np.nonzero((shown[STRIP:, :1600] == (0, 255, 255)).all(axis=2))
    assert abs(rows.mean() - 77 * 80 / 200) < 2 and abs(columns.mean() - 1234 * 1600 / 3999) < 2


def test_an_overlay_replaces_an_earlier_one_and_no_other_picture(tmp_path):
    image, verdict = np.full((20, 30, 3), 128, np.uint8), make_verdict(np.full((20, 30), -5.0, np.float32))
    for _ in range(2):
        write_overlay(tmp_path / "part.png", image, verdict)
    assert is_result(tmp_path / "part.png")
    Image.fromarray(image).save(tmp_path / "part.png")
    with pytest.raises(OutputError, match="is no result of BAAD"):
        write_overlay(tmp_path / "part.png", image, verdict)
    assert np.asarray(Image.open(tmp_path / "part.png")).shape == image.shape


def test_an_overlay_shows_the_picture_twice(tmp_path):
    anomaly_map = np.full((20, 30), -5.0, np.float32)
    anomaly_map[5:9, 5:9] = 4.0
    image = np.full((20, 30, 3), 128, np.uint8)
    write_overlay(tmp_path / "seen" / "part.png", image, make_verdict(anomaly_map))
    with Image.open(tmp_path / "seen" / "part.png") as file:
        shown = np.asarray(file)
    left, right = shown[-20:, :30], shown[-20:, 38:68]
    assert shown.shape[1] >= 68
    assert left[6, 6].tolist() == [128, 128, 128]
    assert (left == (0, 255, 255)).all(axis=2).any()
    assert right[6, 6].tolist() != [128, 128, 128]
    assert right[15, 25].tolist() == [128, 128, 128]


def test_a_large_picture_is_reduced_and_keeps_its_aspect():
    anomaly_map = np.zeros((40, 3200), np.float32)
    shown = draw_overlay(np.zeros((40, 3200, 3), np.uint8), make_verdict(anomaly_map))
    assert shown.shape == (STRIP + 20, 2 * 1600 + 8, 3)


@pytest.mark.parametrize(
    ("label", "score", "threshold", "words"),
    [
        ("ng", 3.414, 2.05, "NG 3.41 > 2.05"),
        ("ok", 1.2, 2.05, "OK 1.2 <= 2.05"),
        ("warn", 2.05012, 2.05009, "WARN 2.05012 > 2.05009"),
        ("ok", 2.0, 2.0, "OK 2 <= 2"),
    ],
)
def test_the_strip_says_the_verdict_and_why(label, score, threshold, words):
    assert tell_score(make_verdict(label=label, score=score, threshold=threshold)) == words


def test_the_words_fit_above_the_smallest_picture_and_hide_none_of_it():
    image = np.full((4, 4, 3), 128, np.uint8)
    shown = draw_overlay(image, make_verdict(np.full((4, 4), -9.0, np.float32), label="ok"))
    strip, below = shown[:-4], shown[-4:]
    assert (below[:, :4] == 128).all() and (below[:, 8 + 2 * 4 :] == 255).all()
    assert strip.shape[0] >= 20 and strip.shape[1] > 70
    assert (strip[:, -3:] == STRIPS["ok"]).all()  # the words end before the strip does
    assert (strip > 200).all(axis=2).sum() > 20  # pixels of letters


def test_what_stands_out_in_a_good_picture_has_another_colour():
    anomaly_map = np.full((40, 40), -5.0, np.float32)
    anomaly_map[5:9, 5:9] = 4.0
    image = np.full((40, 40, 3), 100, np.uint8)
    for label, colour, other in (("ok", (255, 255, 255), (0, 255, 255)), ("ng", (0, 255, 255), (255, 255, 255))):
        left = draw_overlay(image, make_verdict(anomaly_map, label=label))[-40:, :40]
        assert (left == colour).all(axis=2).any() and not (left == other).all(axis=2).any()


def test_a_region_below_the_pixel_threshold_is_outlined_by_its_box():
    region = Region((10, 10, 14, 13), 7, 1.5, below=True)
    verdict = make_verdict(np.full((40, 40), 1.0, np.float32), regions=(region,))
    left = draw_overlay(np.full((40, 40, 3), 100, np.uint8), verdict)[-40:, :40]
    assert np.argwhere((left == (0, 255, 255)).all(axis=2)).min(axis=0).tolist() == [9, 9]
    assert (left[10:13, 10:14] == 100).all()


@pytest.mark.parametrize("write", [write_json_lines, write_csv])
def test_a_place_that_cannot_be_written_is_said_plainly(write, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="Cannot write"):
        write(tmp_path / "out", [])


def test_the_page_of_the_line_has_every_field_that_is_written_and_no_other():
    page = (Path(__file__).parents[2] / "docs" / "line.md").read_text("utf-8")
    table = page.split("| `--json` | `--csv` | meaning |")[1].split("\n\n")[0]
    rows = [line.split("|")[1:4] for line in table.splitlines()[2:]]
    in_json, in_csv = ([re.findall(r"`(.*?)`", row[column]) for row in rows] for column in (0, 1))
    fields = [name for names in in_json for name in names]
    assert [name for name in fields if "[]" not in name] == list(RECORD_FIELDS)
    of_region = verdict_record(make_verdict(regions=REGIONS), "x")["regions"][0]
    assert [name.removeprefix("regions[].") for name in fields if "[]" in name] == list(of_region)
    assert [name for names in in_csv for name in names] == list(CSV_FIELDS)
    assert all(row[2].strip() for row in rows)
