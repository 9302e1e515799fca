"""Pictures that come while the program runs: a watched folder, a film, a camera on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from baad.runtime.frame import Frame
from tests.calling import ending
from tests.factory import draw_picture, save_picture
from tests.runtime.cameras import rtsp_camera


def draw(seed, kind="good"):
    return draw_picture((64, 64), np.random.default_rng(seed), kind).image


def test_a_watched_folder_answers_at_once_survives_half_files_and_ends_whole(model, tmp_path):
    inbox = tmp_path / "inbox"
    save_picture(inbox / "first.png", draw(0))
    whole = save_picture(tmp_path / "whole.png", draw(1, "spot")).read_bytes()
    words = ["predict", str(model), "--watch", str(inbox), "--json", "-", "--threads", "1", "-q"]
    process = subprocess.Popen(
        [sys.executable, "-m", "baad", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with ending(process):
        assert json.loads(process.stdout.readline())["file"] == str(inbox / "first.png")
        slow = inbox / "slow.png"
        slow.write_bytes(whole[: len(whole) // 2])
        save_picture(inbox / "second.png", draw(2))
        assert json.loads(process.stdout.readline())["file"] == str(inbox / "second.png")
        with slow.open("ab") as file:
            file.write(whole[len(whole) // 2 :])
        answer = json.loads(process.stdout.readline())
        assert (answer["file"], answer["verdict"]) == (str(slow), "ng")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "stopped by SIGINT after 3 pictures" in err and "skipped" not in err


def test_what_a_watch_writes_is_there_at_once_and_goes_on_after_a_kill(model, tmp_path):
    inbox, lines, table = tmp_path / "inbox", tmp_path / "out" / "v.jsonl", tmp_path / "out" / "v.csv"
    save_picture(inbox / "first.png", draw(0))
    words = ["predict", str(model), "--watch", str(inbox), "--json", str(lines), "--csv", str(table), "--threads", "1"]
    for start in (1, 2):
        process = subprocess.Popen([sys.executable, "-m", "baad", *words, "-q"])
        try:
            ended = time.monotonic() + 60
            while not table.exists() or table.read_text().count("first.png") < start:
                assert time.monotonic() < ended and process.poll() is None
                time.sleep(0.05)
        finally:
            process.kill()
            process.wait()
        assert [json.loads(line)["file"] for line in lines.read_text().splitlines()] == start * [
            str(inbox / "first.png")
        ]
    assert table.read_text().count("verdict") == 1  # one header


def test_an_overlay_that_would_replace_another_file_costs_a_watch_no_verdict(model, tmp_path):
    inbox, seen, maps = tmp_path / "inbox", tmp_path / "seen", tmp_path / "maps"
    for seed, name in enumerate(("a.png", "b.png")):
        save_picture(inbox / name, draw(seed))
    before = save_picture(seen / "a.png", draw(2)).read_bytes()
    words = ["predict", str(model), "--watch", str(inbox), "--overlays", str(seen), "--maps", str(maps), "--json", "-"]
    process = subprocess.Popen(
        [sys.executable, "-m", "baad", *words, "--threads", "1"],
        **dict.fromkeys(("stdout", "stderr"), subprocess.PIPE),
        text=True,
    )
    with ending(process):
        names = [json.loads(process.stdout.readline())["file"] for _ in range(2)]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert names == [str(inbox / "a.png"), str(inbox / "b.png")] and process.returncode == 130
    assert err.count(f"baad: {seen / 'a.png'} is there already, is no result of BAAD") == 1
    assert "2 judged, 0 rejected, 1 overlay or map not written" in err
    assert (seen / "a.png").read_bytes() == before
    assert {file.name for folder in (seen, maps) for file in folder.iterdir()} == {"a.png", "a.tiff", "b.png", "b.tiff"}


@pytest.mark.parametrize("option", ["--overlays", "--maps"])
@pytest.mark.parametrize("place", ["inbox", "inbox/seen", "link"])
def test_results_do_not_go_into_the_folder_that_is_watched(baad, model, tmp_path, option, place):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "inbox")
    told = baad("predict", model, "--watch", tmp_path / "inbox", option, tmp_path / place)
    assert (told.code, told.out) == (2, "")
    assert f"{option}: {tmp_path / place} lies in the folder that is watched" in told.err


def test_a_log_in_a_folder_that_takes_no_files_gets_the_answers_of_a_watch(baad, model, tmp_path, monkeypatch):
    def answer(words):
        yield Frame("first.png", Path("first.png"), draw(0))

    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "v.jsonl").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: os.path.isfile(path))  # as in /var/log
    monkeypatch.setattr("baad.cli.inputs.watch_pictures", answer)
    told = baad("predict", model, "--watch", tmp_path, "--json", tmp_path / "log" / "v.jsonl", "-q")
    assert (told.code, told.err) == (0, "")
    assert json.loads((tmp_path / "log" / "v.jsonl").read_text())["verdict"] == "ok"
    told = baad("predict", model, tmp_path, "--json", tmp_path / "log" / "v.jsonl", "-q")  # written beside it first
    assert (told.code, "log does not take files" in told.err) == (2, True)


def test_watching_takes_one_folder(baad, model, tmp_path):
    assert "one folder" in baad("predict", model, "--watch", tmp_path, tmp_path).err
    for word in ("https://me:secret@host/line.mp4", "-"):
        told = baad("predict", model, "--watch", word)
        assert (told.code, "is none. Leave --watch out" in told.err, "secret" in told.err) == (2, True, False)
    (tmp_path / "old.csv").write_text("file,verdict,score\n")
    told = baad("predict", model, "--watch", tmp_path, "--csv", tmp_path / "old.csv")
    assert (told.code, "begun with other columns" in told.err) == (2, True)
    told = baad("predict", model, "--watch", tmp_path / "absent")
    assert (told.code, "no such folder to watch" in told.err) == (2, True)


def test_a_film_is_judged_frame_by_frame(baad, model, tmp_path):
    film = tmp_path / "line.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 64))
    for seed in range(4):
        writer.write(np.ascontiguousarray(draw(seed, "spot" if seed == 2 else "good")[:, :, ::-1]))
    writer.release()
    told = baad("predict", model, film, "--json", "-", "--every", 2, "--overlays", tmp_path / "seen")
    records = [json.loads(line) for line in told.out.splitlines()]
    assert [(record["file"], record["verdict"]) for record in records] == [(f"{film}#0", "ok"), (f"{film}#2", "ng")]
    seen = tmp_path / "seen" / film.relative_to("/")
    assert sorted(file.name for file in seen.iterdir()) == ["000000.png", "000002.png"]


def test_a_camera_on_the_network_is_judged_and_its_end_is_said(baad, model, monkeypatch):
    monkeypatch.setattr("baad.runtime.video.ATTEMPTS", 0)
    with rtsp_camera([draw(seed) for seed in range(5)]) as address:
        told = baad("predict", model, address, "--json", "-")
    records = [json.loads(line) for line in told.out.splitlines()]
    *judged, lost = records
    assert 1 <= len(judged) <= 5 and all(record["file"].startswith(address) for record in records)
    assert {record["verdict"] for record in judged} <= {"ok", "ng"}
    assert (lost["verdict"], "is gone after" in lost["error"]) == ("error", True)
    assert (told.code, "is gone after" in told.err) == (3, True)


def test_names_are_answered_one_by_one_while_the_list_is_still_open(model, tmp_path):
    pictures = [save_picture(tmp_path / f"{seed}.png", draw(seed)) for seed in range(3)]
    process = subprocess.Popen(
        [sys.executable, "-m", "baad", "predict", str(model), "-", "--json", "-", "--threads", "1", "-q"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with ending(process):
        for picture in pictures:
            process.stdin.write(f"{picture}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["file"] == str(picture)  # before the next name is given
        process.stdin.close()
        assert process.wait() == 0


def test_a_provider_that_is_not_there_is_exit_2(baad, model, tmp_path):
    picture = save_picture(tmp_path / "a.png", draw(0))
    told = baad("predict", model, picture, "--provider", "tpu")
    assert (told.code, "There is no provider 'tpu'" in told.err) == (2, True)


def test_a_program_that_waits_for_names_ends_when_asked(model, tmp_path):
    picture = save_picture(tmp_path / "a.png", draw(0))
    process = subprocess.Popen(
        [sys.executable, "-m", "baad", "predict", str(model), "-", "--json", "-", "-q"],
        **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE),
        text=True,
    )
    with ending(process):
        process.stdin.write(f"{picture}\n")
        process.stdin.flush()
        assert process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
        assert "stopped by SIGTERM after 1 pictures" in process.stderr.read()
