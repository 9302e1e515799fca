"""What is published in docs/results says what the rows beside it say."""

import json
import re
from pathlib import Path

import pytest

from baad.bench import foreground_table, parity, speed
from baad.bench.rows import read_rows
from baad.bench.run import RESULTS, STRESS, write_results

PUBLISHED = Path(__file__).parents[2] / "docs" / "results"
FOLDERS = sorted(plan.parent for plan in PUBLISHED.rglob("plan.toml"))


def test_there_are_published_results():
    assert {"accuracy", "background", "baselines"} <= {folder.name for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_published_page_is_what_its_rows_give(folder, tmp_path):
    page = page_of(folder)
    write_results(tmp_path, read_rows(folder / RESULTS, ()), read_rows(folder / STRESS, ()), command_of(page))
    assert page_of(tmp_path) == page


def page_of(folder):
    return (folder / "README.md").read_text("utf-8")


def command_of(page):
    return re.search(r"Written by `([^`]+)`", page)[1]


def test_the_page_on_parity_is_what_its_rows_give():
    page = page_of(PUBLISHED / "parity")
    assert parity.format_page(read_rows(PUBLISHED / "parity" / parity.ROWS, ()), command_of(page)) == page


@pytest.mark.parametrize("folder", ["speed", "speed/with_graphics_card"])
def test_a_page_on_speed_is_what_was_found(folder):
    page = page_of(PUBLISHED / folder)
    found = json.loads((PUBLISHED / folder / "speed.json").read_text("utf-8"))
    assert speed.format_page(found, command_of(page)) == page


def test_the_page_on_the_foreground_is_what_its_rows_give(tmp_path):
    rows, drawn = (read_rows(PUBLISHED / "foreground" / f"{name}.jsonl", ()) for name in ("results", "drawn"))
    foreground_table.write_table(tmp_path, rows, drawn)
    assert page_of(tmp_path) == page_of(PUBLISHED / "foreground")
