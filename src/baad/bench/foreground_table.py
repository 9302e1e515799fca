"""The results of `baad bench foreground` as tables; whether the gate's level holds for sets it was not chosen on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from baad.atomic import write_text
from baad.bench.rows import Row, mean, tell_others, write_rows
from baad.foreground.gate import LEAST_QUALITY
from baad.metrics.scorecard import show

RESULTS, DRAWN = "results.jsonl", "drawn.jsonl"


def write_table(out: Path, rows: Sequence[Row], drawn: Sequence[Row]) -> None:
    """`out`/results.jsonl, `out`/drawn.jsonl and `out`/README.md."""
    write_rows(out / RESULTS, rows)
    write_rows(out / DRAWN, drawn)
    shown, others = split_newest(rows)
    told = tell_others(others, ("category", "user_masks"), "the last row of the category")
    lines = [*describe_masks(shown), *told, "", *describe_gate(shown, drawn)]
    write_text(out / "README.md", "\n".join(lines) + "\n")


def split_newest(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Those rows of each category that were made as its last one was, and the others: new ones come last."""
    newest = {row["category"]: (row.get("fingerprint"), row.get("tested_on")) for row in rows}
    shown = [row for row in rows if (row.get("fingerprint"), row.get("tested_on")) == newest[row["category"]]]
    return shown, [row for row in rows if row not in shown]


def describe_masks(rows: Sequence[Row]) -> list[str]:
    """A line for each category and number of user masks: means over the seeds, and the lowest of them."""
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["category"], row["user_masks"]), []).append(row)
    names = " ".join(dict.fromkeys(row["category"] for row in rows))
    seeds = max((row["seed"] + 1 for row in rows), default=1)
    steps = " or ".join(dict.fromkeys(str(row["head_steps"]) for row in rows))
    lines = [
        "# Where the part is",
        "",
        f"Written by `baad bench foreground {names} --out DIR --seeds {seeds} --steps {steps}`, category "
        "names standing for their folders. IoU with the true outlines, which only judge, and play the user who "
        "paints: means over pictures and seeds, the lowest seed in brackets. *Training* are the masks found in the "
        "training pictures (without the painted ones), *test* what a mask head sees in test pictures after it was "
        "trained on those, *test, recipe* what the recipe itself says of the same test pictures, *head - recipe* the "
        "mean difference. The head was trained alone, without the rest of the loss. Where the gate refuses, the whole "
        "picture counts as part. Search: seconds per training picture, all recipes together, on the clock and of the "
        "processor; minutes are of the processor.",
        "",
        "| category | user masks | seeds | gate | recipe | quality | training | test | test, recipe | head - recipe "
        "| search s | of the processor | head min |",
        "|" + "---|" * 13,
    ]
    for (category, count), group in sorted(groups.items()):
        told = [category, str(count), str(len(group)), _agreed(group, "gate"), _agreed(group, "recipe")]
        told += [_mean(group, "quality", 2), _mean_and_lowest(group, "iou_train"), _mean_and_lowest(group, "iou_test")]
        told += [_mean_and_lowest(group, "iou_test_proposal"), _head_less_recipe(group)]
        told += [_mean(group, "search_seconds", 2), _mean(group, "search_processor_seconds", 2)]
        lines.append("| " + " | ".join([*told, _mean(group, "head_processor_minutes", 1)]) + " |")
    overall = [f"{_mean(rows, key, 2)} s" for key in ("search_seconds", "search_processor_seconds")]
    return [*lines, "", f"The search took {overall[0]} in the mean over all rows, {overall[1]} of the processor."]


