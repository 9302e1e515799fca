"""What is published in docs/results says what the rows beside it say."""

import re
from pathlib import Path

import pytest

from baad.bench.rows import read_rows
from baad.bench.run import RESULTS, STRESS, write_results

PUBLISHED = Path(__file__).parents[2] / "docs" / "results"
FOLDERS = sorted(plan.parent for plan in PUBLISHED.rglob("plan.toml"))


def test_there_are_published_results():
    assert {"accuracy", "background", "baselines"} <= {folder.name for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_published_page_is_what_its_rows_give(folder, tmp_path):
    page = (folder / "README.md").read_text("utf-8")
    command = re.search(r"Written by `([^`]+)`", page)[1]
    write_results(tmp_path, read_rows(folder / RESULTS, ()), read_rows(folder / STRESS, ()), command)
    assert (tmp_path / "README.md").read_text("utf-8") == page
