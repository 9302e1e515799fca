"""False alarms on the part and off it: what a working point costs in normal pictures.

At the threshold that finds 70 % of the defect pixels, which share of the part's pixels, and which of the background's,
is alarmed in pictures without a defect? Two detectors of equal AUROC can differ here by orders of magnitude.
"""

import numpy as np
from scipy import ndimage

RECALL = 0.7
BAND_PX = 5.0  # at 256 x 256: the outline itself is only drawn to within a few pixels
BAND_SIDE_PX = 256


def split_zones(foreground: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that count as part and as background: bool [H, W] -> two bool [H, W], neither holding the band.

    The band is what lies within 5 px of the outline after squashing the picture to 256 x 256, the size at which
    the network sees it.
    """
    height, width = foreground.shape
    scale = (BAND_SIDE_PX / height, BAND_SIDE_PX / width)
    inside = _distance(foreground, scale) > BAND_PX
    outside = _distance(~foreground, scale) > BAND_PX
    return inside, outside


def level_at_recall(positives: np.ndarray, recall: float = RECALL) -> np.ndarray:
    """First level, highest first, down to which at least `recall` of the positives lie. [..., K] -> int64 [...]."""
    found = np.cumsum(positives, axis=-1)
    wanted = recall * found[..., -1:] * (1 - 1e-9)  # rounding must not cost a level
    return np.argmax(found >= wanted, axis=-1)


def false_positive_rate(positives: np.ndarray, zone: np.ndarray, recall: float = RECALL) -> np.ndarray:
    """Share of a zone's pixels at or above the threshold that finds `recall` of the defect pixels. [..., K] -> [...].

    positives: defect pixels, zone: pixels of normal pictures in one zone, per level, highest first. NaN where either
    is empty.
    """
    level = level_at_recall(positives, recall)
    alarmed = np.take_along_axis(np.cumsum(zone, axis=-1), level[..., None], axis=-1)[..., 0]
    pixels, defects = zone.sum(-1, dtype=float), positives.sum(-1, dtype=float)
    rate = alarmed / np.where(pixels > 0, pixels, 1)
    return np.where((pixels > 0) & (defects > 0), rate, np.nan)


def _distance(area: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """Distance of each pixel of `area` to the nearest pixel outside it, 0 outside, infinite if there is no outside."""
    if area.all():
        return np.full(area.shape, np.inf)
    return ndimage.distance_transform_edt(area, sampling=scale)
