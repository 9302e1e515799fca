"""What users install: the built wheel, without the sources beside it and without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.closure import modules_beyond
from tests.factory import write_folder

ROOT = Path(__file__).parent.parent
MEGABYTES = 20
REFUSE = """
import socket

def refuse(*anything):
    raise OSError("no network in this test")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""
MISS = """
from importlib.machinery import PathFinder

genuine = PathFinder.find_spec

def find_spec(name, path=None, target=None):
    return None if name in {missing} else genuine(name, path, target)

PathFinder.find_spec = find_spec
"""


def run(*words: object, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (file,) = folder.glob("baad-*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The environment of a process that has the wheel's files, what `baad[train]` requires, and no network."""
    site = tmp_path_factory.mktemp("site")
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel)
    (site / "sitecustomize.py").write_text(REFUSE + MISS.format(missing=modules_beyond("train")))
    return {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}


def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size < MEGABYTES * 1e6


def test_the_wheel_trains_and_judges_without_a_network(installed, tmp_path):
    parts = write_folder(tmp_path / "parts", normals=12, sessions=("mon", "tue"))
    seen = run("-c", "import baad, socket; print(baad.__file__, socket.getaddrinfo.__name__)", **installed).split()
    assert seen[0].startswith(installed["PYTHONPATH"]) and seen[1] == "refuse"
    absent = "from importlib.util import find_spec; print([bool(find_spec(name)) for name in ('pytest', 'torch')])"
    assert run("-c", absent, **installed).strip() == "[False, True]"
    model = tmp_path / "m.baad"
    quick = ("image_size=64", "batch_size=2", "threads=1", "device=cpu", "held_out=0.25", "steps=2")
    run("-m", "baad", "train", parts, "-o", model, *(word for each in quick for word in ("--set", each)), **installed)
    told = json.loads(run("-m", "baad", "info", model, "--json", **installed))
    assert told["settings"]["pdn"] == "shipped"
    picture = next(parts.rglob("*.png"))
    verdict = json.loads(run("-m", "baad", "predict", model, picture, "--json", "-", **installed))
    assert verdict["verdict"] in ("ok", "ng")
