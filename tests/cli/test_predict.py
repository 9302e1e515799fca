import csv
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from baad.data.maps import read_map
from baad.runtime.output import CSV_FIELDS, RECORD_FIELDS
from baad.runtime.session import Session
from baad.stopping import Stopped
from baad.verdict.calibration import fit_calibration
from tests.factory import draw_picture, save_picture, write_category, write_truncated
from tests.fake_model import no_numbers_on_black, write_fake_model


@pytest.fixture
def parts(tmp_path):
    """Two good pictures and one with a bright scratch, in a folder with a folder below it."""
    for name, kind in (("a.png", "good"), ("b.jpg", "good"), ("below/a.png", "spot")):
        save_picture(tmp_path / "parts" / name, draw_picture((80, 64), np.random.default_rng(len(name)), kind).image)
    return tmp_path / "parts"


def read_records(text):
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_on_standard_output_have_the_documented_fields(baad, model, parts):
    told = baad("predict", model, parts, "--json", "-")
    records = read_records(told.out)
    assert told.code == 0
    assert [record["verdict"] for record in records] == ["ok", "ok", "ng"]
    assert all(list(record) == list(RECORD_FIELDS) for record in records)
    assert records[2]["file"].endswith("below/a.png")
    assert records[2]["regions"][0]["area"] > 0
    assert "3 judged, 1 rejected" in told.err


def test_people_get_one_line_a_picture(baad, model, parts):
    lines = baad("predict", model, parts).out.splitlines()
    assert [line.split()[0] for line in lines] == ["verdict", "ok", "ok", "ng"]
    assert re.search(r"below/a.png  \(\d+% on the part, \d+% on the border, \d+% on the background\)$", lines[3])
    assert not any("on the part" in line for line in lines[:3])


def test_where_no_pixel_is_above_its_threshold_the_strangest_place_tells_where_the_alarm_lies(
    baad, parts, tmp_path, monkeypatch
):
    def fit(*given):
        return replace(fit_calibration(*given), pixel_threshold=2.0)

    monkeypatch.setattr("tests.fake_model.fit_calibration", fit)
    blind = write_fake_model(tmp_path / "blind.baad")
    spot = parts / "below" / "a.png"
    assert re.search(r"\(\d+% on the part, \d+% on the border", baad("predict", blind, spot).out)
    (row,) = csv.DictReader(baad("predict", blind, spot, "--csv", "-").out.splitlines())
    (record,) = read_records(baad("predict", blind, spot, "--json", "-").out)
    assert (row["verdict"], row["worst_below"]) == ("ng", "1")
    assert sum(float(row[zone]) for zone in ("part", "border", "background")) == pytest.approx(1.0)
    assert record["zones"] == record["regions"][0]["zones"]


