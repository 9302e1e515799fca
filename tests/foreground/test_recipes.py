"""The four recipes, each on the kind of scene that it is made for: scores must rank part above background."""

import numpy as np
import pytest

from baad.foreground.border import border_band, fit_border
from baad.foreground.codebook import make_codebook
from baad.foreground.contrast import ContrastScorer
from baad.foreground.shared import fit_shared, squared_distances
from baad.foreground.static import fit_static
from tests.foreground.scenes import clutter, describe, generic_patches, put_part


def draw_set(kind, count=10, seed=0):
    rng = np.random.default_rng(seed)
    fixed = clutter(rng)
    pictures, truths = [], []
    for _ in range(count):
        plain = np.full_like(fixed, (170, 175, 180))
        scene = {"plain": plain, "static": fixed, "varying": clutter(rng)}[kind]
        picture, truth = put_part(scene, rng)
        pictures.append(picture)
        truths.append(truth)
    return np.stack(pictures), np.stack(truths)


def auroc(scores, truths):
    """Chance that a cell of the part scores above a cell of the background."""
    step = truths.shape[1] // scores.shape[1]
    cells = truths[:, step // 2 :: step, step // 2 :: step]
    part, rest = np.sort(scores[cells]), np.sort(scores[~cells])
    return np.searchsorted(rest, part).mean() / len(rest)


@pytest.mark.parametrize("kind, least", [("plain", 0.95), ("static", 0.9)])
def test_static_ranks_what_moves_above_what_stays(kind, least):
    images, truths = draw_set(kind)
    features = describe(images)
    assert auroc(fit_static(images, features).score(images, features, np.arange(10)), truths) > least


def test_border_ranks_the_part_above_a_plain_background():
    images, truths = draw_set("plain")
    features = describe(images)
    scorer = fit_border(images, features, np.random.default_rng(0))
    assert auroc(scorer.score(images, features, np.arange(10)), truths) > 0.98


def test_border_gives_up_where_all_is_one():
    images = np.full((3, 256, 256, 3), 90, np.uint8)
    assert fit_border(images, describe(images), np.random.default_rng(0)) is None


def test_contrast_ranks_the_part_above_a_plain_background():
    images, truths = draw_set("plain")
    assert auroc(ContrastScorer().score(images, describe(images), np.arange(10)), truths) > 0.98


def test_shared_ranks_the_part_above_backgrounds_that_vary():
    images, truths = draw_set("varying", count=14)
    features = describe(images)
    generic = make_codebook(generic_patches(np.random.default_rng(7)), 500, np.random.default_rng(8))
    scorer = fit_shared(features, generic, np.random.default_rng(9))
    assert auroc(scorer.score(images, features, np.arange(14)), truths) > 0.9


def test_a_picture_is_never_compared_with_itself():
    images, _ = draw_set("varying", count=6)
    features = describe(images)
    generic = generic_patches(np.random.default_rng(7), 2)
    scorer = fit_shared(features, generic, np.random.default_rng(9))
    known = scorer.score(images, features, np.arange(6))
    stranger = scorer.score(images, features, np.full(6, -1))
    assert stranger.mean() > known.mean()  # its own patches among the references make it look shared


def test_squared_distances_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(5, 3)).astype(np.float32), rng.normal(size=(4, 3)).astype(np.float32)
    looped = [[((one - other) ** 2).sum() for other in right] for one in left]
    assert np.allclose(squared_distances(left, right), looped, atol=1e-5)


def test_the_border_band_has_one_width_on_all_sides():
    band = border_band(16)
    assert band.sum() == 16 * 16 - 14 * 14 and not band[1:-1, 1:-1].any()
