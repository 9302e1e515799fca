"""The architecture as tests: who may import whom, and what runs where. ARCHITECTURE.md says it in words."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imports import imported_modules

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "baad"
FILES = sorted(PACKAGE.rglob("*.py"))
ORDER = (
    *("errors", "atomic", "settings", "progress", "stopping", "data", "foreground", "synthesis", "verdict"),
    *("self_contained", "bundle", "runtime", "metrics", "report", "learn", "baselines", "bench", "cli"),
)
TORCH_ROOMS = {"learn", "baselines", "bench"}
BASE_ROOMS = set(ORDER) - TORCH_ROOMS - {"foreground", "synthesis", "metrics", "report"}
BASE_INSTALL = {"numpy", "PIL", "tifffile", "onnxruntime", "typer", "rich"}
ON_REQUEST = {"openvino", "cv2"}  # extras of the line: imported where they are asked for, never before
BLOCKED = ("torch", "cv2", "scipy", "jinja2", "onnx", "onnxscript", "safetensors", "timm", "sklearn", "openvino")
ACROSS = {"fuzz", "inputs"}  # folders of tests that go through all rooms
MAX_LINES, MOST_CODE = 400, 50  # of a file; of a function, its signature and docstring aside


def room_of(file: Path) -> str:
    """'runtime' for src/baad/runtime/session.py, 'bundle' for src/baad/bundle.py."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(file: Path) -> set[str]:
    """Rooms of baad that a file imports from."""
    return {name.split(".")[1] for name in imported_modules(file) if name.startswith("baad.")} & set(ORDER)


def imported_packages(file: Path) -> set[str]:
    """Third-party packages that a file imports."""
    return {name.split(".")[0] for name in imported_modules(file)} - set(sys.stdlib_module_names) - {"baad"}


ROOM_FILES = [file for file in FILES if room_of(file) in ORDER]


def test_every_room_has_its_place_in_the_order():
    assert {room_of(file) for file in FILES} - {"__init__", "__main__"} <= set(ORDER)


@pytest.mark.parametrize("file", ROOM_FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_upwards(file):
    below = {room for room in imported_rooms(file) if ORDER.index(room) > ORDER.index(room_of(file))}
    assert not below, f"{room_of(file)} stands above {', '.join(below)} and must not import it"


def test_torch_stays_in_its_rooms():
    assert not [
        str(file.relative_to(PACKAGE))
        for file in FILES
        if "torch" in imported_packages(file) and room_of(file) not in TORCH_ROOMS
    ]


def test_no_test_figure_reaches_the_training_loop():
    learning = [file for file in ROOM_FILES if room_of(file) == "learn"]
    assert not [file.name for file in learning if imported_rooms(file) & {"metrics", "report"}]


def test_benchmarks_alone_know_what_is_kept_from_training():
    """Held-back defects and changed backgrounds examine what was learnt: nothing that learns may draw them."""
    kept = {"baad.synthesis.heldback", "baad.synthesis.shifts"}
    assert {room_of(file) for file in FILES if kept & set(imported_modules(file))} == {"bench"}


def test_nothing_is_made_for_a_category_that_was_looked_at_in_development():
    names = "coffee_leaf leaf_cbg ball_screw magnetic_tile dobot_cube cube_pool piped_pa"
    told = re.compile("|".join(names.split()).replace("_", "[ _-]?"), re.I)
    texts = {file: file.read_text("utf-8") for file in PACKAGE.rglob("*") if file.suffix in (".py", ".html", ".json")}
    assert not [str(file.relative_to(PACKAGE)) for file, text in texts.items() if told.search(text)]


def test_the_line_computer_needs_the_base_install_only():
    needed = {str(f.relative_to(PACKAGE)): imported_packages(f) for f in FILES if room_of(f) in BASE_ROOMS}
    allowed = BASE_INSTALL | ON_REQUEST
    assert {name: packages - allowed for name, packages in needed.items() if packages - allowed} == {}


@pytest.mark.parametrize(
    "module",
    ["baad", "baad.cli.app", "baad.bundle", "baad.runtime.detector", "baad.runtime.output", "baad.data.reading"],
)
def test_works_with_the_base_install(module):
    code = f"import sys; sys.modules.update(dict.fromkeys({BLOCKED!r})); import {module}"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("module", ["baad.metrics.evaluate", "baad.report.html", "baad.synthesis.recipe"])
def test_works_without_torch(module):
    code = f"import sys; sys.modules['torch'] = None; import {module}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_file_is_longer_than_a_person_reads():
    places = [ROOT / "src", ROOT / "tests", ROOT / "examples", ROOT / "docs"]
    files = [file for place in places for file in place.rglob("*.py")]
    assert {file.name: n for file in files if (n := len(file.read_text("utf-8").splitlines())) > MAX_LINES} == {}


def count_code(function: ast.FunctionDef, lines: list[str]) -> int:
    """Lines of code in a function: without signature, docstring, comments and empty lines."""
    body = function.body[ast.get_docstring(function) is not None :]
    code = lines[body[0].lineno - 1 : body[-1].end_lineno] if body else []
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in code)


def test_no_function_is_longer_than_a_person_reads():
    found = {}
    for file in FILES:
        text = file.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                place = f"{file.relative_to(PACKAGE).as_posix()}:{node.lineno}: {node.name}"
                found[place] = count_code(node, text.splitlines())
    assert not {name for name, count in found.items() if count > MOST_CODE}


@pytest.mark.parametrize("word", ["util", "utils", "common", "helpers", "core", "base", "misc"])
def test_no_file_is_named_after_nothing(word):
    assert not [file for file in FILES if file.stem == word]


def test_every_test_of_a_room_stands_beside_a_room():
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert folders - ACROSS <= set(ORDER)


def test_the_page_on_architecture_names_every_room_and_no_other():
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = set(re.findall(r"^(\w+)(?:/|\.py)\s", page, re.M))
    assert named == {room_of(file) for file in FILES if not file.name.startswith("__")}
