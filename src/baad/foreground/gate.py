"""Use the best proposal, or none: wrong masks are worse than to count everything as part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from baad.data.spread import spread_evenly
from baad.foreground.correct import TAUGHT, THIN, agreement, are_thin, teach_masks
from baad.foreground.propose import EMPTY, Painted, Proposal, extend_masks, propose_masks
from baad.foreground.quality import judge_pictures
from baad.foreground.suggest import suggest_pictures
from baad.progress import Progress

LEAST_QUALITY = 0.21  # docs/decisions/020-the-gates-level.md
LEAST_AREA, MOST_AREA = 0.01, 0.9  # of the picture
DECIDE_ON = 60  # pictures at most that the recipes are tried on, the user's painted ones among them
CONFIRMED = 0.9  # overlap (IoU) with the user's masks from which a recipe of higher quality need not be taught better
CHUNK = 32  # pictures described and done at a time afterwards
TOO_THIN = (
    f"the part in your masks is less than {THIN} px wide once the picture is 256 x 256 px, too thin to be learnt "
    "from a few: give a mask for every picture"
)
NOBODY = Painted(np.zeros(0, int), np.zeros((0, 1, 1), bool))

Describe = Callable[[np.ndarray], np.ndarray]  # pictures uint8 [B, S, S, 3] -> features float32 [B, h, w, C]


@dataclass(frozen=True)
class Gate:
    """`reason` says in plain words why. `masks` float32 [N, S, S] in 0..1, or None where everything is foreground.

    `per_image`: quality in 0..1 of each picture's mask, float32 [N]; `tried`: quality of each recipe that proposed
    something; `suggested`: pictures that would help most if the user painted the part in them, the first the most;
    `painted`: pictures whose mask is the user's own; `confirmed`: those agree with the recipe, which was not taught.
    """

    accepted: bool
    recipe: str  # of the best proposal, accepted or not; "none" where there was no proposal
    quality: float
    reason: str
    masks: np.ndarray | None
    per_image: np.ndarray | None = None
    tried: tuple[tuple[str, float], ...] = ()
    suggested: tuple[int, ...] = ()
    painted: tuple[int, ...] = ()
    confirmed: bool = False
    proposal: Proposal | None = None  # the best, accepted or not, fitted to the set: `extend_masks` does more alike


def judge_masks(proposals: Sequence[Proposal], images: np.ndarray) -> Gate:
    """Take the proposal of the highest quality, if it reaches the gate. images: uint8 [N, S, S, 3]."""
    if not proposals:
        few = f"{len(images)} pictures are too few to compare" if len(images) < 2 else "no recipe found two sides"
        return Gate(False, "none", 0.0, f"no background: {few}", None)
    tried = tuple((proposal.recipe, proposal.quality) for proposal in proposals)
    best = max(proposals, key=_rank)
    reason = _why_not(best)
    if reason:
        return Gate(False, best.recipe, best.quality, f"no background: {reason}", None, tried=tried, proposal=best)
    told = f"the part covers {best.parts.area:.0%} of the picture in the mean (quality {best.quality:.2f})"
    return Gate(True, best.recipe, best.quality, told, best.masks, best.per_image_quality, tried, proposal=best)


def _rank(proposal: Proposal) -> tuple[bool, bool, float]:
    """What the user showed comes before what was guessed, unless nothing came of it."""
    sound = not _why_not(proposal)
    return sound and proposal.recipe == TAUGHT, sound and proposal.recipe == EMPTY, proposal.quality


def find_foreground(
    images: np.ndarray,
    describe: Describe,
    codebook: np.ndarray,
    progress: Progress,
    rng: np.random.Generator,
    painted: Painted = NOBODY,
    empty_scene: np.ndarray | None = None,
) -> Gate:
    """Decide on at most 60 pictures, painted ones first; do the rest only if the gate accepts.

    images: uint8 [N, S, S, 3]; `painted`: the user's masks of some of them, which stay as they are and, those of
    the 60, teach the rest; `empty_scene`: uint8 [S, S, 3], the scene without a part.
    """
    chosen = _choose_pictures(len(images), painted.index)
    few, features = images[chosen], describe(images[chosen])
    scene = None if empty_scene is None else (empty_scene, describe(empty_scene[None])[0])
    proposals, confirmed = propose_masks(few, features, codebook, progress, rng, scene), False
    if len(painted.index):
        used = np.isin(painted.index, chosen)
        mine = Painted(np.searchsorted(chosen, painted.index[used]), painted.masks[used])
        taught = teach_masks(few, features, proposals, mine, rng)
        confirmed = taught is not None and _needs_no_teaching(proposals, mine, taught)
        proposals = [*([taught] if taught and not confirmed else []), *proposals]
    gate = replace(judge_masks(proposals, few), confirmed=confirmed)
    looks = np.full((len(images), features.shape[-1]), np.nan, np.float32)
    looks[chosen] = features.mean(axis=(1, 2))
    if gate.accepted and gate.proposal is not None:
        gate = _do_the_rest(gate, gate.proposal, images, describe, chosen, looks, progress)
    seen = np.flatnonzero(~np.isnan(looks[:, 0]))
    quality = None if gate.per_image is None else gate.per_image[seen]
    if not gate.accepted and are_thin(painted):  # some more masks would not help
        return replace(gate, reason=f"no background found: {TOO_THIN}")
    named = suggest_pictures(quality, looks[seen], np.flatnonzero(np.isin(seen, painted.index)))
    gate = _keep_painted(gate, images, painted, chosen)
    return replace(gate, suggested=tuple(int(seen[index]) for index in named))


def _needs_no_teaching(proposals: Sequence[Proposal], painted: Painted, taught: Proposal) -> bool:
    """Whether the best recipe alone agrees with the painted masks, and looks better than what was learnt from them."""
    best = max(proposals, key=_rank, default=None)
    if best is None or _why_not(best) or best.quality < taught.quality:
        return False
    return agreement(best, painted) >= CONFIRMED


def _choose_pictures(count: int, painted: np.ndarray) -> np.ndarray:
    """At most DECIDE_ON of `count` pictures, sorted: those painted, int [M], and others spread over the set.

    Where more are painted, as many of them as that, spread alike.
    """
    mine = np.sort(painted)[spread_evenly(len(painted), DECIDE_ON)]
    others = np.setdiff1d(np.arange(count), painted)
    return np.union1d(mine, others[spread_evenly(len(others), DECIDE_ON - len(mine))]).astype(int)


def _keep_painted(gate: Gate, images: np.ndarray, painted: Painted, chosen: np.ndarray) -> Gate:
    """The gate with the user's masks in their places, also those of pictures that were not `chosen` to teach.

    None of them taught where another recipe was taken.
    """
    if gate.masks is None or gate.per_image is None or not len(painted.index):
        return gate
    masks, quality = gate.masks, gate.per_image
    late = ~np.isin(painted.index, chosen) if gate.recipe == TAUGHT else np.ones(len(painted.index), bool)
    if late.any():
        usual = float(np.median((masks >= 0.5).mean(axis=(1, 2))))
        masks, quality, places = masks.copy(), quality.copy(), painted.index[late]
        masks[places] = painted.masks[late]
        quality[places] = judge_pictures(images[places], painted.masks[late], usual)
    return replace(gate, masks=masks, per_image=quality, painted=tuple(map(int, painted.index)))


def _do_the_rest(
    gate: Gate,
    best: Proposal,
    images: np.ndarray,
    describe: Describe,
    chosen: np.ndarray,
    looks: np.ndarray,
    progress: Progress,
) -> Gate:
    """The gate with masks of all pictures; it was decided on the `chosen` ones. Fills in `looks` [N, C] of the rest."""
    masks, quality = np.empty(images.shape[:3], np.float32), np.empty(len(images), np.float32)
    masks[chosen], quality[chosen] = gate.masks, gate.per_image
    usual = float(np.median(best.masks.mean(axis=(1, 2))))
    rest = np.setdiff1d(np.arange(len(images)), chosen)
    with progress.task("foreground, further pictures", len(rest)) as task:
        for start in range(0, len(rest), CHUNK):
            part = rest[start : start + CHUNK]
            features = describe(images[part])
            looks[part] = features.mean(axis=(1, 2))
            masks[part] = extend_masks(best, images[part], features)
            quality[part] = judge_pictures(images[part], masks[part] >= 0.5, usual)
            task.advance(len(part))
    return replace(gate, masks=masks, per_image=quality)


def _why_not(best: Proposal) -> str:
    """What speaks against a proposal, in words; nothing where it may be used."""
    parts = best.parts
    if best.recipe == TAUGHT:
        return ""  # the user's masks say how large parts are, and `teach_masks` has compared
    if parts.area < LEAST_AREA:
        return f"what stands out covers only {parts.area:.1%} of the picture"
    if parts.area > MOST_AREA:
        return f"what looks like the part covers {parts.area:.0%} of the picture"
    if best.quality >= LEAST_QUALITY:
        return ""
    weakest = min(  # of the quality's factors
        (parts.contrast, "inside and outside of the best outline look alike"),
        (parts.edge, "the best outline does not follow edges of the pictures"),
        (parts.inside, "the best outline runs into the border of the pictures as often as not"),
        (parts.steadiness, "the outlined area differs too much from picture to picture"),
        (parts.separation, "what looks like the part and what does not run into each other"),
        (best.quality / max(parts.figure, 1e-9), "the best outline differs from what moves in front of a still scene"),
    )
    return f"{weakest[1]} (quality {best.quality:.2f}, needed {LEAST_QUALITY:.2f})"
