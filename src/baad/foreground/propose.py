"""Where is the part? Several recipes propose masks for the pictures of a set, without anybody's help.

Each recipe gives a score per cell; what it takes for the part is learnt as visual words over all pictures; GrabCut
follows the contours. A proposal keeps its fitted scorer, so that more pictures of the set are done alike.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from baad.foreground.border import fit_border
from baad.foreground.contrast import ContrastScorer
from baad.foreground.empty import fit_empty
from baad.foreground.holes import are_part, fill_holes, find_holes
from baad.foreground.quality import Quality, agree_with_motion, judge_contours
from baad.foreground.refine import drop_strays, refine_masks, soften, typical_area
from baad.foreground.repair import look_again, usual_area
from baad.foreground.scores import Cut, Scorer, find_cut
from baad.foreground.shared import fit_shared
from baad.foreground.static import fit_static
from baad.foreground.words import find_words, learn_words
from baad.progress import Progress

EMPTY = "empty"  # the recipe that compares with a picture of the empty scene


@dataclass(frozen=True)
class Painted:
    """The user's masks: `index` int [M] says which pictures of a set have one, `masks` bool [M, S, S] what they say."""

    index: np.ndarray
    masks: np.ndarray


@dataclass(frozen=True)
class Proposal:
    """Masks of one recipe: float32 [N, S, S] in 0..1, 1 on the part. Quality in 0..1, for the set and per picture."""

    recipe: str
    masks: np.ndarray
    quality: float
    per_image_quality: np.ndarray  # float32 [N]
    parts: Quality  # what the quality consists of
    scorer: Scorer
    cut: Cut
    typical_area: float | None  # share of the picture; None where parts reach the border
    usual_area: float | None = None  # the same, where parts are about equally large; None where they are not
    fills_holes: bool = False  # whether what a mask encloses is part


def propose_masks(
    images: np.ndarray,
    features: np.ndarray,
    codebook: np.ndarray,
    progress: Progress,
    rng: np.random.Generator,
    empty_scene: tuple[np.ndarray, np.ndarray] | None = None,
) -> list[Proposal]:
    """One proposal a recipe, best quality first; none for a recipe that finds nothing to tell apart.

    images: uint8 [N, S, S, 3]; features: float32 [N, h, w, C] of the same pictures, h and w multiples of 32;
    codebook: float32 [K, C] generic patches; empty_scene: the scene without a part, uint8 [S, S, 3], and its features.
    Fewer than 2 pictures give no proposal. Same rng state: same masks.
    """
    if len(images) < 2:
        return []
    words = find_words(images, features, rng)
    read = words.read(images, features)
    recipes: dict[str, Callable[[], Scorer | None]] = {
        "shared": lambda: fit_shared(features, codebook, rng),
        "static": lambda: fit_static(images, features),
        "border": lambda: fit_border(images, features, rng),
        "otsu": ContrastScorer,
    }
    if empty_scene is not None:
        recipes[EMPTY] = lambda: fit_empty(*empty_scene, images, features)
    found: dict[str, Proposal] = {}
    with progress.task("foreground", len(recipes) * len(images)) as task:
        for name, fit in recipes.items():
            scorer = fit()
            if scorer is not None:
                informed, scores = learn_words(scorer, words, read, images, features)
                found[name] = make_proposal(name, informed, scores, images)
            task.advance(len(images), name)
    return sorted(_weigh_motion(found), key=lambda proposal: -proposal.quality)


def make_proposal(
    name: str,
    scorer: Scorer,
    scores: np.ndarray,
    images: np.ndarray,
    cut: Cut | None = None,
    painted: Painted | None = None,
) -> Proposal:
    """Masks of the pictures that a scorer was fitted to, from what it scores there; painted masks stay.

    `cut` is found where none is given.
    """
    cut = cut or find_cut(scores)
    masks = refine_masks(images, scores, cut)
    area = typical_area(masks if painted is None else painted.masks)
    masks = drop_strays(masks, area)
    usual = usual_area(masks if painted is None else np.concatenate([masks, painted.masks]))
    masks = look_again(images, scores, masks, usual)
    fills = are_part(images, masks) and (painted is None or not any(find_holes(mask).any() for mask in painted.masks))
    masks = fill_holes(masks) if fills else masks
    soft = soften(masks)
    if painted is not None:
        masks[painted.index] = soft[painted.index] = painted.masks
    parts = judge_contours(images, masks, cut.separation)
    return Proposal(name, soft, parts.figure, parts.per_image, parts, scorer, cut, area, usual, fills)


def _weigh_motion(found: dict[str, Proposal]) -> list[Proposal]:
    """Where something moves in front of a static scene, the other recipes are weighed by their agreement with it."""
    moving = found["static"]
    weighed = [found[name] for name in ("static", EMPTY) if name in found]
    for name, proposal in found.items():
        if name not in ("static", EMPTY):
            masks = proposal.masks >= 0.5
            quality = agree_with_motion(proposal.quality, masks, moving.masks >= 0.5, moving.parts.shape)
            weighed.append(replace(proposal, quality=quality))
    return weighed


def extend_masks(proposal: Proposal, images: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Masks float32 [N, S, S] of further pictures of the set, by a recipe that was fitted to others."""
    scores = proposal.scorer.score(images, features, np.full(len(images), -1))
    masks = drop_strays(refine_masks(images, scores, proposal.cut), proposal.typical_area)
    masks = look_again(images, scores, masks, proposal.usual_area)
    return soften(fill_holes(masks) if proposal.fills_holes else masks)
