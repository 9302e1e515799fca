import json
import os
import re
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest

from baad.cli.outputs import (
    PAGE,
    PAGE_TITLES,
    require_apart,
    require_different,
    require_file,
    require_folder,
    require_home,
    require_model,
    require_page_folder,
    require_same_table,
)
from baad.data.reading import read_category
from baad.errors import OutputError
from tests.factory import draw_set, write_category, write_folder, write_layout

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "a.png").touch()
    (tmp_path / "m.baad").write_bytes(b"PK\x03\x04 and more")
    os.mkfifo("pipe")
    return tmp_path


@pytest.mark.parametrize("path", [None, "-", "new.csv", "notes.txt", "folder/new.csv", "new/deeper/new.csv", "new.png"])
def test_new_files_and_texts_may_be_written(path):
    require_file(path, "--csv")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("folder", "is a folder"),
        ("pipe", "a device or a pipe"),
        ("/dev/null", "a device or a pipe"),
        ("a.png", "is a picture"),
        ("m.baad", "is a model file"),
        ("notes.txt/new.csv", "notes.txt is not a folder"),
        ("notes.txt/deeper/new.csv", "notes.txt is not a folder"),
    ],
)
def test_places_that_cannot_be_or_must_not_be_written_are_refused_by_name(path, problem):
    with pytest.raises(OutputError, match=f"--csv: .*{problem}"):
        require_file(path, "--csv")


@pytest.mark.parametrize("layout", ["coco", "labelme", "manifest"])
def test_labels_of_pictures_are_not_written_over(place, layout):
    write_layout(layout, place / "disc", draw_set(normals=2, defective=1, size=(24, 24)))
    file = next(file for file in (place / "disc").rglob("*") if file.suffix in (".json", ".csv"))
    for grows in (False, True):
        with pytest.raises(OutputError, match=f"--json: .*{file.name} holds labels of pictures"):
            require_file(file, "--json", grows=grows)


@pytest.mark.parametrize(
    "content",
    [
        {"zones": [{"rule": "ignore", "polygon": [[0, 0], [1, 0], [1, 1]]}]},
        {"quality_needed": 0.2, "masks": []},
    ],
    ids=["zones", "masks.json"],
)
def test_zones_and_the_list_of_painted_masks_are_not_written_over(place, content):
    file = place / "drawn.json"
    file.write_text(json.dumps(content))
    for grows in (False, True):
        with pytest.raises(OutputError, match=r"--json: drawn\.json holds zones or painted masks"):
            require_file(file.name, "--json", grows=grows)


def test_a_result_of_before_may_be_replaced(place):
    (place / "before.json").write_text(json.dumps([{"file": "a.png", "regions": [{"rule": "ignore"}], "zones": {}}]))
    require_file("before.json", "--json")


def test_an_option_in_place_of_a_name_is_no_name():
    with pytest.raises(OutputError, match=r"--json is --html, which looks like an option"):
        require_file("--html", "--json")
    with pytest.raises(OutputError, match=r"-o is --seed, which looks like an option"):
        require_model(Path("--seed"))
    require_file("folder/-x", "--json")


def test_a_link_is_judged_by_what_it_leads_to(place, monkeypatch):
    for name, target in {"table.csv": "a.png", "free.csv": "notes.txt", "null.csv": "/dev/null"}.items():
        os.symlink(target, name)
    require_file("free.csv", "--csv")
    for name, problem in (("table.csv", "is a picture"), ("null.csv", "a device or a pipe")):
        with pytest.raises(OutputError, match=f"--csv: {name} .*{problem}"):
            require_file(name, "--csv")
    os.symlink("folder/new.csv", "far.csv")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "folder")
    with pytest.raises(OutputError, match="folder does not take files"):
        require_file("far.csv", "--csv")


def test_a_folder_that_is_read_only_is_refused(monkeypatch):
    os.mkdir("new")
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(OutputError, match="--csv: new does not take files"):
        require_file("new/deeper/a.csv", "--csv")


def test_a_log_that_goes_on_needs_no_room_beside_it_but_must_take_lines(place, monkeypatch):
    (place / "folder" / "log.csv").touch()
    os.symlink("folder/log.csv", "linked.csv")
    monkeypatch.setattr(os, "access", lambda path, mode: os.path.isfile(path))
    for name in ("folder/log.csv", "linked.csv"):
        require_file(name, "--csv", grows=True)
        with pytest.raises(OutputError, match="folder does not take files"):
            require_file(name, "--csv")
    with pytest.raises(OutputError, match="folder does not take files"):
        require_file("folder/new.csv", "--csv", grows=True)
    for name, told in (("a.png", "picture"), ("m.baad", "model"), ("pipe", "pipe"), ("folder", "folder")):
        with pytest.raises(OutputError, match=rf"--csv: {name} is .*{told}"):
            require_file(name, "--csv", grows=True)
    monkeypatch.setattr(os, "access", lambda path, mode: os.path.isdir(path))
    with pytest.raises(OutputError, match=r"--csv: folder/log\.csv is read-only for you"):
        require_file("folder/log.csv", "--csv", grows=True)