def test_json_and_csv_files_hold_the_same_pictures(baad, model, parts, tmp_path):
    told = baad("predict", model, parts, "--json", tmp_path / "v.jsonl", "--csv", tmp_path / "v.csv")
    assert (told.code, told.out) == (0, "")
    records = read_records((tmp_path / "v.jsonl").read_text())
    with open(tmp_path / "v.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(CSV_FIELDS)
    assert [(row["file"], float(row["score"])) for row in rows] == [(r["file"], r["score"]) for r in records]


def test_a_reject_is_exit_1_only_when_asked_for(baad, model, parts):
    assert baad("predict", model, parts, "--fail-on-ng", "-q").code == 1
    assert baad("predict", model, parts / "a.png", "--fail-on-ng", "-q").code == 0
    assert baad("predict", model, parts, "absent.png", "--fail-on-ng", "-q").code == 1  # skipped files or not
    assert baad("predict", model, parts / "a.png", "absent.png", "--fail-on-ng", "-q").code == 3


def test_an_unreadable_file_is_named_and_skipped_with_exit_3(baad, model, parts, tmp_path):
    write_truncated(parts / "b.jpg")
    outputs = ("--json", tmp_path / "v.jsonl", "--csv", tmp_path / "v.csv")
    told = baad("predict", model, parts, parts / "absent.png", *outputs)
    assert told.code == 3
    assert "b.jpg" in told.err and "absent.png" in told.err and "2 skipped" in told.err
    records = read_records((tmp_path / "v.jsonl").read_text())
    names = [os.path.relpath(record["file"], parts) for record in records]
    assert names == ["a.png", "b.jpg", "below/a.png", "absent.png"]  # no part is missing, each at its place
    assert [record["verdict"] for record in records] == ["ok", "error", "ng", "error"]
    assert "truncated" in records[1]["error"] and "no such file" in records[3]["error"]
    with open(tmp_path / "v.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["verdict"], row["error"]) for row in rows] == [(each["verdict"], each["error"]) for each in records]
    assert (rows[1]["score"], rows[1]["regions"], rows[1]["threshold"]) == ("", "", "0.85")


def test_people_are_told_of_an_error_once(baad, model, parts):
    write_truncated(parts / "a.png")
    told = baad("predict", model, parts)
    assert [line.split()[0] for line in told.out.splitlines()] == ["verdict", "ok", "ng"]
    assert told.err.count("baad: skipped") == 1


def test_a_picture_on_which_the_network_gives_no_numbers_is_named_and_skipped(baad, model, parts, monkeypatch):
    no_numbers_on_black(monkeypatch)
    black = save_picture(parts / "black.png", np.zeros((64, 64, 3), np.uint8))
    told = baad("predict", model, parts, "--json", "-")
    assert (told.code, f"baad: skipped {black}: The network gives values that are not numbers" in told.err) == (3, True)
    assert [record["verdict"] for record in read_records(told.out)] == ["ok", "ok", "ng", "error"]
    assert read_records(told.out)[3]["error"].startswith(f"{black}: The network gives")


def test_that_a_file_has_more_pages_is_said(baad, model, tmp_path):
    pages = np.stack([draw_picture((64, 64), np.random.default_rng(seed)).image for seed in range(3)])
    tifffile.imwrite(tmp_path / "pages.tif", pages, photometric="rgb")
    assert "(the first of 3 pages)" in baad("predict", model, tmp_path / "pages.tif").out


def test_names_come_from_standard_input_one_a_line(baad, model, parts):
    told = baad("predict", model, "-", "--json", "-", stdin=f"{parts / 'a.png'}\n\n{parts / 'b.jpg'}\n")
    assert [os.path.basename(record["file"]) for record in read_records(told.out)] == ["a.png", "b.jpg"]


def test_a_page_shows_the_pictures_of_a_plain_folder_strangest_first(baad, model, parts, tmp_path):
    write_truncated(parts / "b.jpg")
    told = baad("predict", model, parts, "--html", tmp_path / "out" / "seen.html", "-q")
    assert (told.code, told.out) == (3, "")
    text = (tmp_path / "out" / "seen.html").read_text("utf-8")
    assert re.findall(r"<h3>(.*?)</h3>", text) == ["below/a.png", "a.png"]
    assert "2 judged, 1 rejected, 1 skipped" in text and "<h2>Scores</h2>" in text
    assert "What the threshold promises" in text and "figcaption>reconstruction" in text


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_a_page_is_written_though_the_model_was_moved_meanwhile(baad, parts, tmp_path, monkeypatch, verb):
    worst = [{"sample": "samples/mask-00.jpg", "image": "7.png", "quality": 0.31}]
    gate = {"accepted": True, "recipe": "border", "quality": 0.5, "reason": "", "worst": worst}
    model = write_fake_model(tmp_path / "m.baad", gate=gate, samples={"samples/mask-00.jpg": b"a picture"})
    data = parts if verb == "predict" else write_category(tmp_path / "disc", normals=0)
    genuine = Session.run

    def run(self, image):
        model.unlink(missing_ok=True)
        return genuine(self, image)

    monkeypatch.setattr(Session, "run", run)
    told = baad(verb, model, data, "--html", tmp_path / "seen.html", "-q")
    assert (told.code, told.err, model.exists()) == (0, "", False)
    assert "quality 0.31" in (tmp_path / "seen.html").read_text("utf-8")


def test_a_stopped_run_writes_no_page_and_says_so(baad, model, parts, tmp_path, monkeypatch):
    def stream(self, found, **given):
        raise Stopped(signal.SIGTERM)
        yield

    monkeypatch.setattr("baad.runtime.detector.Detector.stream", stream)
    told = baad("predict", model, parts, "--html", tmp_path / "seen.html")
    assert (told.code, "their results are whole, and no page was written." in told.err) == (143, True)
    assert not (tmp_path / "seen.html").exists()


@pytest.mark.parametrize("words", [("-",), ("--watch", "parts"), ("camera:0",)])
def test_a_page_of_pictures_that_come_only_once_is_refused(baad, model, tmp_path, words):
    told = baad("predict", model, *words, "--html", tmp_path / "seen.html")
    assert (told.code, told.out) == (2, "")
    assert "--html looks at pictures twice" in told.err
    assert not (tmp_path / "seen.html").exists()


def test_what_stands_behind_a_camera_is_refused_for_it_would_never_be_judged(baad, model, parts):
    for words in (("camera:0", "camera:1"), ("rtsp://me:secret@10.0.0.7/main", parts), ("camera:0", "-")):
        told = baad("predict", model, *words, "--json", "-")
        assert (told.code, told.out) == (2, "")
        assert "may go on for ever" in told.err and "Name the camera last" in told.err and "secret" not in told.err


def test_a_page_never_overwrites_another_output_or_a_picture_and_needs_jinja2(
    baad, model, parts, tmp_path, monkeypatch
):
    picture, one = (parts / "a.png").read_bytes(), tmp_path / "v"
    for words, problem in (
        (("--html", parts / "a.png"), "is a picture"),
        (("--html", one, "--csv", one), "--csv and --html"),
        (("--html", "-"), "is standard output"),
    ):
        said = baad("predict", model, parts, *words)
        assert said.code == 2 and problem in said.err
    assert (parts / "a.png").read_bytes() == picture and not one.exists()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    told = baad("predict", model, parts, "--html", tmp_path / "seen.html")
    assert (told.code, "pip install jinja2" in told.err) == (2, True)
    assert not (tmp_path / "seen.html").exists()


@pytest.mark.parametrize("words", [("--provider", "openvino"), ("--pin",), ("--threads", 1)])
def test_what_runs_the_network_changes_no_score(baad, model, parts, words):
    if "openvino" in words:
        pytest.importorskip("openvino")
    plain, other = (baad("predict", model, parts, "--json", "-", *more) for more in ((), words))
    assert other.code == 0, other.err
    scores, others = ([each["score"] for each in read_records(told.out)] for told in (plain, other))
    assert len(scores) == 3 and others == pytest.approx(scores, abs=1e-4)


def test_patterns_are_expanded_where_the_shell_did_not(baad, model, parts):
    told = baad("predict", model, str(parts / "**" / "*.png"), "--json", "-")
    assert len(read_records(told.out)) == 2


def test_a_pattern_or_folder_without_pictures_is_exit_2(baad, model, tmp_path):
    (tmp_path / "empty").mkdir()
    for word in (tmp_path / "empty", tmp_path / "*.png"):
        told = baad("predict", model, word)
        assert (told.code, told.out, told.err.count("\n")) == (2, "", 1)


def test_a_folder_of_earlier_results_alone_is_exit_2_and_not_all_good(baad, model, parts, tmp_path):
    baad("predict", model, parts, "--overlays", tmp_path / "seen", "-q")
    told = baad("predict", model, tmp_path / "seen", "--fail-on-ng", "--json", tmp_path / "v.jsonl")
    assert (told.code, told.out, (tmp_path / "v.jsonl").exists()) == (2, "", False)
    assert "3 left aside, results of an earlier call" in told.err


def test_overlays_and_maps_lie_below_their_folders_as_the_pictures_do(baad, model, parts, tmp_path):
    baad("predict", model, parts, "--overlays", tmp_path / "seen", "--maps", tmp_path / "maps", "-q")
    seen = sorted(str(file.relative_to(tmp_path / "seen")) for file in (tmp_path / "seen").rglob("*.*"))
    assert seen == ["a.png", "b.jpg.png", "below/a.png"]
    values = read_map(tmp_path / "maps" / "below" / "a.tiff")
    assert values.shape == (80, 64)
    assert Image.open(tmp_path / "seen" / "a.png").height > 80  # a strip with the verdict stands above


def test_an_overlay_never_overwrites_a_picture(baad, model, parts):
    before = (parts / "a.png").read_bytes()
    told = baad("predict", model, parts, "--overlays", parts)
    assert told.code == 2
    assert "pictures could be lost" in told.err
    assert (parts / "a.png").read_bytes() == before


def test_an_overlay_that_cannot_be_written_costs_no_verdict(baad, model, parts, tmp_path):
    (tmp_path / "seen").mkdir()
    (tmp_path / "seen" / "below").write_text("a file where a folder is wanted")
    told = baad("predict", model, parts, "--overlays", tmp_path / "seen", "--json", tmp_path / "v.jsonl")
    assert told.code == 2 and "1 overlay or map not written" in told.err
    assert f"Cannot write {tmp_path / 'seen' / 'below' / 'a.png'}" in told.err
    assert len((tmp_path / "v.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(("option", "name"), [("--overlays", "a.png"), ("--maps", "a.tiff")])
@pytest.mark.parametrize("listed", [False, True])
def test_a_result_replaces_an_earlier_one_and_nothing_else(baad, model, parts, tmp_path, option, name, listed):
    words, stdin = (("-",), f"{parts}\n") if listed else ((parts,), "")
    place = tmp_path / "out" / (parts.relative_to("/") if listed else "") / "below" / name
    for _ in range(2):
        assert baad("predict", model, *words, option, tmp_path / "out", stdin=stdin).code == 0
        place.write_bytes(b"")  # as a power cut leaves it
    before = save_picture(place, np.full((80, 64, 3), 90, np.uint8)).read_bytes()
    told = baad("predict", model, *words, option, tmp_path / "out", stdin=stdin)
    assert (told.code, f"{place} is there already, is no result of BAAD" in told.err) == (2, True)
    assert place.read_bytes() == before
    assert told.out.count(f"{parts}/") == (3 if listed else 0)  # said before any work, or each picture has its line


@pytest.mark.parametrize("option", ["--overlays", "--maps"])
def test_two_pictures_whose_results_would_share_a_place_are_refused(baad, model, parts, tmp_path, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    one, other = parts / "a.png", Path(*(parts / "a.png").parts[1:])  # the same, below the folder we are in
    save_picture(other, np.full((80, 64, 3), 90, np.uint8))
    told = baad("predict", model, one, other, option, tmp_path / "out")
    assert (told.code, told.out) == (2, "")
    assert f"{one} and {other} would share {tmp_path / 'out' / other.with_suffix('')}" in told.err
    assert not (tmp_path / "out").exists()
    assert baad("predict", model, one, os.path.relpath(one), one, option, tmp_path / "out").code == 0


def test_the_threshold_can_be_set_by_hand_or_by_false_alarms(baad, model, parts):
    by_hand = read_records(baad("predict", model, parts, "--json", "-", "--threshold", "0.1").out)
    assert [(record["verdict"], record["threshold"]) for record in by_hand] == [("ng", 0.1)] * 3
    strict, lax = (
        read_records(baad("predict", model, parts, "--json", "-", "--false-alarms", share).out)[0]["threshold"]
        for share in ("5%", "0.5")
    )
    assert lax < strict


def test_a_rate_that_so_few_held_out_pictures_cannot_keep_is_said_once(baad, model, parts):
    told = baad("predict", model, parts, "--false-alarms", "0.1%", "--json", "-")
    warning = "warning: --false-alarms 0.1% cannot be kept with 20 held-out pictures: the threshold is their highest "
    assert told.err.count(f"{warning}score, 0.85, which promises 14 %; hold out 2995 for it") == 1
    assert read_records(told.out)[0]["threshold"] == 0.85
    assert "cannot be kept" not in baad("predict", model, parts, "--false-alarms", "14%").err
    assert "cannot be kept" not in baad("predict", model, parts).err  # baad info says what the model promises


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--threshold", "1", "--false-alarms", "1%"), "both set the threshold"),
        (("--false-alarms", "150%"), "such as 1%"),
        (("--false-alarms", "0"), "and below 1, such as 1%"),
        (("--json", "-", "--csv", "-"), "standard output"),
        (("--threads", "-3"), "threads is -3"),
        (("--every", "2"), "--every is for the frames of films"),
    ],
)
def test_options_that_make_no_sense_are_exit_2(baad, model, parts, words, problem):
    told = baad("predict", model, parts, *words)
    assert (told.code, told.out) == (2, "")
    assert problem in told.err


def test_nothing_is_half_written_when_a_run_fails(baad, model, parts, tmp_path, monkeypatch):
    def fail(*given, **named):
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr("baad.runtime.output.write_overlay", fail)
    told = baad(
        *("predict", model, parts, "--json", tmp_path / "v.jsonl", "--csv", tmp_path / "v.csv"),
        *("--overlays", tmp_path / "seen"),
    )
    assert told.code == 70
    assert "fault in BAAD: RuntimeError: the disk is on fire" in told.err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["parts"]


def test_memory_does_not_grow_with_the_number_of_pictures(model, tmp_path):
    picture = save_picture(tmp_path / "a.png", draw_picture((256, 256), np.random.default_rng(0)).image)
    code = (
        "import sys; from baad.bench.footprint import peak_of_this_process; from baad.cli.app import main\n"
        f"sys.argv = ['baad', 'predict', {str(model)!r}, '-', '--csv', '-', '--any-size', '--threads', '1']\n"
        "try: main()\n"
        "finally: print(peak_of_this_process(), file=sys.stderr)"
    )
    peaks = []
    for count in (20, 220):  # kept maps would be 256 * 256 * 8 bytes a picture: 100 MB more
        names = f"{picture}\n" * count
        done = subprocess.run([sys.executable, "-c", code], input=names, capture_output=True, text=True, check=True)
        assert done.stdout.count("\n") == count + 1
        peaks.append(float(done.stderr.split()[-1]))  # MiB
    assert peaks[1] - peaks[0] < 30


CORNER_ALONE = {"elsewhere": "ignore", "zones": [{"rule": "reject", "polygon": [[0, 0], [0.1, 0], [0.1, 0.1]]}]}


def test_zones_of_a_file_replace_the_models_own_for_one_call(baad, model, parts, tmp_path):
    (tmp_path / "zones.json").write_text(json.dumps(CORNER_ALONE))
    zoned = tmp_path / "zoned.baad"
    assert baad("zones", model, tmp_path / "zones.json", "-o", zoned).code == 0

    def labels(*words):
        return [record["verdict"] for record in read_records(baad("predict", *words, parts, "--json", "-").out)]

    assert labels(model) == labels(zoned, "--zones", "none") == ["ok", "ok", "ng"]
    assert labels(zoned) == labels(model, "--zones", tmp_path / "zones.json") == ["ok", "ok", "ok"]


def test_warnings_are_counted_apart_and_do_not_fail(baad, model, parts, tmp_path):
    (tmp_path / "zones.json").write_text(json.dumps({"elsewhere": "warn", "zones": []}))
    told = baad("predict", model, parts, "--zones", tmp_path / "zones.json", "--fail-on-ng")
    assert told.code == 0
    assert "3 judged, 0 rejected, 1 warned of" in told.err


def test_a_picture_of_another_size_is_named_and_skipped_unless_it_is_asked_for(baad, model, parts):
    save_picture(parts / "wide.png", np.full((64, 200, 3), 90, np.uint8))
    told = baad("predict", model, parts)
    assert told.code == 3
    assert "skipped" in told.err and "wide.png: the picture is 200x64 px" in told.err and "--any-size" in told.err
    assert baad("predict", model, parts, "--any-size").code == 0
