"""How good a set of masks looks, without knowing the truth. `Quality` says what speaks for them."""

from dataclasses import dataclass

import cv2
import numpy as np

from baad.foreground.refine import overlap

WORK_SIZE = 128  # px a side
RING = 0.03  # of the side: width of the rings inside and outside the contour
BINS = 12  # of each Lab channel
EMPTY = 20  # px: a ring with fewer has no histogram


@dataclass(frozen=True)
class Quality:
    """What speaks for the masks of a set; each in 0..1, 1 is best, but for `area`, the part's mean share of a picture.

    contrast: chi2 distance of the Lab histograms in rings inside and outside the contour
    edge: how much stronger the picture's edges are on the contour than elsewhere, as a rank
    inside: 1 - (part's share of the picture's border) / (its share of the picture): 0 for a mask that ignores place
    shape: median of edge x inside over the pictures, x steadiness x separation: could these masks, their contrast
        aside, be of one part in front of something?
    steadiness: 1 / (1 + std / mean of the area over the pictures)
    separation: of the scores that the masks were cut from
    figure: median of contrast x edge x inside over the pictures, x steadiness x separation
    """

    contrast: float
    edge: float
    inside: float
    steadiness: float
    separation: float
    area: float
    shape: float
    figure: float
    per_image: np.ndarray  # float32 [N]: of each picture, see `judge_pictures`


def judge_contours(images: np.ndarray, masks: np.ndarray, separation: float) -> Quality:
    """images: uint8 [N, S, S, 3]; masks: bool [N, S, S]; separation in 0..1 from the cut.

    Medians over the pictures: a few bad masks show in `per_image`, they do not speak against the recipe.
    """
    each = _judge_each(images, masks)
    contrast, edge, inside, area = each.T
    steadiness = 1.0 / (1.0 + float(area.std()) / max(float(area.mean()), 1e-6))
    return Quality(
        contrast=float(np.median(contrast)),
        edge=float(np.median(edge)),
        inside=float(np.median(inside)),
        steadiness=steadiness,
        separation=separation,
        area=float(area.mean()),
        shape=float(np.median(edge * inside)) * steadiness * separation,
        figure=float(np.median(contrast * edge * inside)) * steadiness * separation,
        per_image=_rate(each, float(np.median(area))),
    )


def judge_pictures(images: np.ndarray, masks: np.ndarray, usual_area: float) -> np.ndarray:
    """Quality of each picture's mask, float32 [N] in 0..1: contrast x edge x inside x how usual its area is.

    images: uint8 [N, S, S, 3]; masks: bool [N, S, S]; usual_area: share of the picture, the median over the set.
    """
    return _rate(_judge_each(images, masks), usual_area)


def _judge_each(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Contrast, edge, inside, area of each picture, float32 [N, 4]."""
    each = np.array([_judge_one(image, mask) for image, mask in zip(images, masks)], np.float32)
    each[:, 2] = np.clip(1.0 - each[:, 2] / np.maximum(each[:, 3], 1e-6), 0.0, 1.0)
    return each


def _rate(each: np.ndarray, usual_area: float) -> np.ndarray:
    area = (each[:, 3] + 1e-6) / (usual_area + 1e-6)
    return each[:, :3].prod(axis=1) * np.minimum(area, 1.0 / area)


def agree_with_motion(figure: float, masks: np.ndarray, moving: np.ndarray, trust: float) -> float:
    """Lower the figure of masks that differ from what moves in front of a static scene.

    `trust` in 0..1 is the `shape` of the moving masks: where the background varies it is near 0, and nothing changes.
    """
    common = float(np.mean([overlap(one, other) for one, other in zip(masks, moving)]))
    return figure * (1.0 - trust * (1.0 - common))


def _judge_one(image: np.ndarray, mask: np.ndarray) -> tuple[float, float, float, float]:
    """Contrast, edge, share of the border, share of the picture."""
    small = cv2.resize(image, (WORK_SIZE, WORK_SIZE), interpolation=cv2.INTER_AREA)
    part = cv2.resize(mask.astype(np.uint8), (WORK_SIZE, WORK_SIZE), interpolation=cv2.INTER_NEAREST)
    rim = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    return _ring_contrast(lab, part), _edge_rank(lab, part), float(rim.mean()), float(part.mean())


def _ring_contrast(lab: np.ndarray, part: np.ndarray) -> float:
    side = 2 * round(RING * WORK_SIZE) + 1
    ring = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    near = np.ones((3, 3), np.uint8)  # the contour's own pixels are mixtures
    grown, shrunk = cv2.dilate(part, near), cv2.erode(part, near)
    outside = (cv2.dilate(grown, ring) > grown).astype(np.uint8)
    inside = (shrunk > cv2.erode(shrunk, ring)).astype(np.uint8)
    if outside.sum() < EMPTY or inside.sum() < EMPTY:
        return 0.0
    return float(chi2(colour_histogram(lab, inside), colour_histogram(lab, outside)))


def chi2(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Distance in 0..1 of histograms [..., bins] that each add up to 1."""
    return 0.5 * ((left - right) ** 2 / (left + right + 1e-9)).sum(axis=-1)


def colour_histogram(lab: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Of the pixels uint8 [S, S, 3] that uint8 [S, S] marks, which are some: float32 [bins], adds up to 1."""
    counts = cv2.calcHist([lab], [0, 1, 2], where, [BINS] * 3, [0, 256] * 3)
    return counts.ravel() / counts.sum()


def _edge_rank(lab: np.ndarray, part: np.ndarray) -> float:
    """Mean rank in 0..1, among all pixels, of the gradient at the contour; the picture's own border left out."""
    near = np.ones((3, 3), np.uint8)
    line = cv2.dilate(part, near) - cv2.erode(part, near)
    line[[0, 1, -2, -1]] = 0
    line[:, [0, 1, -2, -1]] = 0
    if not line.any():
        return 0.0
    smooth = lab.astype(np.float32)
    slope = cv2.Sobel(smooth, cv2.CV_32F, 1, 0) ** 2 + cv2.Sobel(smooth, cv2.CV_32F, 0, 1) ** 2  # [S, S, 3]
    gradient = cv2.dilate(np.sqrt(slope.sum(axis=-1)), near)
    return float(np.searchsorted(np.sort(gradient.ravel()), gradient[line > 0]).mean() / gradient.size)
