"""Use the best proposal, or none: wrong masks are worse than to count everything as part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from baad.foreground.propose import Proposal, extend_masks, propose_masks
from baad.progress import Progress

LEAST_QUALITY = 0.33  # pure textures and scenes without a part came to .32 at most, see tests/foreground
LEAST_AREA, MOST_AREA = 0.01, 0.9  # of the picture
DECIDE_ON = 60  # pictures at most that the recipes are tried on
CHUNK = 32  # pictures described and done at a time afterwards


@dataclass(frozen=True)
class Gate:
    """`reason` says in plain words why. `masks` float32 [N, S, S] in 0..1, or None where everything is foreground."""

    accepted: bool
    recipe: str  # of the best proposal, accepted or not; "none" where there was no proposal
    quality: float
    reason: str
    masks: np.ndarray | None


def judge_masks(proposals: Sequence[Proposal], images: np.ndarray) -> Gate:
    """Take the proposal of the highest quality, if it reaches the gate. images: uint8 [N, S, S, 3]."""
    if not proposals:
        few = f"{len(images)} pictures are too few to compare" if len(images) < 2 else "no recipe found two sides"
        return Gate(False, "none", 0.0, f"no background: {few}", None)
    best = max(proposals, key=lambda proposal: proposal.quality)
    reason = _why_not(best)
    if reason:
        return Gate(False, best.recipe, best.quality, f"no background: {reason}", None)
    told = f"the part covers {best.parts.area:.0%} of the picture in the mean (quality {best.quality:.2f})"
    return Gate(True, best.recipe, best.quality, told, best.masks)


def find_foreground(
    images: np.ndarray,
    describe: Callable[[np.ndarray], np.ndarray],
    codebook: np.ndarray,
    progress: Progress,
    rng: np.random.Generator | None = None,
) -> Gate:
    """Decide on at most 60 pictures spread over the set; do the rest only if the gate accepts.

    images: uint8 [N, S, S, 3]; `describe` gives features float32 [B, h, w, C] of some of them.
    """
    chosen = np.unique(np.linspace(0, len(images) - 1, min(DECIDE_ON, len(images))).round().astype(int))
    few = images[chosen]
    proposals = propose_masks(few, describe(few), codebook, progress, rng)
    gate = judge_masks(proposals, few)
    if gate.masks is None or len(chosen) == len(images):
        return gate
    best = next(proposal for proposal in proposals if proposal.recipe == gate.recipe)
    masks = np.empty(images.shape[:3], np.float32)
    masks[chosen] = gate.masks
    rest = np.setdiff1d(np.arange(len(images)), chosen)
    with progress.task("foreground, further pictures", len(rest)) as task:
        for start in range(0, len(rest), CHUNK):
            part = rest[start : start + CHUNK]
            masks[part] = extend_masks(best, images[part], describe(images[part]))
            task.advance(len(part))
    return Gate(gate.accepted, gate.recipe, gate.quality, gate.reason, masks)


def _why_not(best: Proposal) -> str:
    parts = best.parts
    if parts.area < LEAST_AREA:
        return f"what stands out covers only {parts.area:.1%} of the picture"
    if parts.area > MOST_AREA:
        return f"what looks like the part covers {parts.area:.0%} of the picture"
    if best.quality >= LEAST_QUALITY:
        return ""
    weakest = min(
        (parts.contrast, "inside and outside of the best outline look alike"),
        (parts.edge, "the best outline does not follow edges of the pictures"),
        (parts.inside, "the best outline runs into the border of the pictures as often as not"),
        (parts.steadiness, "the outlined area differs too much from picture to picture"),
    )
    return f"{weakest[1]} (quality {best.quality:.2f}, needed {LEAST_QUALITY:.2f})"
