"""A second look at pictures whose mask is larger, smaller or worse than most: something else was taken in, or lost.

Where parts are about equally large, the usual area says how much of a picture's score to trust: it is cut anew so that
about that much is part, and the mask of the best quality is kept, with or without each of its pieces.
"""

import cv2
import numpy as np

from baad.foreground.quality import judge_pictures
from baad.foreground.refine import refine_mask
from baad.foreground.scores import Cut

ODD_AREA = 1.25  # times larger or smaller than usual: such a picture is looked at again
DOUBTFUL = 0.5  # of the median quality: a picture whose mask is worse is looked at again, too
FEWEST_USUAL = 0.6  # of the pictures must have a usual area, else sizes vary and nothing is odd
SHARES = (0.8, 1.0, 1.25)  # of the usual area that the score is cut at
MOST_PIECES = 6


def usual_area(masks: np.ndarray) -> float | None:
    """Median share of the picture of bool [N, S, S]; None where sizes vary too much for it to mean anything."""
    area = masks.mean(axis=(1, 2))
    median = float(np.median(area))
    return median if median > 0 and np.mean(~_odd(area, median)) >= FEWEST_USUAL else None


def look_again(images: np.ndarray, scores: np.ndarray, masks: np.ndarray, usual: float | None) -> np.ndarray:
    """Masks bool [N, S, S], those of an odd area or a low quality replaced where a better one is found.

    images: uint8 [N, S, S, 3]; scores: [N, g, g], higher on the part; usual: see `usual_area`.
    """
    if usual is None:
        return masks
    rated = judge_pictures(images, masks, usual)
    doubtful = _odd(masks.mean(axis=(1, 2)), usual) | (rated < DOUBTFUL * np.median(rated))
    found = masks.copy()
    for index in np.flatnonzero(doubtful):
        found[index] = _best_mask(images[index], scores[index], masks[index], usual)
    return found


def _odd(area: np.ndarray, usual: float) -> np.ndarray:
    return np.abs(np.log((area + 1e-6) / (usual + 1e-6))) > np.log(ODD_AREA)


def _best_mask(image: np.ndarray, score: np.ndarray, mask: np.ndarray, usual: float) -> np.ndarray:
    offered = [mask, *(refine_mask(image, score, _cut_at(score, share * usual)) for share in SHARES)]
    offered = [each for whole in offered for each in _choose_pieces(whole, score)]
    rated = judge_pictures(np.broadcast_to(image, (len(offered), *image.shape)), np.stack(offered), usual)
    return offered[int(np.argmax(rated))]


def _cut_at(score: np.ndarray, area: float) -> Cut:
    """The cut that makes a share of `area` of the picture part."""
    level, sure_part, sure_background = np.quantile(score, np.clip([1 - area, 1 - 0.6 * area, 1 - 1.6 * area], 0, 1))
    return Cut(float(level), float(sure_background), float(sure_part), 1.0)


def _choose_pieces(mask: np.ndarray, score: np.ndarray) -> list[np.ndarray]:
    """The piece that scores highest, the two highest, and so on up to MOST_PIECES, and the whole mask."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    if count <= 2:
        return [mask]
    fine = cv2.resize(score.astype(np.float32), labels.shape[::-1], interpolation=cv2.INTER_LINEAR)
    means = np.bincount(labels.ravel(), fine.ravel(), count) / np.bincount(labels.ravel(), minlength=count)
    order = 1 + np.argsort(-means[1:])
    fewer = [np.isin(labels, order[: kept + 1]) for kept in range(min(len(order) - 1, MOST_PIECES))]
    return [*fewer, mask]
