"""Score maps -> masks whose contours follow the picture (GrabCut, Rother et al. 2004)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from baad.foreground.scores import Cut

WORK_SIZE = 128  # px a side: GrabCut's time grows with the area
ROUNDS = 2
VETO = 0.4  # GrabCut's mask is kept only where it overlaps the score's own mask that much (IoU)
HOLE = 0.03  # of the part's area: smaller holes are filled
CRUMB = 0.1  # of the largest piece's area: smaller pieces are dropped


def refine_masks(images: np.ndarray, scores: np.ndarray, cuts: Cut | Sequence[Cut]) -> np.ndarray:
    """Masks of many pictures, bool [N, S, S], by as many threads as OpenCV uses; a cut for all, or one for each."""
    each = [cuts] * len(images) if isinstance(cuts, Cut) else cuts
    with ThreadPoolExecutor(max(1, cv2.getNumThreads())) as pool:
        return np.stack(list(pool.map(refine_mask, images, scores, each)))


def refine_mask(image: np.ndarray, score: np.ndarray, cut: Cut) -> np.ndarray:
    """One picture's mask, bool [S, S]. image: uint8 [S, S, 3]; score: [g, g].

    Levels of the cut seed GrabCut; where it runs away (the IoU is small) the cut score itself is the mask.
    """
    small = cv2.resize(image, (WORK_SIZE, WORK_SIZE), interpolation=cv2.INTER_AREA)
    fine = cv2.resize(score.astype(np.float32), (WORK_SIZE, WORK_SIZE), interpolation=cv2.INTER_CUBIC)
    before = clean_mask(fine > cut.level)
    after = clean_mask(_grab(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), fine, before, cut))
    chosen = after if overlap(before, after) >= VETO else before
    size = image.shape[0]
    soft = cv2.resize(chosen.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    return cv2.GaussianBlur(soft, (0, 0), 1.5) >= 0.5


def typical_area(masks: np.ndarray) -> float | None:
    """Median share of the picture of bool [N, S, S]; None where most masks touch the picture's border."""
    touching = [bool(_rim(mask).any()) for mask in masks]
    if np.median(touching) > 0:
        return None
    return float(np.median(masks.mean(axis=(1, 2))))


def drop_strays(masks: np.ndarray, typical: float | None) -> np.ndarray:
    """Where parts lie inside the pictures, drop pieces that touch the border if the rest is nearer the usual area.

    masks: bool [N, S, S]; `typical` from `typical_area`; None leaves all masks as they are.
    """
    if typical is None:
        return masks
    kept = masks.copy()
    for index, mask in enumerate(masks):
        _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
        inner = mask & ~np.isin(labels, _rim(labels))
        if inner.any() and _excess(inner, typical) < _excess(mask, typical):
            kept[index] = inner
    return kept


def _rim(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])


def _excess(mask: np.ndarray, typical: float) -> float:
    return abs(float(np.log(mask.mean() / max(typical, 1e-6))))


def _grab(lab: np.ndarray, score: np.ndarray, before: np.ndarray, cut: Cut) -> np.ndarray:
    seeds = np.where(before, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    seeds[before & (score > cut.sure_part)] = cv2.GC_FGD
    seeds[~before & (score < cut.sure_background)] = cv2.GC_BGD
    if not before.any() or before.all():
        return before
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(lab, seeds, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]  # None: no rectangle
    return (seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)


def clean_mask(mask: np.ndarray) -> np.ndarray:
    """Close and open by 2 % of the side, fill small holes, drop crumbs. bool [S, S] -> bool [S, S]."""
    side = max(3, round(0.02 * mask.shape[0]) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    cleaned = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    cleaned = cv2.morphologyEx(cleaned, cv2.MORPH_OPEN, kernel)
    cleaned = _keep_pieces(cleaned, CRUMB * _largest(cleaned))
    holes = 1 - cleaned
    return ~_keep_pieces(holes, HOLE * cleaned.sum()).astype(bool)


def _largest(mask: np.ndarray) -> float:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return float(stats[1:, cv2.CC_STAT_AREA].max(initial=0))


def _keep_pieces(mask: np.ndarray, least_area: float) -> np.ndarray:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] >= least_area
    keep[0] = False
    return keep[labels].astype(np.uint8)


def overlap(left: np.ndarray, right: np.ndarray) -> float:
    """Intersection over union of two bool masks; 1 where both are empty."""
    union = int((left | right).sum())
    return 1.0 if union == 0 else float((left & right).sum()) / union


def soften(masks: np.ndarray) -> np.ndarray:
    """Bool [N, S, S] -> float32 in 0..1, with contours blurred by a pixel; 0.5 lies where the contour was."""
    return np.stack([cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0) for mask in masks])
