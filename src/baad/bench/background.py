"""What changed backgrounds cost each method of a benchmark: rows of `bench.stress`, and what they say side by side."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from baad.bench.job import Job, Workshop
from baad.bench.rows import LOWEST, Row, mean, split_alike, tell_others
from baad.bench.stress import (
    ALL,
    CHANGES,
    CLEAN,
    TRAINED,
    UNSEEN,
    Examined,
    require_background,
    require_both,
    run_stress,
)
from baad.bench.table import gain, list_gains
from baad.data.geometry import resize_map
from baad.data.sample import Category
from baad.metrics.scorecard import show
from baad.progress import Progress
from baad.synthesis.shifts import FAMILIES, SEVERITIES, SHIFTS

OFF = "background_off"  # what the others are compared with
FEWER = " times fewer"
FIGURES = {  # key -> title
    "image_auroc": "image AUROC",
    "background_auroc": "AUROC from background",
    "background_fpr_50": "background FPR at .5",
    "background_fpr_70": "at .7",
    "background_fpr_90": "at .9",
    "part_fpr_70": "part FPR at .7",
    "background_alarms_70": "pictures alarmed at .7",
    "outside_share": "defect pixels outside the mask",
    "outside_recall_70": "recall outside the mask at .7",
}


def stress_rows(job: Job, workshop: Workshop, progress: Progress) -> list[Row]:
    """A row a change for one method. Where the data has no outlines, all work through those of plain BAAD; where it has
    some, normal pictures without one are left out: what BAAD takes for the part is no judge of BAAD. Who takes the
    whole picture for part is asked for the defects that lie outside of what plain BAAD takes for it.
    """
    score = workshop.make(job).score
    eyes = cache(lambda: workshop.make(replace(job, method="baad")).score)  # trained where a picture needs them

    def outline(picture: np.ndarray) -> np.ndarray:
        return resize_map(eyes()(picture).foreground, (picture.shape[0], picture.shape[1])) > 0.5

    def see_part(picture: np.ndarray) -> np.ndarray:
        own = resize_map(score(picture).foreground, (picture.shape[0], picture.shape[1])) > 0.5
        return outline(picture) if own.all() else own

    examined = Examined(lambda place, picture: score(picture), see_part, outline)
    seed = job.settings.seed
    rows = run_stress(examined, drop_unoutlined(job.category), progress, job.method, seed)
    return [{**row, "seed": seed, **job.judged_with(), "shifts": SHIFTS} for row in rows]


def drop_incomplete(rows: Sequence[Row]) -> list[Row]:
    """The rows of those jobs that have one of every change, drawn as changes are drawn now; the others are made anew.

    Rows of before tell no `shifts`: theirs are the first ones.
    """
    jobs: dict[tuple[Any, ...], set[tuple[str, int]]] = {}
    for row in rows:
        if row.get("shifts", 1) == SHIFTS:
            jobs.setdefault(_job(row), set()).add((row["family"], row["severity"]))
    return [row for row in rows if jobs.get(_job(row), set()) >= CHANGES]


def _job(row: Row) -> tuple[Any, ...]:
    return row["category"], row["method"], row["seed"]


def require_stressable(category: Category) -> None:
    """Raise DataError for what is known before any training: normal or defective test pictures are lacking, or none of
    those with a true outline has a background. What has no outline waits for the model that finds the part."""
    judged = drop_unoutlined(category)
    outlined = all(image.foreground is not None for image in judged.test if not image.defective)
    if outlined:
        require_background(judged, lambda picture: np.ones(picture.shape[:2], bool))
    else:
        require_both(judged)


def drop_unoutlined(category: Category) -> Category:
    """The category without normal test pictures that have no true outline, if others have one."""
    kept = [image for image in category.test if image.defective or image.foreground is not None]
    return replace(category, test=tuple(kept)) if any(not image.defective for image in kept) else category


def format_background(rows: Sequence[Row], clean: Sequence[Row] = ()) -> str:
    """Markdown: each figure unchanged and, behind an arrow, with every kind of change, and each kind at its strongest;
    means over the seeds.

    `clean`: the rows of the same methods on all test pictures, those without an outline of the part counted in.
    """
    rows, others = split_alike(rows, ("category", "method"))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    judged = [
        (category, method)
        for category in sorted({row["category"] for row in rows})
        for method in methods
        if _mean(rows, category, method, CLEAN, "image_auroc") is not None
    ]
    lines = [
        "## Changed backgrounds",
        "",
        "Normal test pictures whose background alone is changed, in every family and severity of `baad stress`. "
        "Figures of the pictures as they are, and behind the arrow of the changed ones; rates at the recall of defect "
        "pixels that is named.",
        "",
        "| category | method | seeds | normal pictures | " + " | ".join(FIGURES.values()) + " |",
        "|" + "---|" * (len(FIGURES) + 4),
    ]
    for category, method in judged:
        mine = [row for row in _pick(rows, category, method) if row["family"] == CLEAN]
        cells = [
            " → ".join(show(_mean(rows, category, method, family, key), 4) for family in (CLEAN, ALL))
            for key in FIGURES
        ]
        counted = f"{len(mine)} | {' and '.join(sorted({str(row['n_normal']) for row in mine}))}"
        lines.append(f"| {category} | {method} | {counted} | " + " | ".join(cells) + " |")
    lines += list_strongest(rows, judged)
    whole, _ = split_alike(clean, ("category", "method"))
    compared = [line for method in methods if method != OFF for line in compare_with_off(rows, method, whole)]
    lines += [*([""] if compared else []), *compared, *tell_others(others, ("category", "method"), LOWEST)]
    return "\n".join(lines) + "\n"


def list_strongest(rows: Sequence[Row], judged: Sequence[tuple[str, str]]) -> list[str]:
    """A table of every family at its highest severity, so that no mean hides one: a row per (category, method)."""
    strongest = [row for row in rows if row["family"] in FAMILIES and row["severity"] == SEVERITIES[-1]]
    if not strongest:
        return []
    lines = [
        "",
        "Each family at its strongest: image AUROC of the changed pictures against the defects as they are, and the "
        "share of those pictures that are alarmed at pixel recall .7.",
        "",
        "| category | method | " + " | ".join(FAMILIES) + " |",
        "|" + "---|" * (len(FAMILIES) + 2),
    ]
    for category, method in judged:
        cells = [
            ", ".join(
                show(_mean(strongest, category, method, family, key), digits)
                for key, digits in (("image_auroc", 3), ("background_alarms_70", 2))
            )
            for family in FAMILIES
        ]
        lines.append(f"| {category} | {method} | " + " | ".join(cells) + " |")
    return lines


def compare_with_off(rows: Sequence[Row], method: str, clean: Sequence[Row] = ()) -> list[str]:
    """A line on a method and BAAD without any knowledge of the background, over the categories and seeds of both."""
    both = [{(row["category"], row["seed"]) for row in rows if row["method"] == name} for name in (method, OFF)]
    shared = both[0] & both[1]
    rows = [row for row in rows if (row["category"], row["seed"]) in shared]
    names = sorted({category for category, _ in shared})
    if not names:
        return []

    def means(name: str, family: str, key: str) -> np.ndarray:
        return np.array([_mean(rows, category, name, family, key) for category in names], float)

    alarmed = {name: pool_alarms(rows, name) for name in (method, OFF)}
    lost = {
        name: float(np.mean(means(name, CLEAN, "image_auroc") - means(name, ALL, "image_auroc")))
        for name in (method, OFF)
    }
    closed = f"{1 - lost[method] / lost[OFF]:.0%}" if lost[OFF] > 0 else "no gap to close"
    seeds = sorted({seed for _, seed in shared})
    ratios = [tell_fewer([row for row in rows if row["seed"] == seed], method) for seed in seeds]
    by_seed = f", {', '.join(each.removesuffix(FEWER) for each in ratios)} by seed" if len(seeds) > 1 else ""
    told = f"{tell_fewer(rows, method)} false-positive pixels on the changed background at pixel recall .7"
    told += (
        f"{by_seed} ({' and '.join(show(share, 5) for share in alarmed.values())} of its pixels, all pictures pooled)"
    )
    if any(row["family"] == UNSEEN for row in rows):
        known, unseen = (tell_fewer(rows, method, kind) for kind in (TRAINED, UNSEEN))
        told += f"; {known} by changes that resemble some in training, {unseen} by those that resemble none"
    told += f"; share of the AUROC gap closed: {closed}"
    gains = gain([row for row in clean if (row["category"], row["seed"]) in shared], OFF, "image_auroc", method)
    if gains:
        told += f"; clean AUROC above it, all test pictures: {list_gains(gains)}"
    return [f"- `{method}` against `{OFF}` over {', '.join(names)}: {told}."]


def pool_alarms(rows: Sequence[Row], method: str, family: str = ALL) -> float | None:
    """False-positive pixels at pixel recall .7 over the pixels of changed background, all pictures counted together;
    None where a category's rows do not count them."""
    wanted = [row for row in rows if (row["method"], row["family"]) == (method, family)]
    alarmed: list[Any] = [row.get("background_alarmed_70") for row in wanted]
    pixels = sum(row.get("background_pixels") or 0 for row in wanted)
    return sum(alarmed) / pixels if pixels and None not in alarmed else None


def tell_fewer(rows: Sequence[Row], method: str, family: str = ALL) -> str:
    """How many times fewer pixels of changed background a method alarms than BAAD without any knowledge of it, in two
    digits: as many as a ratio of small counts is worth."""
    alarmed, off = (pool_alarms(rows, name, family) for name in (method, OFF))
    if alarmed is None or off is None:
        return "no count of"
    return f"{float(f'{off / alarmed:.2g}'):,g}{FEWER}" if alarmed > 0 else "none, not fewer,"


def _pick(rows: Sequence[Row], category: str, method: str) -> list[Row]:
    return [row for row in rows if (row["category"], row["method"]) == (category, method)]


def _mean(rows: Sequence[Row], category: str, method: str, family: str, key: str) -> float | None:
    return mean(row[key] for row in _pick(rows, category, method) if row["family"] == family)
