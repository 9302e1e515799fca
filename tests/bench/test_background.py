from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from baad.bench.background import (
    compare_with_off,
    drop_incomplete,
    drop_unoutlined,
    format_background,
    pool_alarms,
    stress_rows,
)
from baad.bench.job import Job
from baad.bench.stress import CHANGES
from baad.data.reading import read_category
from baad.data.sample import Category, LabelledImage
from baad.errors import DataError
from baad.progress import Silence
from baad.runtime.session import RawMaps
from baad.settings import TrainSettings
from baad.synthesis.shifts import SHIFTS
from tests.factory import write_category


def row(method, category, family, auroc, rate, pixels=1000):
    counts = {"background_pixels": pixels, "background_alarmed_70": round(rate * pixels)}
    figures = {"image_auroc": auroc, "background_fpr_70": rate, **counts}
    missing = ("background_auroc", "background_fpr_50", "background_fpr_90", "part_fpr_70", "background_alarms_70")
    about = {"method": method, "category": category, "family": family, "severity": 0, "seed": 0, "n_normal": 9}
    return about | figures | dict.fromkeys((*missing, "outside_share", "outside_recall_70"))


@pytest.fixture
def rows():
    return [
        row("baad", "a", "clean", 0.90, 0.0),
        row("baad", "a", "all", 0.85, 0.01),
        row("background_off", "a", "clean", 0.92, 0.0),
        row("background_off", "a", "all", 0.72, 0.20),
    ]


def test_the_line_tells_how_much_of_the_gap_is_closed(rows):
    (line,) = compare_with_off(rows, "baad")
    assert "20 times fewer" in line  # .20 against .01
    assert "gap closed: 75%" in line  # .05 lost in place of .20
    assert "clean AUROC" not in line


def test_what_is_lost_on_pictures_as_they_are_is_read_from_all_of_them(rows):
    rows += [each | {"seed": 1} for each in rows]
    figures = (("baad", 0, 0.8), ("baad", 1, 0.9), ("background_off", 0, 0.88), ("background_off", 1, 0.88))
    clean = [{"method": name, "category": "a", "seed": seed, "image_auroc": value} for name, seed, value in figures]
    assert compare_with_off(rows, "baad", clean)[0].endswith("clean AUROC above it, all test pictures: a -0.030.")
    assert "a -0.030" in format_background(rows, clean)


def test_pictures_are_pooled_not_the_rates_of_categories(rows):
    rows += [
        row("baad", "b", "clean", 0.9, 0.0),
        row("baad", "b", "all", 0.9, 0.0, 9000),
        row("background_off", "b", "clean", 0.9, 0.0),
        row("background_off", "b", "all", 0.9, 0.1, 9000),
    ]
    assert pool_alarms(rows, "baad") == 10 / 10_000
    assert pool_alarms(rows, "background_off") == 1_100 / 10_000
    assert "110 times fewer" in compare_with_off(rows, "baad")[0]


def test_ratios_are_told_in_two_digits_and_for_each_seed(rows):
    rows += [each | {"seed": 1} for each in rows]
    rows[5] |= {"background_alarmed_70": 3}  # of 200 with nothing known: 67 times fewer
    line = compare_with_off(rows, "baad")[0]
    assert "31 times fewer false-positive pixels" in line and "20, 67 by seed" in line


def test_pixels_of_pictures_that_only_one_of_both_was_shown_are_not_pooled(rows):
    alone = compare_with_off(rows, "baad")
    more = [row("baad", "a", "all", 0.85, 0.0, 9000) | {"seed": 1}, row("baad", "a", "clean", 0.9, 0.0) | {"seed": 1}]
    assert compare_with_off(rows + more, "baad") == alone


def test_changes_that_resemble_none_in_training_are_told_apart(rows):
    assert "resemble" not in compare_with_off(rows, "baad")[0]
    for family, rate in (("trained", 0.02), ("unseen", 0.005)):
        rows += [row("baad", "a", family, 0.8, rate), row("background_off", "a", family, 0.7, 0.2)]
    line = compare_with_off(rows, "baad")[0]
    assert "; 10 times fewer by changes that resemble some in training, 40 times fewer by those that resemble" in line


def test_rows_of_changed_backgrounds_are_whole_or_made_anew(rows):
    whole = [{**rows[0], "family": family, "severity": severity} for family, severity in CHANGES]
    other = [{**each, "seed": 1} for each in whole]
    assert drop_incomplete(whole + other) == whole + other
    assert drop_incomplete(whole[1:] + other) == other
    assert drop_incomplete([each | {"shifts": 0} for each in whole]) == []
    assert drop_incomplete([each | {"shifts": SHIFTS} for each in whole])


