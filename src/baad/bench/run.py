"""Train and evaluate category by category and seed by seed; one row each, resumable, and a table of them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from baad.atomic import write_text
from baad.bundle import read_bundle
from baad.data.decode import read_image
from baad.data.doctor import check_category
from baad.data.homes import homes_of
from baad.data.reading import read_category
from baad.data.sample import Category
from baad.errors import DataError, SettingError
from baad.learn.deploy import DeployGraph, Scoring
from baad.learn.export import export_onnx
from baad.learn.reload import load_model
from baad.learn.train import train
from baad.metrics.evaluate import evaluate
from baad.progress import Progress
from baad.runtime.session import Session
from baad.settings import TrainSettings

# what each variant changes in the settings; `mask_ones` is the default model, told at test time that all is part
VARIANTS: dict[str, dict[str, Any]] = {
    "baad": {},
    "background_off": {"foreground": "off", "anomalies_on": "anywhere", "background_share": 0.0},
    "mask_ones": {},
}
TABLE = ("image_auroc", "pixel_auroc", "pixel_ap", "au_pro_30", "au_pro_05", "background_fpr", "foreground_fpr")


def run_benchmark(
    categories: Sequence[Path],
    out: Path,
    seeds: int,
    settings: TrainSettings,
    progress: Progress,
    variants: Sequence[str] = ("baad",),
    models: Path = Path("runs"),
    layout: str = "auto",
) -> list[dict[str, Any]]:
    """One row per category, variant and seed in `out`/results.jsonl, and a table in `out`/README.md.

    Rows that stand there already are not run again. Trained models are kept in `models`, by category and settings,
    and used again. `layout` is read_category's.

    Raises SettingError for an unknown variant, DataError for a category without test pictures.
    """
    for variant in variants:
        if variant not in VARIANTS:
            raise SettingError(f"Unknown variant {variant!r}: give {', '.join(VARIANTS)}.")
    read = [read_category(path, layout) for path in categories]
    for category in read:
        check_testable(category, progress)
    rows = read_rows(out / "results.jsonl")
    for category in read:
        for seed in range(seeds):
            for variant in variants:
                done = {(row["category"], row["seed"], row["method"]) for row in rows}
                if (category.name, seed, variant) in done:
                    progress.say(f"{category.name}, seed {seed}, {variant}: already in {out.name}")
                    continue
                chosen = replace(settings, seed=seed, **VARIANTS[variant])
                model = train_once(category, chosen, models, progress)
                rows.append(measure(category, model, variant, seed, progress))
                write_rows(out, rows, settings)
                progress.say(f"{category.name}, seed {seed}, {variant}: image AUROC {rows[-1]['image_auroc']:.3f}")
    return rows


def check_testable(category: Category, progress: Progress) -> None:
    """Raises DataError where the test half is absent or the data has errors."""
    if not category.test:
        homes = homes_of(category.layout)
        raise DataError(f"{category.root} has no test pictures, good ones and defective ones. {homes.test_normal}.")
    errors = [finding for finding in check_category(category, progress) if finding.severity == "error"]
    if errors:
        listed = "\n".join(f"{finding.file}: {finding.problem}. {finding.remedy}" for finding in errors[:20])
        raise DataError(f"{category.root} has {len(errors)} errors:\n{listed}")


def train_once(category: Category, settings: TrainSettings, models: Path, progress: Progress) -> Path:
    """The model of that category and those settings, trained unless it exists."""
    key = hashlib.sha256(json.dumps(settings.to_dict(), sort_keys=True).encode()).hexdigest()[:12]
    path = models / f"{category.name}-{settings.seed}-{key}.baad"
    if not path.exists():
        progress.say(f"{category.name}, seed {settings.seed}: training")
        train(category.train, settings, path, progress, category_name=category.name)
    return path


def measure(category: Category, model: Path, variant: str, seed: int, progress: Progress) -> dict[str, Any]:
    """Evaluate one model: a row of figures."""
    bundle = read_bundle(model)
    session = Session(bundle.onnx)
    if variant == "mask_ones":
        network, _ = load_model(model)
        network.mask_head = False
        shape = tuple(bundle.manifest["input_shape"])
        session = Session(export_onnx(DeployGraph(network, shape, Scoring(suppression=0.0))))
    card = evaluate(lambda path: session.run(read_image(path)), category, progress)
    manifest = bundle.manifest
    return card.row(method=variant, seed=seed, steps=manifest["steps"], train_minutes=manifest["train_minutes"])


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Rows of a results file; none where it does not exist."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def write_rows(out: Path, rows: Sequence[dict[str, Any]], settings: TrainSettings) -> None:
    """`results.jsonl` and the table made from it."""
    write_text(out / "results.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write_text(out / "README.md", format_table(rows, settings))


def format_table(rows: Sequence[dict[str, Any]], settings: TrainSettings) -> str:
    """Markdown: mean over seeds, and the spread (highest - lowest) of the image AUROC."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["category"], row["method"]), []).append(row)
    names = sorted({row["category"] for row in rows})
    methods = list(dict.fromkeys(row["method"] for row in rows))
    changed = {name: value for name, value in settings.to_dict().items() if value != getattr(TrainSettings(), name)}
    command = f"baad bench run {' '.join(names)} --out DIR --seeds {len({row['seed'] for row in rows})}"
    if methods != ["baad"]:
        command += f" --variants {','.join(methods)}"
    command += "".join(f" --set {name}={value}" for name, value in changed.items())
    lines = [
        "# Results",
        "",
        f"Written by `{command}`, category names standing for their folders. Mean over the seeds; spread is the "
        "highest image AUROC minus the lowest. Minutes are of the whole training command.",
        "",
        "| category | method | seeds | spread | " + " | ".join(TABLE) + " | steps | minutes | ms |",
        "|" + "---|" * (len(TABLE) + 7),
    ]
    for (category, method), group in groups.items():
        spread = np.ptp([row["image_auroc"] for row in group])
        figures = [_mean(group, key) for key in TABLE]
        last = [_mean(group, "steps", 0), _mean(group, "train_minutes", 1), _mean(group, "ms_per_image", 1)]
        lines.append(f"| {category} | {method} | {len(group)} | {spread:.3f} | " + " | ".join(figures + last) + " |")
    return "\n".join(lines) + "\n"


def _mean(group: Sequence[dict[str, Any]], key: str, digits: int = 3) -> str:
    values = [row[key] for row in group if row[key] is not None]
    return f"{np.mean(values):.{digits}f}" if values else "–"
