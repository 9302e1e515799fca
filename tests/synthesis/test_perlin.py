import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baad.synthesis.perlin import equalise, fractal_noise, perlin_noise

seeds = st.integers(0, 2**32 - 1)
sides = st.integers(1, 70)


@settings(max_examples=80, deadline=None)
@given(shape=st.tuples(sides, sides), cells=st.tuples(st.integers(1, 40), st.integers(1, 40)), seed=seeds)
def test_noise_of_any_size_lies_between_minus_one_and_one(shape, cells, seed):
    noise = perlin_noise(shape, cells, np.random.default_rng(seed))
    assert noise.shape == shape and noise.dtype == np.float32
    assert noise.min() >= -1.0 and noise.max() <= 1.0
    assert np.array_equal(noise, perlin_noise(shape, cells, np.random.default_rng(seed)))


@settings(max_examples=20, deadline=None)
@given(seed=seeds, octaves=st.integers(1, 4), rough=st.floats(0.2, 1.0))
def test_noise_on_noise_stays_in_range(seed, octaves, rough):
    noise = fractal_noise((33, 20), (2, 3), octaves, np.random.default_rng(seed), rough)
    assert noise.dtype == np.float32 and np.abs(noise).max() <= 1.0


def test_noise_is_as_perlin_defines_it():
    shape, cells = (12, 20), (3, 4)
    turn = np.random.default_rng(7).uniform(0, 2 * np.pi, cells)
    expected = np.zeros(shape)
    for y in range(shape[0]):
        for x in range(shape[1]):
            v, u = (y + 0.5) * 3 / 12, (x + 0.5) * 4 / 20
            row, column = int(v), int(u)
            for i in (row, row + 1):
                for j in (column, column + 1):
                    angle = turn[i % 3, j % 4]
                    far_y, far_x = abs(v - i), abs(u - j)
                    weight = (1 - (6 * far_y**5 - 15 * far_y**4 + 10 * far_y**3)) * (
                        1 - (6 * far_x**5 - 15 * far_x**4 + 10 * far_x**3)
                    )
                    expected[y, x] += weight * (np.sin(angle) * (v - i) + np.cos(angle) * (u - j))
    np.testing.assert_allclose(perlin_noise(shape, cells, np.random.default_rng(7)), expected * np.sqrt(2.0), atol=1e-5)


def test_noise_is_smooth_and_repeats_at_its_edges():
    noise = perlin_noise((64, 64), (3, 5), np.random.default_rng(0))
    steps = np.abs(np.diff(noise, axis=0)).max()
    assert np.abs(noise[0] - noise[-1]).max() <= 1.5 * steps
    assert steps < 0.3


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_equalised_noise_has_its_share_below_each_level(share):
    field = perlin_noise((128, 128), (4, 4), np.random.default_rng(1)) ** 3
    assert abs((equalise(field) < 255 * share).mean() - share) < 0.02


def test_a_flat_field_is_equalised_without_harm():
    assert len(np.unique(equalise(np.zeros((5, 5), np.float32)))) == 1
