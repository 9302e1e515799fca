"""What an evaluation found: figures, intervals, scores; as a flat row and as lines of text."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

from baad.metrics.intervals import Interval


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Figures between 0 and 1; None where they cannot be had. Higher is better save for the last two."""

    image_auroc: float | None = None
    image_ap: float | None = None
    image_f1_max: float | None = None
    pixel_auroc: float | None = None
    pixel_ap: float | None = None
    pixel_f1_max: float | None = None
    au_pro_30: float | None = None
    au_pro_05: float | None = None
    background_fpr: float | None = None
    part_fpr: float | None = None


FIGURE_NAMES = tuple(entry.name for entry in fields(Figures))
FIGURE_TITLES = {
    "image_auroc": "image AUROC",
    "image_ap": "image AP",
    "image_f1_max": "image F1-max",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "pixel AP",
    "pixel_f1_max": "pixel F1-max",
    "au_pro_30": "AU-PRO 0.3",
    "au_pro_05": "AU-PRO 0.05",
    "background_fpr": "background FPR",
    "part_fpr": "part FPR",
}
KIND_FIGURES = ("image_auroc", "image_ap", "pixel_auroc", "pixel_ap", "au_pro_30", "au_pro_05")


@dataclass(frozen=True)
class KindFigures:
    """One kind of defect against all normal pictures; `kind` is "all" for all kinds together."""

    kind: str
    n_defective: int
    figures: Figures
    intervals: Mapping[str, Interval]  # 95 %, by the names of the figures; only those that are defined


@dataclass(frozen=True)
class ScoredImage:
    """One test picture. `name` is its path below the category's folder, with slashes."""

    name: str
    kind: str
    score: float

    @property
    def defective(self) -> bool:
        return self.kind != "good"


@dataclass(frozen=True)
class Scorecard:
    """Everything an evaluation found."""

    category: str
    n_normal: int
    n_defective: int
    overall: KindFigures
    kinds: tuple[KindFigures, ...]
    images: tuple[ScoredImage, ...]  # in the order of the test set
    ms_per_image: float  # median wall time of scoring one picture, reading its file included
    notes: tuple[str, ...] = field(default=())

    def row(
        self, method: str, seed: int | None, steps: int | None, train_minutes: float | None = None
    ) -> dict[str, str | int | float | None]:
        """One flat object with stable keys, for JSON."""
        return {
            "method": method,
            "category": self.category,
            "seed": seed,
            "steps": steps,
            "n_normal": self.n_normal,
            "n_defective": self.n_defective,
            **{name: rounded(value) for name, value in asdict(self.overall.figures).items()},
            "train_minutes": rounded(train_minutes),
            "ms_per_image": rounded(self.ms_per_image),
        }


def rounded(value: float | None, digits: int = 4) -> float | None:
    """None stays None; what is not a number becomes None, for JSON has no word for it."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def summary_lines(scorecard: Scorecard) -> list[str]:
    """The scorecard as lines of plain text: figures with intervals, a table of the defect kinds, notes."""
    lines = [
        f"{scorecard.category}: {scorecard.n_normal} normal and {scorecard.n_defective} defective test pictures, "
        f"{scorecard.ms_per_image:.1f} ms per picture (median)",
        "",
        *_columns([["figure", "value", "95 % interval"], *_figure_cells(scorecard.overall)]),
    ]
    if scorecard.kinds:
        names = [name for name in KIND_FIGURES if getattr(scorecard.overall.figures, name) is not None]
        head = ["defect kind", "n", *(FIGURE_TITLES[name] for name in names)]
        rows = [
            [kind.kind, str(kind.n_defective), *(show(getattr(kind.figures, name)) for name in names)]
            for kind in scorecard.kinds
        ]
        lines += ["", *_columns([head, *rows])]
    return [*lines, *(f"note: {note}" for note in scorecard.notes)]


def show(value: float | None, digits: int = 4) -> str:
    """'0.9500', '1,200'; a dash for what is not known."""
    return "–" if value is None else f"{value:,.{digits}f}"


def _figure_cells(group: KindFigures) -> list[list[str]]:
    cells = []
    for name in FIGURE_NAMES:
        interval = group.intervals.get(name)
        between = f"{interval.low:.4f} to {interval.high:.4f}" if interval else ""
        cells.append([FIGURE_TITLES[name], show(getattr(group.figures, name)), between])
    return cells


def _columns(rows: list[list[str]]) -> list[str]:
    """Align cells: the first column left, the others right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
