"""Rows of a benchmark -> Markdown: the image AUROC of all methods side by side, then every figure."""

from collections.abc import Sequence

import numpy as np

from baad.bench.methods import METHODS
from baad.bench.rows import LOWEST, Row, mean, split_alike, tell_others
from baad.metrics.scorecard import show

OURS = "baad"
FIGURES = {  # key -> digits
    "image_auroc": 3,
    "pixel_auroc": 3,
    "pixel_ap": 3,
    "au_pro_30": 3,
    "au_pro_05": 3,
    "background_fpr": 4,
    "part_fpr": 4,
    "psnr": 1,
    "ssim": 3,
    "mask_iou": 3,
    "steps": 0,
    "mask_steps": 0,
    "train_minutes": 1,
    "processor_minutes": 1,
    "parameters": 0,
    "macs": 0,
    "score_ms": 1,
}
TIMES = ("train_minutes", "processor_minutes", "score_ms")


def format_table(rows: Sequence[Row], command: str) -> str:
    """Means over the seeds of rows that were made alike. Columns that no row has a figure for are left out."""
    rows, others = split_alike(rows, ("category", "method"))
    lines = [
        "# Results",
        "",
        f"Written by `{command}`, names of categories standing for their folders. Means over the seeds; the spread is "
        "the highest image AUROC minus the lowest. PSNR and SSIM are of the reconstruction of normal test pictures, "
        "mask IoU is with the true outline where there is one. Minutes are of the whole training command.",
    ]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    if len(methods) > 1:
        lines += ["", *compare_methods(rows, methods)]
        lines += [*compare_with_others(rows, methods), *compare_with_baselines(rows, methods)]
    lines += ["", *list_figures(rows), *tell_others(others, ("category", "method"), LOWEST)]
    return "\n".join(lines) + "\n"


def compare_methods(rows: Sequence[Row], methods: Sequence[str]) -> list[str]:
    """Image AUROC, a line a method, a column a category; the mean where a method was run on all of them."""
    names = sorted({row["category"] for row in rows})
    lines = ["| method | " + " | ".join(names) + " | mean |", "|" + "---|" * (len(names) + 2)]
    for method in methods:
        groups = [[row for row in rows if (row["method"], row["category"]) == (method, name)] for name in names]
        means = [_mean(group, "image_auroc") for group in groups]
        known = [each for each in means if each is not None]
        overall = float(np.mean(known)) if len(known) == len(names) else None
        lines.append(f"| {method} | " + " | ".join(show(each, 3) for each in [*means, overall]) + " |")
    return lines


def compare_with_others(rows: Sequence[Row], methods: Sequence[str]) -> list[str]:
    """How far BAAD's image AUROC lies above that of itself otherwise, in each category that both have."""
    others = [method for method in methods if method != OURS and not is_baseline(method)]
    gains = {method: found for method in others if (found := gain(rows, method, "image_auroc"))}
    told = [f"- {method}: {list_gains(found)}" for method, found in gains.items()]
    return ["", f"Image AUROC of `{OURS}` above that of the others:", "", *told] if told else []


def compare_with_baselines(rows: Sequence[Row], methods: Sequence[str]) -> list[str]:
    """How far BAAD's image AUROC lies above that of each baseline in the mean, and above the best of them in each
    category; its pixel AUROC above nearest neighbour's. No lines where there are no baselines.
    """
    gains = {name: gain(rows, name, "image_auroc") for name in methods if is_baseline(name)}
    gains = {name: found for name, found in gains.items() if found}
    if not gains:
        return []
    above = ", ".join(f"{name} {np.mean(list(found.values())):+.3f} ({len(found)})" for name, found in gains.items())
    fair = given_alike(rows)
    alike = [gain(fair, name, "image_auroc") for name in gains]
    categories = sorted({category for found in alike for category in found})
    beside = {name: min(found[name] for found in alike if name in found) for name in categories}
    told = f"Image AUROC of `{OURS}` above that of each baseline, mean over categories (how many): {above}."
    if beside:
        told += f" Above the best of those with the same settings, in each category: {list_gains(beside)}."
    lines = ["", told]
    pixels = gain(rows, "nearest", "pixel_auroc")
    if pixels:
        lines += ["", f"Pixel AUROC of `{OURS}` above that of `nearest`: {list_gains(pixels)}."]
    return lines


def given_alike(rows: Sequence[Row]) -> list[Row]:
    """The rows of which BAAD has one of the same category and settings: as many minutes, as many threads."""
    ours = {(row["category"], row.get("settings")) for row in rows if row["method"] == OURS}
    return [row for row in rows if (row["category"], row.get("settings")) in ours]


def is_baseline(method: str) -> bool:
    """Whether it is no variant of BAAD."""
    return method in METHODS and bool(METHODS[method].baseline)


def gain(rows: Sequence[Row], method: str, key: str, ours: str = OURS) -> dict[str, float]:
    """How far the figure of `ours` lies above the method's, by category, means over the seeds; where both have one."""

    def mean_of(name: str, category: str) -> float | None:
        return _mean([row for row in rows if (row["method"], row["category"]) == (name, category)], key)

    found = {}
    for category in sorted({row["category"] for row in rows if row["method"] == method}):
        first, other = mean_of(ours, category), mean_of(method, category)
        if first is not None and other is not None:
            found[category] = first - other
    return found


def list_gains(gains: dict[str, float]) -> str:
    """'a +0.010, b -0.020'."""
    return ", ".join(f"{name} {value:+.3f}" for name, value in gains.items())


def list_figures(rows: Sequence[Row]) -> list[str]:
    """All figures, a line a category and method."""
    shown = {key: digits for key, digits in FIGURES.items() if any(_has_figure(row.get(key), digits) for row in rows)}
    lines = [
        "| category | method | seeds | spread | " + " | ".join(key.replace("_", " ") for key in shown) + " |",
        "|" + "---|" * (len(shown) + 4),
    ]
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["category"], row["method"]), []).append(row)
    for (category, method), group in sorted(groups.items(), key=lambda item: item[0][0]):
        known = [row["image_auroc"] for row in group if row["image_auroc"] is not None]
        spread = float(np.ptp(known)) if len(known) > 1 else None  # of one seed nothing is known
        without = TIMES if _are_of_many_devices(group) else ()
        cells = [show(None if key in without else _mean(group, key), digits) for key, digits in shown.items()]
        lines.append(f"| {category} | {method} | {len(group)} | {show(spread, 3)} | " + " | ".join(cells) + " |")
    if any(map(_are_of_many_devices, groups.values())):
        lines += ["", "Where seeds were trained on different kinds of device, their times have no mean."]
    return lines


def _are_of_many_devices(group: Sequence[Row]) -> bool:
    """Whether some were trained on a processor and some on a graphics card; rows of before tell no device, and had a
    processor."""
    return len({row.get("device") or "cpu" for row in group}) > 1


def _has_figure(value: float | None, digits: int) -> bool:
    """Whether there is something to show: a count of 0, such as steps of what is not trained, is nothing."""
    return value is not None and (digits > 0 or value > 0)


def _mean(group: Sequence[Row], key: str) -> float | None:
    return mean(row.get(key) for row in group)
