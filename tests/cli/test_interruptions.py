"""Full disks, vanished folders, kills in the stream, model files of others: a clear line, and nothing half-written."""

import errno
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import termios
import zipfile
from pathlib import Path

import numpy as np
import pytest

from baad.bundle import SCHEMA
from tests.calling import ending, files_of_at_most
from tests.factory import draw_picture, save_picture, write_category, write_folder, write_truncated
from tests.fake_model import brightness_graph, fake_certificate, write_fake_model

CHANGES = ("image_size=64", "size=tiny", "batch_size=2", "threads=1", "held_out=0.25", "device=cpu")
CHANGES += ("foreground=off", "pdn=random", "steps=2")
TINY = [word for change in CHANGES for word in ("--set", change)]
SLOW = pytest.mark.skipif(not os.environ.get("BAAD_SLOW"), reason="set BAAD_SLOW=1: judges 10,000 pictures")


@pytest.fixture
def parts(tmp_path):
    return write_folder(tmp_path / "parts", normals=8)


def files_below(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize(("size", "refused"), [(100_000, "checkpoint.safetensors"), (1, "losses.jsonl")])
def test_a_full_disk_is_found_before_the_training_and_leaves_nothing(baad, parts, tmp_path, size, refused):
    before = files_below(parts)
    with files_of_at_most(size):
        told = baad("train", parts, "-o", tmp_path / "out" / "m.baad", *TINY)
    assert told.code == 2
    assert f"Cannot write {tmp_path}/out/m.baad.run/" in told.err and refused in told.err
    assert "File too large" in told.err
    assert files_below(tmp_path / "out") == []
    assert files_below(parts) == before


def test_a_disk_that_is_full_at_the_end_loses_no_step(baad, parts, tmp_path, monkeypatch):
    def refuse(*given, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("baad.learn.train.export_onnx", lambda graph: brightness_graph())
    monkeypatch.setattr("baad.learn.train.certify", lambda *given: fake_certificate())
    model = tmp_path / "m.baad"
    with monkeypatch.context() as full:
        full.setattr(zipfile.ZipFile, "writestr", refuse)
        told = baad("train", parts, "-o", model, *TINY)
    assert told.code == 2
    assert f"Cannot write {model}: No space left on device" in told.err
    assert "2 of 2 steps are saved" in told.err and "--resume" in told.err
    assert not model.exists() and not list(tmp_path.rglob("*.partial"))
    told = baad("train", parts, "-o", model, *TINY, "--resume")
    assert told.code == 0, told.err
    assert "going on after step 2 of 2" in told.err
    assert baad("info", model).code == 0


def test_a_network_that_is_exported_wrongly_makes_no_model_and_loses_no_step(baad, parts, tmp_path, monkeypatch):
    model = tmp_path / "m.baad"
    with monkeypatch.context() as wrong:
        wrong.setattr("baad.learn.train.export_onnx", lambda graph: brightness_graph())
        told = baad("train", parts, "-o", model, *TINY)
    assert told.code == 2
    assert "does not judge as the trained one: ONNX Runtime" in told.err
    assert f"2 of 2 steps are saved in {model}.run" in told.err
    assert "go on with --resume, which repeats only the export and its proof." in told.err
    assert not model.exists() and (tmp_path / "m.baad.run" / "checkpoint.safetensors").exists()
    told = baad("train", parts, "-o", model, *TINY, "--resume")
    assert told.code == 0, told.err
    assert "0 verdicts flipped" in told.err


def test_a_folder_that_takes_no_files_is_refused_before_any_work(baad, parts, tmp_path, monkeypatch):
    def refuse(*given, **named):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    told = baad("train", parts, "-o", tmp_path / "m.baad", *TINY)
    assert told.code == 2
    assert "Read-only file system" in told.err and "Choose another place with -o" in told.err
    assert not (tmp_path / "m.baad.run").exists()
    assert baad("train", parts, "-o", "/proc/m.baad", *TINY).code == 2  # real, and for root too


@pytest.mark.parametrize("moment", ["prepare_run_dir", "export_onnx"])
def test_pictures_that_vanish_are_named_whenever_it_happens(baad, parts, tmp_path, monkeypatch, moment):
    import baad.learn.train as room

    before = getattr(room, moment)

    def vanish(*given):
        shutil.rmtree(parts)
        return brightness_graph() if moment == "export_onnx" else before(*given)

    monkeypatch.setattr(room, moment, vanish)
    told = baad("train", parts, "-o", tmp_path / "m.baad", *TINY)
    assert told.code == 2
    assert f"{parts}/00" in told.err
    assert ("2 of 2 steps are saved" in told.err) == (moment == "export_onnx")
    assert not (tmp_path / "m.baad").exists() and not list(tmp_path.rglob("*.partial"))


def test_starting_anew_says_that_it_discards_what_was_saved(baad, parts, tmp_path, monkeypatch):
    monkeypatch.setattr("baad.learn.train.export_onnx", lambda graph: (_ for _ in ()).throw(KeyboardInterrupt))
    first = baad("train", parts, "-o", tmp_path / "m.baad", *TINY)
    assert (first.code, "2 of 2 steps are saved" in first.err) == (130, True)
    assert "is discarded" in baad("train", parts, "-o", tmp_path / "m.baad", *TINY).err
    save_picture(parts / "000.png", draw_picture((64, 64), np.random.default_rng(7)).image)
    save_picture(parts / "001.png", draw_picture((64, 64), np.random.default_rng(8)).image)
    save_picture(parts / "002.png", draw_picture((64, 64), np.random.default_rng(9)).image)  # one of them is trained on
    told = baad("train", parts, "-o", tmp_path / "m.baad", *TINY, "--resume")
    assert (told.code, "other training pictures" in told.err) == (2, True)


def pictures(folder, count):
    rng = np.random.default_rng(0)
    return [save_picture(folder / f"{i:03d}.png", draw_picture((64, 64), rng).image) for i in range(count)]


def test_one_damaged_file_in_a_thousand_costs_itself_alone(baad, model, tmp_path):
    names = pictures(tmp_path / "new", 10) * 100
    broken = write_truncated(shutil.copy(names[0], tmp_path / "new" / "broken.png"))
    names[567] = Path(broken)
    told = baad("predict", model, "-", "--json", "-", "--threads", 1, stdin="".join(f"{name}\n" for name in names))
    assert told.code == 3
    assert "skipped" in told.err and "broken.png" in told.err and "999 judged" in told.err and "1 skipped" in told.err
    records = [json.loads(line) for line in told.out.splitlines()]
    assert [record["file"] for record in records] == list(map(str, names))
    assert [index for index, record in enumerate(records) if record["verdict"] == "error"] == [567]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("given", [5, 3000], ids=["waiting for names", "at work"])
def test_a_stopped_stream_ends_with_whole_lines_in_order(model, tmp_path, number, code, given):
    names = pictures(tmp_path / "new", 5) * (given // 5)
    out = tmp_path / "v.jsonl"
    command = [sys.executable, "-m", "baad", "predict", str(model), "-", "--csv", "-", "--json", str(out)]
    listed = tmp_path / "names.txt"
    listed.write_text("".join(f"{name}\n" for name in names))
    # five names, and more could come; or more names from a file than a pipe takes before it is read
    stream = subprocess.Popen(["sh", "-c", f"cat {listed}; exec sleep 200"], stdout=subprocess.PIPE)
    process = subprocess.Popen(
        [*command, "--threads", "1", "--maps", str(tmp_path / "maps")],
        **dict.fromkeys(("stdout", "stderr"), subprocess.PIPE),
        stdin=stream.stdout,
        bufsize=0,  # no line is read beyond those asked for, which communicate() would not give
    )
    with ending(stream), ending(process):
        lines = [process.stdout.readline().decode() for _ in range(6)]  # a header and five pictures
        process.send_signal(number)
        rest, told = (each.decode() for each in process.communicate())
    stream.communicate()
    lines += rest.splitlines(keepends=True)
    assert process.returncode == code
    assert all(line.endswith("\n") for line in lines)
    judged = [line.split(",")[0] for line in lines[1:]]
    assert judged == [str(name) for name in names[: len(judged)]]
    assert len(judged) == 5 if given == 5 else len(judged) < given
    assert [json.loads(line)["file"] for line in out.read_text().splitlines()] == judged
    assert f"stopped by {number.name} after {len(judged)} pictures" in told
    assert not list(tmp_path.rglob("*.partial"))


def test_a_terminal_that_is_closed_leaves_the_results_of_what_was_judged(model, tmp_path):
    names = pictures(tmp_path / "new", 5) * 1000
    out, (ours, theirs) = tmp_path / "v.jsonl", os.openpty()

    def take_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "baad", "predict", str(model), *map(str, names), "--json", str(out), "--threads", "1"],
        **dict.fromkeys(("stdin", "stdout", "stderr"), theirs),
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(theirs)
    shown = b""
    while not re.search(rb"[1-9]\d*/5000", shown):
        shown += os.read(ours, 10_000)
    os.close(ours)
    assert process.wait(60) == 128 + signal.SIGHUP
    judged = [json.loads(line)["file"] for line in out.read_text().splitlines()]
    assert 0 < len(judged) < len(names) and judged == [str(name) for name in names[: len(judged)]]
    assert not list(tmp_path.rglob("*.partial"))


@SLOW
def test_ten_thousand_pictures_take_no_more_memory_than_a_thousand(model, tmp_path):
    names = pictures(tmp_path / "new", 100)
    code = (
        "import sys; from baad.bench.footprint import peak_of_this_process; from baad.cli.app import main\n"
        f"sys.argv = ['baad', 'predict', {str(model)!r}, '-', '--json', '-', '--threads', '1']\n"
        "try: main()\n"
        "finally: print(peak_of_this_process(), file=sys.stderr)"
    )
    peaks = []
    for count in (1_000, 10_000):
        stream = "".join(f"{name}\n" for name in names * (count // 100))
        done = subprocess.run([sys.executable, "-c", code], input=stream, capture_output=True, text=True, check=True)
        assert done.stdout.count("\n") == count
        peaks.append(float(done.stderr.split()[-1]))  # MiB
    assert peaks[1] - peaks[0] < 10


def rewrite(path, changed=(), **manifest):
    """The model file with other members, and other entries in its manifest."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members.update(changed)
    members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def flip(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"# Brightness")] ^= 1
    path.write_bytes(content)


MODELS = {
    "absent": (lambda path: path.unlink(), "There is no model file"),
    "empty": (lambda path: path.write_bytes(b""), "not a BAAD model file"),
    "truncated": (lambda path: write_truncated(path), "truncated or damaged"),
    "picture": (
        lambda path: save_picture(path.with_suffix(".png"), np.zeros((9, 9), bool)).replace(path),
        "not a BAAD",
    ),
    "other program": (lambda path: rewrite(path, product="other"), "another program"),
    "newer": (lambda path: rewrite(path, schema=SCHEMA + 1, baad_version="9.9"), "newer version (BAAD 9.9"),
    "bit flip": (flip, "damaged"),
    "tampered": (lambda path: rewrite(path, {"card.md": b"# Better"}), "card.md is not what the manifest says"),
    "no sizes": (lambda path: rewrite(path, image_shapes=[[64]]), "image_shapes is"),
    "no share": (lambda path: rewrite(path, part_share=[0.5, 0.2]), "part_share is"),
    "no seed": (lambda path: rewrite(path, seed="one"), "seed is"),
}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("verb", ["predict", "evaluate", "info"])
def test_a_model_file_that_cannot_be_used_is_one_line(baad, tmp_path, kind, verb):
    category = write_category(tmp_path / "disc", normals=2, good=2, defective=2)
    path = write_fake_model(tmp_path / "m.baad")
    spoil, problem = MODELS[kind]
    spoil(path)
    told = baad(verb, path, *([] if verb == "info" else [category]))
    assert (told.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert problem in told.err and "m.baad" in told.err


def test_a_network_that_this_runtime_cannot_load_says_which_it_is(baad, tmp_path, monkeypatch):
    import onnx

    newer = onnx.load_from_string(brightness_graph())
    newer.ir_version = 99
    monkeypatch.setattr("tests.fake_model.brightness_graph", newer.SerializeToString)
    path = write_fake_model(tmp_path / "m.baad")
    told = baad("predict", path, save_picture(tmp_path / "a.png", np.zeros((64, 64, 3), np.uint8)))
    assert told.code == 2
    assert "does not load" in told.err and "pip install --upgrade onnxruntime" in told.err


def test_figures_on_the_data_of_another_product_come_with_warnings(baad, tmp_path):
    category = write_category(tmp_path / "disc", normals=2, good=4, defective=2, size=(400, 200))
    model = write_fake_model(tmp_path / "m.baad", image_colours=["grey"], part_share=[0.4, 0.6])
    for picture in (category / "test" / "good").iterdir():
        save_picture(picture, np.full((400, 200, 3), 255, np.uint8))  # as bright as no good part of that model
    told = baad("evaluate", model, category)
    assert told.code == 0
    for warning in (
        "6 of 6 pictures: the picture is 200x400 px, the nearest training picture 64x80 px: another aspect",
        "2 of 6 pictures: the picture is in colour",
        "6 of 6 pictures: the part fills 0% of the picture, in training 40% to 60%: another framing",
        "4 of 4 good pictures are rejected: is this the model of this product",
    ):
        assert warning in told.err


def test_its_own_data_come_without_a_warning(baad, tmp_path):
    category = write_category(tmp_path / "disc", normals=2, good=4, defective=2)
    told = baad("evaluate", write_fake_model(tmp_path / "m.baad", image_colours=["colour"]), category)
    assert told.code == 0
    assert "warning: " not in told.err.replace("warning: disc", "")


def test_when_nearly_all_is_rejected_the_model_is_doubted(baad, model, tmp_path):
    for index in range(10):
        save_picture(tmp_path / "new" / f"{index}.png", np.full((64, 64, 3), 255, np.uint8))
    assert "is this the model of this product" in baad("predict", model, tmp_path / "new").err
    (tmp_path / "new" / "9.png").unlink()
    assert "is this the model" not in baad("predict", model, tmp_path / "new").err
