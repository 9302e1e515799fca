import numpy as np
import pytest

from baad.foreground.codebook import make_codebook
from baad.foreground.gate import judge_masks
from baad.foreground.propose import extend_masks, propose_masks
from baad.foreground.refine import overlap
from baad.progress import Silence
from tests.foreground.scenes import clutter, describe, generic_patches, grain, put_part

COUNT = 10


def draw_set(kind, count=COUNT):
    rng = np.random.default_rng(3)
    fixed, plain = clutter(rng), np.full((256, 256, 3), (170, 175, 180), np.uint8)
    pictures = []
    for _ in range(count):
        if kind == "texture":
            pictures.append((grain(rng), np.ones((256, 256), bool)))
        elif kind == "nothing in common":
            pictures.append((clutter(rng), np.ones((256, 256), bool)))
        else:
            scene = {"plain": plain, "static": fixed, "varying": clutter(rng)}[kind]
            pictures.append(put_part(scene, rng, shift=75 if kind == "static" else 45))
    images, truths = (np.stack(each) for each in zip(*pictures))
    return images, truths


@pytest.fixture(scope="module")
def codebook():
    return make_codebook(generic_patches(np.random.default_rng(7)), 500, np.random.default_rng(8))


@pytest.mark.parametrize("kind, least", [("plain", 0.9), ("static", 0.8), ("varying", 0.85)])
def test_the_part_is_found_without_help(kind, least, codebook):
    images, truths = draw_set(kind)
    gate = judge_masks(propose_masks(images, describe(images), codebook, Silence(), np.random.default_rng(0)), images)
    assert gate.accepted, gate.reason
    assert gate.masks.dtype == np.float32 and gate.masks.shape == truths.shape
    assert np.mean([overlap(mask >= 0.5, truth) for mask, truth in zip(gate.masks, truths)]) > least


@pytest.mark.parametrize("kind", ["texture", "nothing in common"])
def test_no_part_is_invented(kind, codebook):
    images, _ = draw_set(kind)
    gate = judge_masks(propose_masks(images, describe(images), codebook, Silence(), np.random.default_rng(0)), images)
    assert not gate.accepted and gate.masks is None
    assert gate.reason.startswith("no background: ")


def test_the_best_proposal_comes_first_and_the_same_seed_repeats_it(codebook):
    images, _ = draw_set("plain", 4)
    first, second = (
        propose_masks(images, describe(images), codebook, Silence(), np.random.default_rng(5)) for _ in range(2)
    )
    assert [p.quality for p in first] == sorted((p.quality for p in first), reverse=True)
    assert [p.recipe for p in first] == [p.recipe for p in second]
    assert all(np.array_equal(one.masks, other.masks) for one, other in zip(first, second))
    assert all(p.per_image_quality.shape == (4,) for p in first)


def test_a_single_picture_gives_no_proposal(codebook):
    images, _ = draw_set("plain", 1)
    assert propose_masks(images, describe(images), codebook, Silence(), np.random.default_rng(0)) == []


def test_further_pictures_are_done_like_the_first_ones(codebook):
    images, truths = draw_set("plain", 10)
    best = propose_masks(images[:6], describe(images[:6]), codebook, Silence(), np.random.default_rng(0))[0]
    masks = extend_masks(best, images[6:], describe(images[6:]))
    assert np.mean([overlap(mask >= 0.5, truth) for mask, truth in zip(masks, truths[6:])]) > 0.9
