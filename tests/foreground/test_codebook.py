import numpy as np
import pytest

from baad.foreground.codebook import make_codebook


def test_separate_heaps_get_their_means_as_centroids():
    rng = np.random.default_rng(0)
    heaps = np.concatenate([rng.normal(place, 0.01, (200, 2)) for place in (-5, 0, 5)]).astype(np.float32)
    centroids = make_codebook(heaps, 30, np.random.default_rng(1))
    nearest = np.abs(centroids[:, None, 0] - np.array([-5, 0, 5])).min(axis=1)
    assert nearest.max() < 0.1
    assert {round(float(x)) for x in centroids[:, 0]} == {-5, 0, 5}


def test_the_codebook_is_nearer_to_the_patches_than_patches_drawn_at_random():
    rng = np.random.default_rng(2)
    patches = rng.normal(size=(3000, 6)).astype(np.float32)

    def error(centroids):
        return ((patches[:, None] - centroids) ** 2).sum(axis=-1).min(axis=1).mean()

    drawn = patches[np.random.default_rng(3).choice(3000, 40, replace=False)]
    assert error(make_codebook(patches, 40, np.random.default_rng(3))) < 0.95 * error(drawn)


def test_the_same_seed_gives_the_same_codebook():
    patches = np.random.default_rng(4).normal(size=(500, 3)).astype(np.float32)
    first, second = (make_codebook(patches, 20, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, second)


def test_too_few_patches_are_refused():
    with pytest.raises(ValueError, match="10 patches"):
        make_codebook(np.zeros((10, 2), np.float32), 11, np.random.default_rng(0))
