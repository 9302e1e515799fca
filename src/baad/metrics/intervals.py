"""How sure is a figure? A formula for image AUROC; for the others a bootstrap over test pictures.

Whole pictures are drawn with replacement, normals among normals and defects among defects, so that the intervals speak
of other pictures of the same line with the same counts. They say nothing about another training run: for that, train
with several seeds.
"""

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
EDGE = 1e-9  # of 0 and 1, where the equation for the interval of an AUROC has a root that is not the one looked for
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


def auroc_interval(value: float, normals: int, defective: int, confidence: float = CONFIDENCE) -> Interval:
    """Interval of an image AUROC between 0 and 1, from the numbers of pictures, at least one of each kind.

    A bootstrap knows no other pictures than those at hand, so that its interval of an AUROC of 1 is 1 to 1. Here an end
    is the AUROC which, were it the true one, would lie as far from `value` as chance explains (Newcombe, "Confidence
    intervals for an effect size measure based on the Mann-Whitney statistic, part 2", Statistics in Medicine 25, 2006,
    method 5).
    """
    wide = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    others = (normals + defective) / 2 - 1

    def beyond_chance(true: float) -> float:
        variance = true * (1 - true) * (1 + others * ((1 - true) / (2 - true) + true / (1 + true)))
        return (value - true) ** 2 - wide * variance / (normals * defective)

    low = _bisect(beyond_chance, 0.0, min(value, 1 - EDGE)) if value > EDGE else 0.0
    high = _bisect(beyond_chance, 1.0, max(value, EDGE)) if value < 1 - EDGE else 1.0
    return Interval(low, high)


def _bisect(function: Callable[[float], float], above: float, below: float) -> float:
    """Where `function`, positive at `above` and not at `below`, crosses 0, to within a millionth."""
    while abs(above - below) > 1e-6:
        middle = (above + below) / 2
        above, below = (middle, below) if function(middle) > 0 else (above, middle)
    return (above + below) / 2
