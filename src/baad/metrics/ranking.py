"""How well scores rank defects above the rest: AUROC, average precision, best F1, from counts per score level.

Image and pixel figures share one form: `positives` and `negatives` are [..., K] counts of defective and normal things
at K score levels, **highest level first**. Equal scores share a level, so ties are exact. Leading axes are resamples.
A figure that needs both classes is NaN where one is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 2**16


def count_levels(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts of positives and negatives at each distinct score, highest first.

    scores: [N] finite; positive: [N] bool. Returns two int64 [K].

    >>> [counts.tolist() for counts in count_levels(np.array([.9, .2, .9]), np.array([True, False, False]))]
    [[1, 0], [1, 1]]
    """
    levels, index = np.unique(-np.asarray(scores), return_inverse=True)
    positive = np.asarray(positive, bool)
    positives = np.bincount(index[positive], minlength=len(levels))
    return positives, np.bincount(index, minlength=len(levels)) - positives


def auroc(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """Chance that a positive scores higher than a negative, a tie counting half (Mann-Whitney). [..., K] -> [...]."""
    above = np.cumsum(positives, axis=-1) - positives / 2  # positives over each level, half of those on it
    pairs = positives.sum(-1, dtype=float) * negatives.sum(-1, dtype=float)
    return _divide((above * negatives).sum(-1), pairs)


def auroc_of(normal: Sequence[float] | np.ndarray, defective: Sequence[float] | np.ndarray) -> float:
    """The same of two lists of scores. Those that are no finite numbers do not count; NaN where a list has no other."""
    scores = np.concatenate([np.asarray(normal, float), np.asarray(defective, float)])
    positive, known = np.arange(len(scores)) >= len(normal), np.isfinite(scores)
    return float(auroc(*count_levels(scores[known], positive[known])))


def average_precision(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """Precision averaged over the recall steps, without interpolation, as in scikit-learn. [..., K] -> [...]."""
    found = np.cumsum(positives, axis=-1)
    reported = found + np.cumsum(negatives, axis=-1)
    precision = _divide(found, reported, empty=0.0)
    both = (found[..., -1] > 0) & (reported[..., -1] > found[..., -1])
    return np.where(both, _divide((positives * precision).sum(-1), found[..., -1]), np.nan)


def f1_max(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """F1 = 2TP / (2TP + FP + FN) at the best of all thresholds. [..., K] -> [...]."""
    found = np.cumsum(positives, axis=-1)
    false = np.cumsum(negatives, axis=-1)
    total = found[..., -1:]
    both = (total[..., 0] > 0) & (false[..., -1] > 0)
    return np.where(both, _divide(2 * found, found + false + total, empty=0.0).max(-1), np.nan)


@dataclass(frozen=True)
class ScoreBins:
    """Score levels for pixels, of which there are too many to keep: values between two edges share a level.

    edges: float32 [K - 1], strictly increasing. `fit_bins` places them so that few pixels share a level.
    """

    edges: np.ndarray

    @property
    def size(self) -> int:
        """K, the number of levels."""
        return len(self.edges) + 1

    def levels(self, values: np.ndarray) -> np.ndarray:
        """Level of each value, 0 the highest. [N] float32 -> int64 [N]."""
        return len(self.edges) - np.searchsorted(self.edges, values, side="right")

    def count(self, values: np.ndarray) -> np.ndarray:
        """How many values lie at each level, highest first. Any shape, float32 -> int64 [K].

        Sorting the values and looking up the edges takes half as long as looking up the values.
        """
        below = np.searchsorted(np.sort(values, axis=None), self.edges, side="left")
        return np.diff(below, prepend=0, append=values.size)[::-1]


def fit_bins(sample: np.ndarray, bins: int = BINS) -> ScoreBins:
    """Levels from a sample of the scores to come. sample: [N] float32 finite, N > 0.

    With at most `bins` distinct values each gets its own level, and counts of these values are exact; as many levels
    again lie between them, for the values that resizing puts there. With more, half of the edges lie at even ranks of
    the sample, half at geometric ranks counted from the highest score, where AU-PRO and precision are decided; near the
    top these lie closer than the sample's values, because more pixels will come than were sampled. No level holds more
    than about 2 / bins of the pixels, which keeps the figures within 1e-4 of a full sort (tested).
    """
    distinct = np.unique(np.asarray(sample, np.float32))
    if len(distinct) <= bins:
        between = np.interp(np.linspace(0, len(distinct) - 1, bins), np.arange(len(distinct)), distinct)
        return ScoreBins(np.union1d(distinct[1:], between[1:].astype(np.float32)))
    ascending = np.sort(np.asarray(sample, np.float32), axis=None)
    even = np.linspace(0, len(ascending) - 1, bins // 2)
    tail = len(ascending) - np.geomspace(1, len(ascending), bins // 2)
    ranks = np.concatenate([even, tail])
    edges = np.interp(ranks, np.arange(len(ascending)), ascending)
    return ScoreBins(np.unique(edges.astype(np.float32)))


def _divide(part: np.ndarray, whole: np.ndarray, empty: float = np.nan) -> np.ndarray:
    """part / whole, `empty` where whole is 0."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, empty), where=whole > 0)
