from dataclasses import replace

import numpy as np
import pytest

from baad.foreground import gate as gate_module
from baad.foreground.contrast import ContrastScorer
from baad.foreground.gate import LEAST_QUALITY, find_foreground, judge_masks
from baad.foreground.propose import EMPTY, Painted, Proposal
from baad.foreground.quality import Quality
from baad.foreground.scores import Cut
from baad.progress import Silence
from tests.foreground.scenes import clutter, describe, generic_patches, put_part

GOOD = Quality(
    contrast=0.9,
    edge=0.9,
    inside=1.0,
    steadiness=0.9,
    separation=0.9,
    area=0.3,
    shape=0.73,
    figure=0.66,
    per_image=np.ones(2, np.float32),
)
IMAGES = np.zeros((2, 8, 8, 3), np.uint8)


def proposal(recipe="border", quality=0.66, **parts):
    masks = np.ones((2, 8, 8), np.float32)
    found = replace(GOOD, **parts)
    return Proposal(recipe, masks, quality, found.per_image, found, ContrastScorer(), Cut(0.5, 0.2, 0.8, 0.9), None)


def test_the_best_of_several_is_taken():
    gate = judge_masks([proposal("otsu", 0.5), proposal("shared", 0.7)], IMAGES)
    assert (gate.accepted, gate.recipe, gate.quality) == (True, "shared", 0.7)
    assert gate.masks.shape == (2, 8, 8)
    assert "30%" in gate.reason


@pytest.mark.parametrize("quality, accepted", [(LEAST_QUALITY, True), (LEAST_QUALITY - 0.01, False)])
def test_the_gate_opens_at_its_level(quality, accepted):
    assert judge_masks([proposal(quality=quality)], IMAGES).accepted is accepted


@pytest.mark.parametrize(
    "parts, words",
    [
        ({"contrast": 0.1}, "look alike"),
        ({"edge": 0.1}, "does not follow edges"),
        ({"inside": 0.1}, "runs into the border"),
        ({"steadiness": 0.1}, "differs too much"),
        ({"separation": 0.1}, "run into each other"),
    ],
)
def test_a_refusal_names_the_weakest_point(parts, words):
    gate = judge_masks([proposal(quality=0.1, figure=0.1, **parts)], IMAGES)
    assert not gate.accepted and gate.masks is None
    assert words in gate.reason and "0.10" in gate.reason


def test_a_refusal_for_what_moves_says_so():
    """All else is good: the figure of .66 was lowered to .1 by what moves in front of a static scene."""
    gate = judge_masks([proposal(quality=0.1)], IMAGES)
    assert not gate.accepted and "differs from what moves" in gate.reason


def count_described():
    """How many pictures each call described, and the description that counts them."""
    asked = []

    def counting(some):
        asked.append(len(some))
        return describe(some)

    return asked, counting


@pytest.mark.parametrize("area", [0.001, 0.97])
def test_a_part_of_almost_nothing_or_almost_everything_is_refused(area):
    gate = judge_masks([proposal(area=area)], IMAGES)
    assert not gate.accepted and "covers" in gate.reason


@pytest.mark.parametrize("area", [0.001, 0.97])
def test_what_was_taught_is_not_refused_for_its_area(area):
    assert judge_masks([proposal("taught", 0.1, area=area)], IMAGES).accepted


def paint(agreeing):
    """Four pictures of parts before one scene, one of them painted: as the part is, or as its left half."""
    rng = np.random.default_rng(5)
    scene = clutter(rng)
    images, truths = (np.stack(each) for each in zip(*(put_part(scene, rng) for _ in range(4))))
    mine = truths[1].copy()
    if not agreeing:
        mine[:, np.flatnonzero(mine.any(axis=0)).mean().astype(int) :] = False
    return images, truths, Painted(np.array([1]), mine[None]), generic_patches(rng, 2)


def taught(masks, quality):
    found = proposal("taught", quality)
    return replace(found, masks=masks.astype(np.float32), per_image_quality=np.ones(len(masks), np.float32))


def test_a_recipe_that_the_painted_masks_confirm_is_taken_before_what_was_learnt_from_them(monkeypatch):
    images, truths, painted, patches = paint(agreeing=True)
    monkeypatch.setattr(gate_module, "teach_masks", lambda *_: taught(~truths, 0.2))
    gate = find_foreground(images, describe, patches, Silence(), np.random.default_rng(0), painted=painted)
    assert gate.accepted and gate.confirmed and gate.recipe != "taught"
    assert np.array_equal(gate.masks[1] >= 0.5, truths[1]) and gate.painted == (1,)
    monkeypatch.setattr(gate_module, "teach_masks", lambda *_: taught(truths, 0.99))
    gate = find_foreground(images, describe, patches, Silence(), np.random.default_rng(0), painted=painted)
    assert gate.recipe == "taught" and not gate.confirmed


def test_what_the_painted_masks_contradict_is_taught_whatever_it_looks_like(monkeypatch):
    images, truths, painted, patches = paint(agreeing=False)
    monkeypatch.setattr(gate_module, "teach_masks", lambda *_: taught(truths, 0.2))
    gate = find_foreground(images, describe, patches, Silence(), np.random.default_rng(0), painted=painted)
    assert gate.recipe == "taught" and not gate.confirmed


