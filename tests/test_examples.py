"""Every program in examples/ runs as its docstring says, and is short."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.factory import save_picture, write_category
from tests.fake_model import write_fake_model

EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = ("size=fast", "image_size=128", "steps=3", "batch_size=2", "threads=1", "device=cpu")


def run(name, *words):
    command = [sys.executable, str(EXAMPLES / name), *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def category(tmp_path_factory):
    return write_category(tmp_path_factory.mktemp("category") / "disc", normals=12, good=3, defective=4)


def test_train_folder_writes_a_model_that_judges(category, tmp_path):
    told = run("train_folder.py", category / "train", tmp_path / "model.baad", *TINY)
    assert (tmp_path / "model.baad").exists()
    assert told.startswith("3 steps")


def test_embed_on_line_judges_every_frame_and_passes_none_that_is_doubtful(category, tmp_path):
    frames = Path(shutil.copytree(category / "test", tmp_path / "frames"))
    (frames / "cut.png").write_bytes(next(frames.rglob("*.png")).read_bytes()[:60])
    save_picture(frames / "wide.png", np.zeros((64, 200, 3), np.uint8))
    model = write_fake_model(tmp_path / "model.baad", image_colours=["grey"])
    lines = run("embed_on_line.py", model, frames).splitlines()
    assert [line.split()[0] for line in lines] == [str(number) for number in range(9)]
    assert all(line.split()[1] == "reject:" for line in lines)  # good ones too: they are in colour, which is noted
    assert sum("another camera or setting" in line for line in lines) == 7
    assert {"cut.png", "aspect"} <= {word for line in lines for word in ("cut.png", "aspect") if word in line}
    plain = run("embed_on_line.py", write_fake_model(tmp_path / "plain.baad"), category / "test").splitlines()
    assert {tuple(line.split()[1:3]) for line in plain} == {("pass:", "ok"), ("reject:", "ng")}


def test_own_detector_prints_figures(category):
    assert "image AUROC" in run("own_detector.py", category)


@pytest.mark.parametrize("program", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.name)
def test_an_example_is_short_and_tested(program):
    assert len(program.read_text("utf-8").splitlines()) < 40
    assert f'run("{program.name}"' in Path(__file__).read_text("utf-8")


@pytest.mark.parametrize("program", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.name)
def test_an_example_says_what_it_needs_beside_the_base_install(program):
    tree = ast.parse(program.read_text("utf-8"))
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    bare = "import sys\nsys.modules.update(dict.fromkeys(('torch', 'scipy', 'cv2', 'jinja2')))\n"  # None: not there
    done = subprocess.run([sys.executable, "-c", bare + "\n".join(imports)], capture_output=True, text=True)
    assert (done.returncode != 0) == ('pip install ".[train]"' in (ast.get_docstring(tree) or ""))
    assert done.returncode == 0 or "None in sys.modules" in done.stderr or "pip install" in done.stderr
