"""How sure is a figure? Bootstrap over test pictures.

Whole pictures are drawn with replacement, normals among normals and defects among defects, so that the intervals speak
of other pictures of the same line with the same counts. They say nothing about another training run: for that, train
with several seeds.
"""

from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 1000


class Interval(NamedTuple):
    """Lower and upper end of a confidence interval."""

    low: float
    high: float


def draw_resamples(strata: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each picture is drawn in each resample. strata: [N] labels -> float32 [B, N].

    Every row draws as many pictures of each stratum as there are, with replacement.
    """
    weights = np.zeros((resamples, len(strata)), np.float32)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        even = np.full(len(members), 1 / len(members))
        weights[:, members] = rng.multinomial(len(members), even, size=resamples)
    return weights


def resample_levels(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts per score level for each resample, as `ranking.count_levels` gives them for the pictures themselves.

    scores: [N]; positive: bool [N]; weights: [B, N]. Returns positives and negatives, float64 [B, K], highest first.
    """
    order = np.argsort(-np.asarray(scores), kind="stable")
    ordered = np.asarray(scores)[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    drawn = weights[:, order].astype(float)  # [B, N]
    defective = np.asarray(positive, bool)[order]
    return (
        np.add.reduceat(drawn * defective, starts, axis=1),
        np.add.reduceat(drawn * ~defective, starts, axis=1),
    )


def percentile_interval(values: np.ndarray, confidence: float = CONFIDENCE) -> Interval | None:
    """Middle `confidence` of the resampled values. values: [B] -> Interval; None if no value is a number.

    Resamples in which the figure is undefined (NaN) are left out.
    """
    known = values[np.isfinite(values)]
    if known.size == 0:
        return None
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))