def test_without_proposals_everything_is_foreground():
    assert "too few" in judge_masks([], IMAGES[:1]).reason
    assert judge_masks([], IMAGES).recipe == "none"


def test_the_gate_decides_on_some_and_the_rest_follows(monkeypatch):
    rng = np.random.default_rng(0)
    plain = np.full((256, 256, 3), (170, 175, 180), np.uint8)
    images, truths = (np.stack(each) for each in zip(*(put_part(plain, rng) for _ in range(9))))
    monkeypatch.setattr(gate_module, "DECIDE_ON", 5)
    asked, counting = count_described()
    gate = find_foreground(images, counting, generic_patches(rng, 2), Silence(), np.random.default_rng(0))
    assert asked == [5, 4]
    assert gate.accepted and gate.masks.shape == (9, 256, 256)
    assert ((gate.masks >= 0.5) == truths).mean() > 0.99


def test_after_a_refusal_no_further_picture_is_described(monkeypatch):
    monkeypatch.setattr(gate_module, "DECIDE_ON", 3)
    images = np.random.default_rng(1).integers(100, 140, (5, 256, 256, 3)).astype(np.uint8)
    asked, counting = count_described()
    gate = find_foreground(
        images, counting, generic_patches(np.random.default_rng(0), 2), Silence(), np.random.default_rng(0)
    )
    assert asked == [3] and not gate.accepted and gate.masks is None


def test_the_scene_without_a_part_is_believed_before_what_was_guessed():
    rng = np.random.default_rng(5)
    scene = clutter(rng)
    images, truths = (np.stack(each) for each in zip(*(put_part(scene, rng) for _ in range(4))))
    gate = find_foreground(
        images, describe, generic_patches(rng, 2), Silence(), np.random.default_rng(0), empty_scene=scene
    )
    assert gate.accepted and gate.recipe == EMPTY and dict(gate.tried).keys() > {EMPTY}
    assert ((gate.masks >= 0.5) == truths).mean() > 0.98


@pytest.mark.parametrize("mask", [np.ones((256, 256), bool), np.zeros((256, 256), bool)])
def test_painted_masks_stay_where_they_could_not_teach(mask):
    rng = np.random.default_rng(0)
    plain = np.full((256, 256, 3), (170, 175, 180), np.uint8)
    images = np.stack([put_part(plain, rng)[0] for _ in range(4)])
    painted = Painted(np.array([2]), mask[None])
    gate = find_foreground(
        images, describe, generic_patches(rng, 2), Silence(), np.random.default_rng(0), painted=painted
    )
    assert gate.accepted and gate.recipe != "taught" and gate.painted == (2,)
    assert np.array_equal(gate.masks[2] >= 0.5, mask)
    assert gate.per_image[2] == 0.0  # no contour, no contrast


@pytest.mark.parametrize(
    "painted, chosen",
    [
        ([], [0, 3, 5, 8]),  # spread over the set
        ([5, 4], [0, 4, 5, 8]),
        ([7, 1, 6], [0, 1, 6, 7]),
        ([1, 2, 3, 4, 5, 6, 7], [1, 3, 5, 7]),  # more than may be: spread over them
    ],
)
def test_painted_pictures_come_first_and_never_more_than_so_many(monkeypatch, painted, chosen):
    monkeypatch.setattr(gate_module, "DECIDE_ON", 4)
    assert gate_module._choose_pictures(9, np.array(painted, int)).tolist() == chosen


def test_masks_of_more_pictures_than_may_teach_stay_as_they_are(monkeypatch):
    rng = np.random.default_rng(0)
    plain = np.full((256, 256, 3), (170, 175, 180), np.uint8)
    images, truths = (np.stack(each) for each in zip(*(put_part(plain, rng) for _ in range(6))))
    monkeypatch.setattr(gate_module, "DECIDE_ON", 3)
    asked, counting = count_described()
    painted = Painted(np.array([5, 1, 2, 4]), truths[[5, 1, 2, 4]])
    gate = find_foreground(
        images, counting, generic_patches(rng, 2), Silence(), np.random.default_rng(0), painted=painted
    )
    assert asked == [3, 3] and gate.recipe == "taught" and gate.painted == (5, 1, 2, 4)
    assert np.array_equal(gate.masks[painted.index] >= 0.5, painted.masks)
    assert ((gate.masks >= 0.5) == truths).mean() > 0.99
    assert set(gate.suggested) == {0, 3}


@pytest.mark.parametrize(("width", "thin"), [(0, True), (1, True), (5, True), (6, False), (9, False)])
def test_a_part_too_thin_to_be_learnt_is_said_to_need_a_mask_for_every_picture(monkeypatch, width, thin):
    rng = np.random.default_rng(0)
    images, mask = np.stack([clutter(rng) for _ in range(3)]), np.zeros((256, 256), bool)
    mask[20:230, 100 : 100 + width] = True
    monkeypatch.setattr(gate_module, "propose_masks", lambda *_: [])
    monkeypatch.setattr(gate_module, "teach_masks", lambda *_: None)
    painted = Painted(np.array([0]), mask[None])
    gate = find_foreground(images, describe, np.zeros((1, 8), np.float32), Silence(), rng, painted=painted)
    assert not gate.accepted and ("give a mask for every picture" in gate.reason) == thin
    assert (gate.suggested == ()) == thin
