"""Standard streams as a shell may hand them over: closed, full, endless, in another encoding."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.factory import draw_picture, save_picture

BAAD = [sys.executable, "-m", "baad"]


@pytest.fixture
def picture(tmp_path):
    return save_picture(tmp_path / "a.png", draw_picture((64, 64), np.random.default_rng(0)).image)


def shell(*words, **options):
    """Call baad by way of a shell, `words` and what it redirects; -> exit code, outputs."""
    done = subprocess.run(" ".join([*BAAD, *map(str, words)]), shell=True, capture_output=True, timeout=120, **options)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_outputs_are_no_fault_and_no_file_is_taken_for_one(model, picture, tmp_path, closed):
    out = tmp_path / "v.csv"
    code, _, err = shell("predict", model, picture, tmp_path / "gone.png", "--csv", out, closed)
    assert (code, "fault" in err) == (3, False)
    lines = out.read_text().splitlines()
    assert [line.split(",")[1] for line in lines] == ["verdict", "ok", "error"]  # no message among them


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("words", [("--json", "-"), ("--csv", "-")])
def test_results_go_to_a_pipe_where_messages_go_to_a_terminal(model, picture, words):
    import pty

    screen, terminal = pty.openpty()
    command = [*BAAD, "predict", str(model), str(picture.parent), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, text=True) as running:
        os.close(terminal)
        out = running.communicate(timeout=120)[0]
    told = os.read(screen, 65536).decode()
    os.close(screen)
    assert running.returncode == 0 and "a.png" in out and "1 judged" in told
    assert len(out.splitlines()) == (1 if words[0] == "--json" else 2)


def test_a_closed_list_of_names_is_an_empty_one(model):
    code, _, err = shell("predict", model, "-", "<&-")
    assert (code, err) == (0, "0 judged, 0 rejected\n")


@pytest.mark.parametrize("words", ["", "--json -", "--csv -"])
def test_a_full_standard_output_is_said(model, picture, words):
    code, _, err = shell("predict", model, picture, words, "> /dev/full")
    assert (code, err) == (2, "baad: No space left on device: standard output\n")


@pytest.mark.parametrize("errors", ["2> /dev/full", "2> >(:)"])  # no room; a reader that is gone
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("a.png", 0),
        ("gone.png a.png", 3),
        ("a.png --threshold 0 --fail-on-ng", 1),
        ("a.png --threshold 0 --false-alarms 5%", 2),
        ("a.png --no-such-option", 2),
    ],
)
def test_what_cannot_be_said_on_standard_error_changes_no_exit_code(model, picture, errors, words, code):
    told = shell("predict", model, words, "--json", "v.jsonl", errors, cwd=picture.parent, executable="bash")
    assert (told[0], told[2]) == (code, "")
    lines = (picture.parent / "v.jsonl").read_text().splitlines() if code != 2 else []
    assert [json.loads(line)["verdict"] for line in lines][-1:] == {0: ["ok"], 3: ["ok"], 1: ["ng"], 2: []}[code]


def test_a_line_without_end_takes_no_memory(model):
    code, _, err = shell("predict", model, "-", "< /dev/zero")
    assert (code, "a line of over 65,536 signs" in err) == (3, True)


def test_names_on_standard_input_need_not_be_utf_8(model, picture, tmp_path):
    odd = os.fsencode(tmp_path) + b"/\xff.png"
    os.rename(picture, odd)
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8:strict"}
    code, out, err = shell("predict", model, "-", "--csv", "-", input=odd + b"\n", env=environment)
    assert (code, "1 judged" in err) == (0, True)
    assert "\ufffd.png,ok" in out


@pytest.mark.parametrize("verb", ["info", "predict"])
def test_a_pipe_or_a_device_as_model_keeps_nobody_waiting(tmp_path, verb):
    os.mkfifo(tmp_path / "m.baad")
    for path in (tmp_path / "m.baad", "/dev/zero"):
        code, _, err = shell(verb, path, *(["x.png"] if verb == "predict" else []))
        assert (code, "is a pipe or a device" in err) == (2, True)


def test_a_folder_as_model_says_in_which_order_words_come(baad, model, picture):
    told = baad("predict", picture.parent, model)
    assert (told.code, "The model file comes first" in told.err) == (2, True)
