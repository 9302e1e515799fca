import numpy as np
import pytest

from baad.foreground.holes import are_part, fill_holes, find_holes
from baad.foreground.propose import Painted, extend_masks, make_proposal
from baad.foreground.refine import overlap

SIDE = 128


def draw_rings(count, inside, scenes="varying"):
    """Pictures of a grey ring, what lies within it, and masks of the ring alone; `inside`: "label" or "scene"."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images, masks, fixed = [], [], rng.integers(0, 256, (SIDE, SIDE, 3))
    for _ in range(count):
        far = np.hypot(rows - rng.integers(52, 76), columns - rng.integers(52, 76))
        scene = fixed if scenes == "static" else rng.integers(125, 256, 3) + rng.normal(0, 6, (SIDE, SIDE, 3))
        ring, hole = (far >= 16) & (far < 40), far < 16
        image = np.where(ring[..., None], 90 + rng.normal(0, 4, scene.shape), scene)
        if inside == "label":
            image = np.where(hole[..., None], 235 + rng.normal(0, 6, scene.shape), image)
        images.append(image.clip(0, 255).astype(np.uint8))
        masks.append(ring)
    return np.stack(images), np.stack(masks)


def test_a_label_that_all_parts_have_is_part():
    assert are_part(*draw_rings(20, "label"))


def test_what_is_seen_through_a_hole_is_not():
    assert not are_part(*draw_rings(20, "scene"))


@pytest.mark.parametrize("holed", [0, 1, 5])
def test_holes_in_a_few_masks_are_mistakes_of_theirs(holed):
    images, masks = draw_rings(20, "label")
    masks[holed:] = fill_holes(masks[holed:])
    assert not are_part(images, masks)


def test_masks_of_everything_but_their_holes_tell_nothing():
    images, masks = draw_rings(6, "label")
    masks = ~np.stack([find_holes(mask) for mask in masks])
    assert not are_part(images, masks)
    assert not are_part(images, np.zeros_like(masks))


def test_only_what_is_enclosed_is_a_hole():
    mask = np.zeros((12, 12), bool)
    mask[1:6, 1:6] = mask[7:12, 2:9] = True
    mask[3, 3] = False  # enclosed
    mask[9:, 4] = False  # open to the border
    assert np.argwhere(find_holes(mask)).tolist() == [[3, 3]]
    filled = fill_holes(mask[None])[0]
    assert filled[3, 3] and not filled[10, 4]


class RingScorer:
    """Knows the ring and takes what lies within it for background."""

    def score(self, images, features, own):
        return np.stack([np.abs(image.mean(axis=2) - 90.0) < 25 for image in images]).astype(np.float32)


@pytest.mark.parametrize("inside", ["label", "scene"])
def test_a_proposal_fills_holes_and_does_so_in_further_pictures(inside):
    images, rings = draw_rings(16, inside)
    wanted = fill_holes(rings) if inside == "label" else rings
    scorer = RingScorer()
    proposal = make_proposal("ring", scorer, scorer.score(images[:12], None, None), images[:12])
    assert proposal.fills_holes == (inside == "label")
    found = [*proposal.masks, *extend_masks(proposal, images[12:], np.zeros((4, 8, 8, 1), np.float32))]
    assert min(overlap(mask > 0.5, truth) for mask, truth in zip(found, wanted)) > 0.85


def test_who_paints_holes_keeps_them():
    images, rings = draw_rings(12, "label")
    scorer = RingScorer()
    painted = Painted(np.array([0]), rings[:1])
    assert not make_proposal("ring", scorer, scorer.score(images, None, None), images, painted=painted).fills_holes
    whole = Painted(np.array([0]), fill_holes(rings[:1]))
    assert make_proposal("ring", scorer, scorer.score(images, None, None), images, painted=whole).fills_holes