def test_a_page_of_a_benchmark_may_be_replaced_and_a_readme_of_the_same_title_not(place):
    for page in (ROOT / "docs" / "results").glob(f"*/{PAGE}"):
        require_page_folder(page.parent, "--out")
    require_page_folder(place / "new", "--out")
    require_page_folder(None, "--out")
    with pytest.raises(OutputError, match=r"--out: .*README.md is there already"):
        require_page_folder(ROOT / "docs" / "results", "--out")


def test_pages_of_benchmarks_are_known_by_the_titles_that_they_have():
    sources = [file.read_text("utf-8") for file in (ROOT / "src" / "baad" / "bench").glob("*.py")]
    assert sorted(PAGE_TITLES) == sorted(title for text in sources for title in re.findall(r'"# ([^"\\]+)",', text))


def test_a_model_replaces_a_model_and_nothing_else(place):
    (place / "empty").touch()
    for path in ("m.baad", "empty", "new/m.baad"):
        require_model(place / path)
    for path in ("a.png", "folder", "pipe"):
        (place / "a.png").write_bytes(b"\x89PNG")
        with pytest.raises(OutputError, match="-o: "):
            require_model(place / path)


def test_a_zip_of_others_is_no_model(place, model):
    for name in ("pics.zip", "notes.docx", "pics.baad.zip"):
        with zipfile.ZipFile(name, "w") as archive:
            archive.writestr("manifest.json", json.dumps({"name": "an extension of a browser"}))
        with pytest.raises(OutputError, match=f"-o: .*{name} is there already, and is no model file"):
            require_model(place / name)
    (place / "renamed.zip").write_bytes(model.read_bytes())
    require_model(place / "renamed.zip")
    (place / "a.zip").write_bytes(model.read_bytes()[:500])  # a model once, but who could tell
    with pytest.raises(OutputError, match="-o: "):
        require_model(place / "a.zip")


def test_standard_output_is_a_place_for_lines_alone():
    require_file("-", "--csv")
    for refuse in (lambda: require_file("-", "--html", stream=False), lambda: require_model(Path("-"))):
        with pytest.raises(OutputError, match="is standard output"):
            refuse()


def test_a_folder_need_not_exist_but_must_take_files(place):
    require_folder(None, "--maps")
    require_folder(place / "folder", "--maps")
    require_folder(place / "new" / "deeper", "--maps")
    with pytest.raises(OutputError, match=r"notes\.txt is not a folder"):
        require_folder(place / "notes.txt", "--maps")


def test_a_table_goes_on_only_with_the_same_columns(place):
    for text, same in (("", True), ("a,b\n1,2\n", True), ("a,b\r\n", True), ("a,b,c\n", False), ("notes", False)):
        (place / "table.csv").write_text(text, newline="")
        with nullcontext() if same else pytest.raises(OutputError, match=r"--csv: .*other columns"):
            require_same_table(place / "table.csv", ("a", "b"), "--csv")
    require_same_table(place / "new.csv", ("a", "b"), "--csv")


def test_one_file_under_two_names_is_one(place):
    os.symlink("notes.txt", "alias")
    require_different("a", "b", "--a and --b")
    require_different(None, "b", "--a and --b")
    for first, second in (("a", "./a"), ("notes.txt", "alias"), (place / "new", "new")):
        with pytest.raises(OutputError, match="--a and --b both name"):
            require_different(first, second, "--a and --b")


def test_results_lie_apart_from_the_pictures_they_come_from(place):
    category = read_category(write_folder(place / "parts" / "mon", normals=2).parent)
    for folder in ("outlines", "parts2", "parts/../outlines", "parts/fg_mask", "parts/mon/foreground"):
        require_apart(place / folder, category, "-o")
    os.symlink(place / "parts", place / "elsewhere")
    for folder in ("parts", "parts/outlines", "parts/mon", "parts/mon/outlines", "elsewhere/outlines"):
        with pytest.raises(OutputError, match="among the pictures"):
            require_apart(place / folder, category, "-o")


def test_changed_pictures_take_the_place_of_those_of_an_earlier_call_alone(place):
    category = read_category(write_category(place / "disc"))
    require_home(place / "new", category, "--write")
    (place / "new" / "disc").mkdir(parents=True)
    require_home(place / "new", category, "--write")
    (place / "new" / "disc" / "test").mkdir()
    with pytest.raises(OutputError, match="baad stress did not write it"):
        require_home(place / "new", category, "--write")
    (place / "new" / "disc" / "shifted").mkdir()
    require_home(place / "new", category, "--write")
    with pytest.raises(OutputError, match="baad stress did not write it"):
        require_home(place, category, "--write")
    with pytest.raises(OutputError, match="among the pictures"):
        require_home(place / "disc" / "test", category, "--write")
