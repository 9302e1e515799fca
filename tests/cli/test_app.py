import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from baad.cli import app
from baad.errors import DataError, MissingExtra, how_to_install

SOURCE = Path(app.__file__).parents[2]


def test_the_list_of_verbs_is_the_table(baad):
    told = baad("--help").out
    for verb in app.VERBS:
        assert f"\n  {verb.split()[0]} " in told


@pytest.mark.parametrize("verb", app.VERBS)
def test_every_verb_explains_itself_with_examples(baad, verb):
    told = baad(*verb.split(), "--help")
    assert told.code == 0
    assert told.out.count(f"baad {verb} ") + told.out.count(f"baad {verb}\n") >= 2


def test_a_verb_that_does_not_exist_is_exit_2(baad):
    told = baad("frobnicate")
    assert told.code == 2
    assert "No such command 'frobnicate'" in told.err


def test_the_version_is_told(baad):
    assert baad("--version").out.startswith("baad 0.")


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["bench", "run", "--help"]])
def test_help_loads_nothing_heavy_and_is_quick(words):
    heavy = ("torch", "numpy", "onnxruntime", "PIL", "rich", "scipy", "cv2", "onnx")
    code = (
        "import sys; from baad.cli.app import main\n"
        f"sys.argv = ['baad', *{words!r}]\n"
        "try: main()\n"
        f"finally: print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    seconds = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)  # of the processor
    assert done.stderr.strip() == "[]"
    assert min(seconds) < 0.6  # .15 on an idle machine


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (DataError("first: bad.\nsecond: worse."), 2, "baad: first: bad.\nbaad: second: worse.\n"),
        (KeyboardInterrupt(), 130, "baad: stopped."),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), 2, 'pip install ".[train]"'),
        (ModuleNotFoundError("No module named 'timm.x'", name="timm.x"), 2, 'pip install ".[distill]"'),
        (MissingExtra("needs more"), 2, "baad: needs more"),
        (PermissionError(13, "Permission denied", "/root/x"), 2, "baad: Permission denied: /root/x"),
        (MemoryError(), 2, "out of memory"),
        (ZeroDivisionError("by zero"), 70, "a fault in BAAD: ZeroDivisionError: by zero"),
        (ModuleNotFoundError("No module named 'nowhere'", name="nowhere"), 70, "a fault in BAAD"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_error_becomes_lines_and_an_exit_code(capsys, error, code, told):
    def fail() -> int:
        raise error

    assert app.run_verb(fail) == code
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert all(line.startswith("baad: ") for line in captured.err.splitlines())


def test_a_fault_shows_its_traceback_on_request(monkeypatch):
    def fail() -> int:
        raise ZeroDivisionError("by zero")

    monkeypatch.setenv("BAAD_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        app.run_verb(fail)


def test_training_without_torch_says_what_to_install(baad, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    told = baad("train", tmp_path, "-o", tmp_path / "model.baad")
    assert (told.code, told.out) == (2, "")
    assert told.err == f"baad: This needs torch, which is not installed. {how_to_install('train')}\n"


def test_a_reader_that_leaves_early_is_no_fault(model):
    command = [sys.executable, "-m", "baad", "info", str(model), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()  # before anything is written
        assert process.stderr.read() == ""
    assert process.returncode == app.CLOSED


@pytest.mark.parametrize(("options", "told"), [((), ""), (("-W", "default"), "UserWarning: odd")])
def test_warnings_of_libraries_reach_programmers_alone(tmp_path, options, told):
    (tmp_path / "loud.py").write_text(
        "import warnings\nEXAMPLES = ''\n\ndef main() -> int:\n    warnings.warn('odd')\n    return 0\n"
    )
    code = "import sys; from baad.cli import app; app.VERBS['demo'] = 'loud'; sys.argv = ['baad', 'demo']; app.main()"
    command = [sys.executable, *options, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{SOURCE}:{tmp_path}"}
    )
    assert done.returncode == 0, done.stderr
    assert (told in done.stderr) and bool(told) == bool(done.stderr)


def test_an_empty_argument_is_not_the_folder_one_is_in(tmp_path):
    code = "import sys; from baad.cli.app import main; sys.argv = ['baad', 'train', '', '-o', 'm.baad']; main()"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (told.returncode, told.stderr.count("A name is empty")) == (2, 1)
