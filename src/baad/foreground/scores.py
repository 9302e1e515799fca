"""What every recipe gives: maps of how much each cell looks like the part, and where to cut them."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np


class Scorer(Protocol):
    """A recipe fitted to some pictures of a set; scores these and further pictures of the same set.

    `score` takes images uint8 [N, S, S, 3] and features float32 [N, h, w, C] and gives float32 [N, g, g], higher on
    the part. `own` [N] says which picture of the fitted set each one is, -1 for none: a picture is never compared
    with itself.
    """

    def score(self, images: np.ndarray, features: np.ndarray, own: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Cut:
    """Where scores become part: above `level`. Beyond `sure_part` and `sure_background` there is no doubt.

    `separation` in 0..1: share of the scores' variance that lies between the two sides (Otsu 1979).
    """

    level: float
    sure_background: float
    sure_part: float
    separation: float


def find_cut(scores: np.ndarray) -> Cut:
    """Otsu's threshold of all scores together, and half way from it to the mean of each side as the sure levels."""
    low, high = np.quantile(scores, [0.005, 0.995])
    if high - low < 1e-9:
        return Cut(float(high), float(low), float(high), 0.0)
    scaled = np.clip((scores.ravel() - low) / (high - low) * 255.0, 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(scaled[:, None], 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    above = scaled > threshold
    if not above.any() or above.all():
        return Cut(float(high), float(low), float(high), 0.0)
    mean_part, mean_rest = scaled[above].mean(), scaled[~above].mean()
    share = above.mean()
    separation = share * (1 - share) * (mean_part - mean_rest) ** 2 / scaled.var()

    def back(value: float) -> float:
        return float(low + value / 255.0 * (high - low))

    middle = threshold + 0.5
    return Cut(back(middle), back((middle + mean_rest) / 2), back((middle + mean_part) / 2), float(separation))
