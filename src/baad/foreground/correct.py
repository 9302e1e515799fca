"""One to five masks that the user painted teach the rest.

A classifier of cells learns from the painted pictures, all of their cells, and, as far as it agrees with them, from
the best proposal's word on the others: parts come in looks that no painted picture shows. It sees features, colour,
place, and what each recipe makes of the cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from baad.foreground.classify import Classifier, fit_classifier
from baad.foreground.patches import describe_cells, principal_axes
from baad.foreground.propose import Painted, Proposal, make_proposal
from baad.foreground.refine import overlap
from baad.foreground.scores import Cut, Scorer
from baad.foreground.words import enlarge, have_usual_area

TAUGHT = "taught"  # the recipe's name
DIMENSIONS = 24  # of the reduced features
TRUSTED = 0.6  # overlap (IoU) with the painted masks from which a recipe is listened to
UNPAINTED = 2.0  # weight of all unpainted pictures together beside the painted ones, at full agreement
LEAST_SHARE = 0.25  # of what was painted, of part as of background, that the other pictures must come to
PURE = 0.2  # a cell with less than that of one side belongs to the other; those between teach nothing
THIN = 6  # px at 256 px: hardly a cell lies within what is narrower, and cleaning removes what was found of it
CUT = Cut(level=0.5, sure_background=0.2, sure_part=0.8, separation=1.0)


@dataclass(frozen=True)
class TaughtScorer:
    """What the classifier says of each cell, in 0..1."""

    recipes: tuple[Scorer, ...]
    mean: np.ndarray
    axes: np.ndarray
    classifier: Classifier

    def score(self, images: np.ndarray, features: np.ndarray, own: np.ndarray) -> np.ndarray:
        seen = describe_taught(images, features, own, self.recipes, self.mean, self.axes)
        return np.stack([cv2.GaussianBlur(one, (0, 0), 1.0) for one in self.classifier.share(seen)])


def describe_taught(
    images: np.ndarray,
    features: np.ndarray,
    own: np.ndarray,
    recipes: Sequence[Scorer],
    mean: np.ndarray,
    axes: np.ndarray,
) -> np.ndarray:
    """Reduced features, colour, place and the recipes' scores, standardised picture by picture: [N, h, w, d]."""
    described = describe_cells(images, features, mean, axes)
    cells = described.shape[1]
    y, x = np.mgrid[0:cells, 0:cells].astype(np.float32) / (0.5 * cells) - 1.0
    place = np.stack([x, y, np.hypot(x, y)], axis=-1)
    parts = [described, np.broadcast_to(place, (len(images), *place.shape))]
    for recipe in recipes:
        scores = np.stack([enlarge(one, cells) for one in recipe.score(images, features, own)])
        spread = scores.std(axis=(1, 2), keepdims=True) + 1e-6
        parts.append(((scores - scores.mean(axis=(1, 2), keepdims=True)) / spread)[..., None])
    return np.concatenate(parts, axis=-1).astype(np.float32)


def teach_masks(
    images: np.ndarray,
    features: np.ndarray,
    proposals: Sequence[Proposal],
    painted: Painted,
    rng: np.random.Generator,
) -> Proposal | None:
    """A proposal in which painted pictures keep their masks, the others are found as those show.

    images: uint8 [N, S, S, 3], features: float32 [N, h, w, C], proposals: of the same pictures. None where no painted
    mask shows both sides, or where the others come out much unlike them in area: then nothing was understood.
    """
    if not any(mask.any() and not mask.all() for mask in painted.masks):
        return None
    cells, own = features.shape[1], np.arange(len(images))
    flat = features.reshape(-1, features.shape[-1])
    mean, axes = principal_axes(flat, min(DIMENSIONS, flat.shape[1]))
    agreed = [agreement(proposal, painted) for proposal in proposals]
    heard = [index for index, agrees in enumerate(agreed) if agrees >= TRUSTED]
    recipes = tuple(proposals[index].scorer for index in heard or range(len(proposals)))
    best = max(heard, key=lambda index: agreed[index] * proposals[index].quality, default=None)
    trusted = None if best is None else proposals[best]
    share, weight = _lessons(trusted, 0.0 if best is None else agreed[best], painted, len(images), cells)
    known = weight[:, None, None] * ((share < PURE) | (share > 1.0 - PURE))
    part = share > 0.5
    if not (known * part).any() or not (known * ~part).any():
        return None
    used = weight > 0
    seen = describe_taught(images[used], features[used], own[used], recipes, mean, axes)
    chosen = known[used] > 0
    classifier = fit_classifier(seen[chosen], part[used][chosen], known[used][chosen], rng)
    scorer = TaughtScorer(recipes, mean, axes, classifier)
    taught = make_proposal(TAUGHT, scorer, scorer.score(images, features, own), images, CUT, painted)
    return taught if alike_in_area(taught.masks, painted) else None


def alike_in_area(masks: np.ndarray, painted: Painted) -> bool:
    """Whether part and background of the other pictures are each a quarter, at least, of what was painted of them.

    masks: float32 [N, S, S] in 0..1 of all pictures.
    """
    others = np.delete(masks, painted.index, axis=0)
    if not len(others):
        return True
    found, shown = float((others >= 0.5).mean()), float(painted.masks.mean())
    return found >= LEAST_SHARE * shown and 1.0 - found >= LEAST_SHARE * (1.0 - shown)


def are_thin(painted: Painted) -> bool:
    """Whether what the painted masks show of the part, at 256 px a side, is mostly less than THIN px wide, if it can be
    seen at all: such masks teach nothing."""
    disc = (np.hypot(*(np.mgrid[0:THIN, 0:THIN] - (THIN - 1) / 2)) <= THIN / 2).astype(np.uint8)
    wide = sum(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc).sum() for mask in painted.masks)
    return len(painted.index) > 0 and bool(wide <= 0.5 * painted.masks.sum())


def agreement(proposal: Proposal, painted: Painted) -> float:
    """Mean overlap (IoU) of a proposal with the painted masks."""
    found = proposal.masks[painted.index] >= 0.5
    return float(np.mean([overlap(one, mask) for one, mask in zip(found, painted.masks)]))


def _lessons(
    trusted: Proposal | None, trust: float, painted: Painted, count: int, cells: int
) -> tuple[np.ndarray, np.ndarray]:
    """What each picture teaches: the share of its cells that is part, [N, cells, cells], and its weight [N]."""
    share, weight = np.zeros((count, cells, cells), np.float32), np.zeros(count, np.float32)
    if trusted is not None:
        share = np.stack([_to_cells(mask, cells) for mask in trusted.masks])
        usual = have_usual_area(share)
        weight[usual] = UNPAINTED * trust / max(1, usual.sum())
    share[painted.index] = [_to_cells(mask, cells) for mask in painted.masks]
    weight[painted.index] = 1.0 / len(painted.index)
    return share, weight


def _to_cells(mask: np.ndarray, cells: int) -> np.ndarray:
    return cv2.resize(mask.astype(np.float32), (cells, cells), interpolation=cv2.INTER_AREA)