def describe_gate(rows: Sequence[Row], drawn: Sequence[Row]) -> list[str]:
    """The gate's figure for all sets, sorted, and what its level would be without each of them."""
    alone = [{**row, "set": row["category"]} for row in rows if row["user_masks"] == 0 and row["seed"] == 0]
    sets = sorted([*alone, *drawn], key=lambda row: -row["quality"])
    lines = [
        "## The gate",
        "",
        f"Quality of the best proposal, over the categories above without help and drawn sets of all kinds. The gate "
        f"accepts from {LEAST_QUALITY}, unless something else speaks against the masks. A set *has* a background where "
        "it was drawn with one, or has true outlines. IoU is that of the best proposal, of refused drawn sets too.",
        "",
        "| set | has a background | quality | accepted | IoU |",
        "|---|---|---|---|---|",
    ]
    for row in sets:
        has, accepted = ("yes" if each else "no" for each in (row["has_background"], row["gate"] == "background"))
        lines.append(f"| {row['set']} | {has} | {row['quality']:.2f} | {accepted} | {show(row['iou_train'], 3)} |")
    return [*lines, "", describe_errors(sets), "", *describe_level(sets)]


def describe_errors(sets: Sequence[Row]) -> str:
    """Which sets the gate as it is judges wrongly, either way."""
    wrong = {
        said: [
            row["set"]
            for row in sets
            if (row["gate"] == "background") is accepted and row["has_background"] is not accepted
        ]
        for said, accepted in (("accepted without a background", True), ("refused with one", False))
    }
    told = [f"{len(names)} {said}" + (f" ({', '.join(names)})" if names else "") for said, names in wrong.items()]
    return f"At {LEAST_QUALITY}: {'; '.join(told)}."


def describe_level(sets: Sequence[Row]) -> list[str]:
    """Leave each kind out in turn: choose the level on the others, and ask whether it is right for the sets left out.

    Drawn sets of one part are one kind. A set that is refused for its area would be so at any level.
    """
    known = [(row.get("kind", row["set"]), row["set"], _reached(row), row["has_background"]) for row in sets]
    kinds = list(dict.fromkeys(kind for kind, *_ in known))
    if len(kinds) < 2:
        return []
    levels = {
        left_out: choose_level([(quality, has) for kind, _, quality, has in known if kind != left_out])
        for left_out in kinds
    }
    wrong = [name for kind, name, quality, has in known if (quality >= levels[kind]) != has]
    listed = f": {', '.join(wrong)}" if wrong else ""
    return [
        f"Leaving each of {len(kinds)} kinds out in turn, the sets of one drawn part together, and choosing the level "
        f"on the others gives levels of {min(levels.values()):.2f} to {max(levels.values()):.2f}; {len(wrong)} of "
        f"{len(known)} sets are judged wrongly by them{listed}."
    ]


def _reached(row: Row) -> float:
    """Quality, or nothing where something else spoke against the masks."""
    return 0.0 if row["gate"] == "none" and row["quality"] >= LEAST_QUALITY else row["quality"]


def choose_level(sets: Sequence[tuple[float, bool]]) -> float:
    """The level that judges the most sets (quality, has a background) rightly; midway between its neighbours."""
    values = np.unique([0.0, 1.0, *(quality for quality, _ in sets)])
    middles = (values[1:] + values[:-1]) / 2
    right = [sum((quality >= middle) == has for quality, has in sets) for middle in middles]
    best = np.flatnonzero(np.array(right) == max(right))
    return float(middles[best[np.argmax(np.diff(values)[best])]])  # the widest of equally good gaps


def _agreed(group: Sequence[Row], key: str) -> str:
    return ", ".join(dict.fromkeys(str(row[key]) for row in group))


def _mean(group: Sequence[Row], key: str, digits: int = 3) -> str:
    return show(mean(row[key] for row in group), digits)


def _mean_and_lowest(group: Sequence[Row], key: str) -> str:
    values = [row[key] for row in group if row[key] is not None]
    return f"{np.mean(values):.3f} ({min(values):.3f})" if values else "–"


def _head_less_recipe(group: Sequence[Row]) -> str:
    pairs = [(row["iou_test"], row["iou_test_proposal"]) for row in group if row["iou_test_proposal"] is not None]
    return f"{np.mean([head - recipe for head, recipe in pairs]):+.3f}" if pairs else "–"