def test_rows_that_were_made_otherwise_are_not_counted(rows):
    others = [{**each, "seed": 1, "background_alarmed_70": 0, "settings": "steps=3"} for each in rows]
    page = format_background([*rows, *others])
    assert page.startswith(format_background(rows).rstrip("\n"))
    assert (
        "the row of the lowest seed, with other settings or code: a, baad, seed 1; a, background_off, seed 1." in page
    )


def test_rows_that_count_no_pixels_are_not_pooled(rows):
    del rows[1]["background_alarmed_70"]
    assert "no count of false-positive pixels" in compare_with_off(rows, "baad")[0]


def test_there_is_nothing_to_compare_without_the_other(rows):
    assert compare_with_off(rows[:2], "baad") == []
    assert "against" not in format_background(rows[:2])


def test_figures_stand_as_they_are_and_with_changes(rows):
    page = format_background(rows)
    assert "| a | baad | 1 | 9 | 0.9000 → 0.8500 | – → – | – → – | 0.0000 → 0.0100 |" in page


def test_each_family_stands_alone_at_its_strongest(rows):
    assert "at its strongest" not in format_background(rows)
    for severity, auroc, alarmed in ((4, 0.9, 0.1), (5, 0.6, 0.25)):
        changed = {"severity": severity, "background_alarms_70": alarmed}
        rows += [row("baad", "a", "clutter", auroc, 0.0) | changed]
    rows += [each | {"seed": 1, "image_auroc": 0.8} for each in rows[-1:]]
    table = format_background(rows).split("at its strongest")[1]
    header, _, first, second = [line.split(" | ") for line in table.splitlines() if line.startswith("|")]
    place = header.index("clutter")
    assert first[0] == "| a" and first[1] == "baad" and first[place] == "0.700, 0.25"
    assert {cell for index, cell in enumerate(first[2:], 2) if index != place} <= {"–, –", "–, – |"}
    assert second[1] == "background_off" and second[place] == "–, –"


def test_a_recall_of_hardly_any_defect_pixels_can_be_told(rows):
    few = [{**each, "outside_share": 0.0005, "outside_recall_70": 0.0} for each in rows]
    page = format_background(few)
    assert "| pictures alarmed at .7 | defect pixels outside the mask | recall outside the mask at .7 |" in page
    assert "| – → – | 0.0005 → 0.0005 | 0.0000 → 0.0000 |" in page


def test_where_some_normal_pictures_have_an_outline_those_without_are_left_out():
    def picture(name, kind, outlined):
        return LabelledImage(Path(name), kind, foreground=Path("outline.png") if outlined else None)

    mixed = (picture("a", "good", True), picture("b", "good", False), picture("c", "hole", False))
    category = Category("parts", Path(), "MVTec AD", (), mixed)
    assert [image.path.name for image in drop_unoutlined(category).test] == ["a", "c"]
    bare = replace(category, test=mixed[1:])
    assert drop_unoutlined(bare).test == bare.test


@dataclass(frozen=True)
class Workshop:
    """Its `baad` takes a share of each picture, from the left, for part; its `background_off` all. Both see
    brightness."""

    share: float

    def make(self, job):
        share = {"baad": self.share, "background_off": 1.0}[job.method]

        def score(picture):
            level = picture.max(axis=2).astype(np.float32)
            part = np.tile(np.arange(level.shape[1]) < share * level.shape[1], (level.shape[0], 1))
            return RawMaps(level, part.astype(np.float32), float(level.max()))

        return SimpleNamespace(score=score)


def test_who_knows_of_no_part_is_asked_for_defects_outside_of_what_baad_takes_for_it(tmp_path):
    root = write_category(tmp_path / "disc", normals=2, good=2, defective=2, foreground=True)
    job = Job(read_category(root), "background_off", TrainSettings())
    (clean, *_) = stress_rows(job, Workshop(0.0), Silence())
    assert clean["outside_share"] == 1.0 and clean["outside_recall_70"] >= 0.7


def test_without_outlines_all_work_through_what_baad_takes_for_the_part(tmp_path):
    category = read_category(write_category(tmp_path / "disc", normals=2, good=2, defective=2))
    job = Job(category, "background_off", TrainSettings())
    (clean, *_) = stress_rows(job, Workshop(0.4), Silence())
    assert clean["true_outlines"] == 0.0 and 0.0 < clean["outside_share"] < 1.0
    with pytest.raises(DataError, match="no background to change"):
        stress_rows(job, Workshop(1.0), Silence())


def test_pictures_as_they_are_are_compared_over_seeds_of_both(rows):
    clean = [{"method": name, "category": "a", "seed": 0, "image_auroc": 0.9} for name in ("baad", "background_off")]
    worse = {"method": "baad", "category": "a", "seed": 1, "image_auroc": 0.1}
    assert "all test pictures: a +0.000." in format_background(rows, [*clean, worse])
    assert "all test pictures: a +0.000." in format_background(rows, [*clean, worse | {"settings": "x"}])
