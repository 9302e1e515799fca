"""What is published in docs/results says what the rows beside it say."""

import json
import re
from pathlib import Path

import pytest

from baad.bench import features, foreground_table, parity, speed
from baad.bench.methods import GROUPS, MASKED
from baad.bench.rows import read_rows
from baad.bench.run import RESULTS, STRESS, write_results
from baad.progress import Silence

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


@pytest.mark.parametrize(("folder", "seed"), [("pdn", 0), ("pdn/equal_steps", 0), ("pdn/seed_1", 1), ("pdn/seed_2", 2)])
def test_a_page_on_patch_features_is_what_its_rows_give(folder, seed):
    settings = features.FeatureSettings(seed=seed, seconds=0)
    rows = read_rows(PUBLISHED / folder / features.RESULTS, ())
    times = features.time_candidates({}, PUBLISHED / folder, settings, Silence())
    assert features.format_features(rows, times, settings) == page_of(PUBLISHED / folder)


def test_the_page_on_the_foreground_is_what_its_rows_give(tmp_path):
    rows, drawn = (read_rows(PUBLISHED / "foreground" / f"{name}.jsonl", ()) for name in ("results", "drawn"))
    foreground_table.write_table(tmp_path, rows, drawn)
    assert page_of(tmp_path) == page_of(PUBLISHED / "foreground")


def test_the_readme_gives_the_figures_of_the_results():
    readme = " ".join((PUBLISHED.parents[1] / "README.md").read_text("utf-8").split())
    accuracy, background, baselines = (
        read_rows(PUBLISHED / name / RESULTS, ()) for name in ("accuracy", "background", "baselines")
    )
    busy = [row["processor_minutes"] for row in accuracy if row["processor_minutes"]]
    assert f"takes {min(busy):.0f} to {max(busy):.0f} minutes of one CPU core" in readme
    means = {name: mean_of(accuracy, name, "baad") for name in {row["category"] for row in accuracy}}
    worst = min(means, key=means.get)
    told = f"from {short(means[worst])} ({worst.replace('_', ' ')}s) to {short(max(means.values()))}, means of"
    assert told in readme
    off, on = (mean_of(background, "leaf_cbg", method) for method in ("background_off", "baad"))
    assert f"image AUROC of the same network from {short(off)} to {short(on)};" in readme
    names = sorted({row["category"] for row in baselines})
    overall = {
        method: sum(mean_of(baselines, name, method) for name in names) / len(names)
        for method in ("baad", *GROUPS["baselines"])
    }
    plain, masked = (
        [overall[name] for name in GROUPS["baselines"] if name.endswith(MASKED) == is_masked]
        for is_masked in (False, True)
    )
    told = f"AUROC was {short(overall['baad'], 3)} in the mean over the eight;"
    assert told in readme
    told = f"reached {short(min(plain))} to {short(max(plain))}, and {short(min(masked))} to {short(max(masked))} with"
    assert told in readme
    speeds = json.loads((PUBLISHED / "speed" / "speed.json").read_text("utf-8"))
    assert f"ran {speeds['times_faster_than_efficientad_s']:.1f} times faster than EfficientAD-S" in readme
    assert f"to verdict {speeds['times_faster_than_wrn50_layer3']:.1f} times faster than WideResNet-50" in readme


def mean_of(rows, category, method):
    found = [row["image_auroc"] for row in rows if (row["category"], row["method"]) == (category, method)]
    return sum(found) / len(found)


def short(value, digits=2):
    """.95, and 1.00."""
    return f"{value:.{digits}f}".removeprefix("0")
