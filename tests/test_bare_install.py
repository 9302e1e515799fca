"""What `pip install baad` brings, and what judging loads of it. Sizes and lists; times stand on the page of results."""

import importlib.metadata as metadata
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.closure import installed_by
from tests.factory import draw_picture, save_picture
from tests.fake_model import write_fake_model

PACKAGE = Path(__file__).parent.parent / "src" / "baad"
DISTRIBUTIONS, MEGABYTES = 16, 205  # 15 and 200 as they are; 22 and 210 are promised


def size_of(name: str) -> int:
    """Bytes on disk of an installed distribution."""
    if name == "baad":  # installed from its sources here
        return sum(file.stat().st_size for file in PACKAGE.rglob("*") if "__pycache__" not in file.parts)
    paths = (Path(str(file.locate())) for file in metadata.files(name) or ())
    return sum(path.stat().st_size for path in paths if path.exists())


def loaded_by(code: str) -> set[str]:
    """Packages outside of Python's own library that a fresh process has loaded after some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sorted(sys.modules))"],
        **{"capture_output": True, "text": True, "check": True},
    )
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    return {name for name in tops - set(sys.stdlib_module_names) if not name.startswith("_")}


def test_few_distributions_are_installed():
    assert len(installed_by()) <= DISTRIBUTIONS, sorted(installed_by())


def test_they_take_little_room():
    sizes = {name: size_of(name) / 1e6 for name in installed_by()}
    assert sum(sizes.values()) <= MEGABYTES, sizes


def test_no_part_of_them_is_made_for_training():
    assert not installed_by() & {"torch", "onnx", "onnxscript", "scipy", "opencv-python-headless", "openvino"}


def test_importing_the_package_loads_itself_alone():
    assert loaded_by("import baad") == {"baad"}


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    folder = tmp_path_factory.mktemp("line")
    write_fake_model(folder / "m.baad")
    save_picture(folder / "a.png", draw_picture((64, 64), np.random.default_rng(0)).image)
    return folder


def test_judging_loads_what_it_needs_and_no_more(line):
    code = f"from baad import Detector; Detector.load({str(line / 'm.baad')!r}).predict({str(line / 'a.png')!r})"
    assert loaded_by(code) <= {"baad", "numpy", "PIL", "onnxruntime", "tifffile", "flatbuffers", "google"}


def test_the_command_loads_nothing_of_the_extras(line):
    words = ["baad", "predict", str(line / "m.baad"), str(line / "a.png")]
    code = f"import sys; sys.argv = {words!r}\nfrom baad.cli.app import main\n"
    code += "try: main()\nexcept SystemExit as end: assert not end.code"
    heavy = {"torch", "onnx", "scipy", "cv2", "openvino", "safetensors", "jinja2", "timm", "sklearn"}
    assert not loaded_by(code) & heavy
