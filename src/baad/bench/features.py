"""What are patch features worth? A nearest-neighbour detector on each candidate, category by category."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from baad.atomic import write_text
from baad.baselines.nearest import Describe, NearestNeighbour
from baad.bench.run import check_testable, read_rows
from baad.data.decode import read_image
from baad.data.reading import read_category
from baad.data.sample import Category
from baad.errors import SettingError
from baad.learn.pdn import load_pdn, new_pdn
from baad.metrics.ranking import auroc, count_levels
from baad.progress import Progress

MEMORY = 5_000  # normal patches
CANDIDATES = ("fast", "random")


def compare_features(
    categories: Sequence[Path],
    out: Path,
    progress: Progress,
    candidates: Sequence[str] = CANDIDATES,
    seed: int = 0,
    layout: str = "auto",
) -> list[dict[str, Any]]:
    """Image AUROC of nearest neighbour on each candidate's features; a row each in `out`/results.jsonl, and a table.

    Rows that stand there already are not run again. `random` is the default size with random weights; `layout` is
    read_category's.
    """
    rows = read_rows(out / "results.jsonl")
    read = [read_category(path, layout) for path in categories]
    for category in read:
        check_testable(category, progress)
    for category in read:
        for candidate in candidates:
            if any((row["candidate"], row["category"]) == (candidate, category.name) for row in rows):
                continue
            figure = nearest_auroc(category, load_describe(candidate, seed), seed, progress)
            rows.append(
                {"candidate": candidate, "category": category.name, "seed": seed, "image_auroc": round(figure, 4)}
            )
            write_text(out / "results.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
            write_text(out / "README.md", format_features(rows))
            progress.say(f"{category.name}, {candidate}: image AUROC {figure:.3f}")
    return rows


def load_describe(candidate: str, seed: int) -> Describe:
    """The patch features that go by that name."""
    if candidate not in CANDIDATES:
        raise SettingError(f"Unknown candidate {candidate!r}: give {', '.join(CANDIDATES)}.")
    return new_pdn("fast", seed) if candidate == "random" else load_pdn(candidate)


def nearest_auroc(category: Category, describe: Describe, seed: int, progress: Progress) -> float:
    """Image AUROC of the nearest-neighbour detector on one category."""
    detector = NearestNeighbour(describe, memory=MEMORY, seed=seed, standardise=False)
    progress.say(f"{category.name}: remembering {len(category.train)} pictures")
    detector.fit(category.train)
    scores = []
    with progress.task("nearest neighbour", len(category.test)) as task:
        for image in category.test:
            scores.append(detector.score(read_image(image.path)).score)
            task.advance()
    defective = np.array([image.defective for image in category.test])
    return float(auroc(*count_levels(np.array(scores), defective)))


def format_features(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: a line per category, a column per candidate, the mean last."""
    candidates = list(dict.fromkeys(row["candidate"] for row in rows))
    names = list(dict.fromkeys(row["category"] for row in rows))
    found = {(row["candidate"], row["category"]): row["image_auroc"] for row in rows}
    lines = [
        "# What the patch features are worth",
        "",
        "Image AUROC of a nearest-neighbour detector at 256 px: 3x3 means on a grid of 32x32 cells, "
        f"{MEMORY:,} random patches of all normal training pictures, one seed. `random` is the same network "
        "with random weights. Written by `baad bench features CATEGORY... --out DIR`.",
        "",
        "| category | " + " | ".join(candidates) + " |",
        "|---" * (len(candidates) + 1) + "|",
    ]
    for name in names:
        figures = [found.get((candidate, name)) for candidate in candidates]
        lines.append(f"| {name} | " + " | ".join("–" if f is None else f"{f:.3f}" for f in figures) + " |")
    means = [
        np.mean([found[candidate, name] for name in names if (candidate, name) in found]) for candidate in candidates
    ]
    lines.append("| mean | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")
    return "\n".join(lines) + "\n"
