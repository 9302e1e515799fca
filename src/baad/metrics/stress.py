"""What a change of the background costs a detector: counts per normal picture -> flat rows.

The working points come from the unchanged defective pictures: the thresholds that find .5, .7 and .9 of their defect
pixels. Only normal pictures are changed. A picture's pixels within 5 px of the part's outline (at 256 x 256) count
neither as part nor as background.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from baad.metrics.ranking import auroc_of
from baad.metrics.scorecard import rounded

RECALLS = (0.5, 0.7, 0.9)
ALARM_SHARE = 20 / 256**2  # of the picture: smaller specks of background above the threshold are no alarm
TOP_SHARE = 1 / 1000  # of the picture: the score of an area is the mean of its highest pixels


@dataclass(frozen=True)
class Zones:
    """What each pixel of a picture counts as, bool [H, W]; the band along the outline is in neither."""

    part: np.ndarray
    background: np.ndarray


@dataclass(frozen=True)
class NormalCounts:
    """One normal picture, changed or not, at the working points."""

    score: float
    background_score: float  # NaN without background
    part_pixels: int
    background_pixels: int
    part_alarmed: tuple[int, ...]  # pixels, one number a recall; empty where no defect has a mask
    background_alarmed: tuple[int, ...]
    background_alarms: tuple[bool, ...]  # whether a connected piece of background is large enough for an alarm


@dataclass(frozen=True)
class Defects:
    """The defective pictures, as they are."""

    scores: np.ndarray  # [N]
    background_scores: np.ndarray  # [N], NaN without background
    thresholds: tuple[float, ...]  # that find RECALLS of the defect pixels; empty without masks
    outside_share: float | None  # of the defect pixels that lie where the model sees no part
    outside_recall: tuple[float, ...]  # of those pixels, at each threshold; empty where there are none


def thresholds_at(values: np.ndarray, recalls: Sequence[float] = RECALLS) -> tuple[float, ...]:
    """Highest thresholds at or above which at least those shares of `values` [N] lie; empty for N = 0."""
    if values.size == 0:
        return ()
    falling = np.sort(values)[::-1]
    return tuple(float(falling[max(0, int(np.ceil(recall * values.size - 1e-9)) - 1)]) for recall in recalls)


def score_area(anomaly: np.ndarray, area: np.ndarray) -> float:
    """Mean of the highest pixels of an area, a thousandth of the picture's; NaN for an empty area. Both [H, W]."""
    values = anomaly[area]
    if values.size == 0:
        return float("nan")
    count = min(values.size, max(1, round(anomaly.size * TOP_SHARE)))
    return float(np.partition(values, values.size - count)[values.size - count :].mean(dtype=np.float64))


def count_normal(anomaly: np.ndarray, zones: Zones, score: float, thresholds: Sequence[float]) -> NormalCounts:
    """Counts of one picture. anomaly: float32 [H, W], at the size of its zones."""
    least = max(1, round(ALARM_SHARE * anomaly.size))
    on_background = [(anomaly >= threshold) & zones.background for threshold in thresholds]
    return NormalCounts(
        score=score,
        background_score=score_area(anomaly, zones.background),
        part_pixels=int(zones.part.sum()),
        background_pixels=int(zones.background.sum()),
        part_alarmed=tuple(int(((anomaly >= threshold) & zones.part).sum()) for threshold in thresholds),
        background_alarmed=tuple(int(alarmed.sum()) for alarmed in on_background),
        background_alarms=tuple(_largest(alarmed) >= least for alarmed in on_background),
    )


def summarise_defects(
    scores: Sequence[float], background_scores: Sequence[float], on_part: np.ndarray, outside: np.ndarray
) -> Defects:
    """`on_part`, `outside`: map values [N], [M] of the defect pixels where the model sees the part, and elsewhere."""
    thresholds = thresholds_at(np.concatenate([on_part, outside]))
    return Defects(
        scores=np.array(scores, float),
        background_scores=np.array(background_scores, float),
        thresholds=thresholds,
        outside_share=outside.size / (on_part.size + outside.size) if thresholds else None,
        outside_recall=tuple(float((outside >= each).mean()) for each in thresholds) if outside.size else (),
    )


def stress_row(normals: Sequence[NormalCounts], defects: Defects, **named: Any) -> dict[str, Any]:
    """One flat row: `named` first, then the figures, between 0 and 1, None where they cannot be had.

    The pictures of several changes in one row give the mean over them, where every change has as many. Last come the
    pixels of background and those of them alarmed, from which figures over several rows are pooled.
    """
    shares: dict[str, float | None] = {}
    counts: dict[str, int | None] = {"background_pixels": sum(each.background_pixels for each in normals)}
    for index, recall in enumerate(RECALLS):
        at, known = f"{100 * recall:.0f}", bool(defects.thresholds) and bool(normals)
        alarmed = [each.background_alarmed[index] for each in normals] if known else []
        on_part = [each.part_alarmed[index] for each in normals] if known else []
        seen = [each.background_alarms[index] for each in normals if each.background_pixels] if known else []
        shares[f"background_fpr_{at}"] = _share(sum(alarmed), counts["background_pixels"] or 0, known)
        counts[f"background_alarmed_{at}"] = sum(alarmed) if known else None
        shares[f"part_fpr_{at}"] = _share(sum(on_part), sum(each.part_pixels for each in normals), known)
        shares[f"background_alarms_{at}"] = _share(sum(seen), len(seen), known)
        shares[f"outside_recall_{at}"] = defects.outside_recall[index] if defects.outside_recall else None
    order = ("background_fpr", "part_fpr", "background_alarms", "outside_recall")
    return {
        **named,
        "n_normal": len(normals),
        "n_defective": len(defects.scores),
        "image_auroc": rounded(auroc_of([each.score for each in normals], defects.scores)),
        "background_auroc": rounded(auroc_of([each.background_score for each in normals], defects.background_scores)),
        **{f"{name}_{r}": rounded(shares[f"{name}_{r}"], 6) for name in order for r in ("50", "70", "90")},
        "outside_share": rounded(defects.outside_share, 6),
        **counts,
    }


def _share(part: int, whole: int, known: bool) -> float | None:
    return part / whole if known and whole else None


def _largest(alarmed: np.ndarray) -> int:
    """Pixels of the largest piece that hangs together by sides or corners; 0 where nothing is alarmed."""
    if not alarmed.any():
        return 0
    labels, _ = ndimage.label(alarmed, np.ones((3, 3), int))
    return int(np.bincount(labels.ravel())[1:].max())
