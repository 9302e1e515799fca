"""AU-PRO: how much of each defect is covered before normal pixels raise false alarms.

Per-region overlap as MVTec defines it (Bergmann et al., IJCV 2021, and its evaluation script): for each threshold the
share of every ground-truth component that is found, averaged over components so that small defects count as much as
large ones, drawn against the false-positive rate over *all* pixels that are not defect, in normal and defective images.
"""

import numpy as np
from scipy import ndimage

from baad.metrics.ranking import ScoreBins

EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def label_components(defect: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the 8-connected components. bool [H, W] -> int32 [H, W] (0 outside, 1 to n), n."""
    labels, count = ndimage.label(defect, structure=EIGHT_NEIGHBOURS)
    return labels, int(count)


def count_overlaps(bins: ScoreBins, anomaly: np.ndarray, defect: np.ndarray) -> np.ndarray:
    """Share of a component at each level, summed over the components of one picture, highest level first.

    anomaly: float32 [H, W]; defect: bool [H, W]. Returns float64 [K] whose sum is the number of components.
    """
    labels, _ = label_components(defect)
    inside = labels[defect]
    areas = np.bincount(inside)
    return np.bincount(bins.levels(anomaly[defect]), weights=1 / areas[inside], minlength=bins.size)


def au_pro(overlaps: np.ndarray, negatives: np.ndarray, limit: float) -> np.ndarray:
    """Area under the overlap curve up to a false-positive rate of `limit`, divided by `limit`: 0..1.

    [..., K] twice -> [...]. overlaps: component shares per level as from `count_overlaps`, summed over pictures;
    negatives: pixels that are no defect. Both highest level first. The curve is linear between levels and cut at the
    limit by interpolation. NaN without components or without normal pixels.
    """
    components = overlaps.sum(-1, keepdims=True, dtype=float)
    pixels = negatives.sum(-1, keepdims=True, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share_step, rate_step = overlaps / components, negatives / pixels
        share, rate = np.cumsum(share_step, axis=-1), np.cumsum(rate_step, axis=-1)
        kept = np.minimum(rate_step, np.maximum(limit - (rate - rate_step), 0))  # width of each level left of the limit
        climbed = share_step * np.where(rate_step > 0, kept / rate_step, 0)
        area = ((share - share_step + climbed / 2) * kept).sum(-1) / limit
    return np.where((components > 0) & (pixels > 0), area[..., None], np.nan)[..., 0]
