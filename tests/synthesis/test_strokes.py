import numpy as np

from baad.synthesis import strokes


def test_a_scratch_is_long_and_thin(banks):
    for seed in range(20):
        weight = strokes.draw_fibre(60.0, 0.0, np.random.default_rng(seed), banks)
        assert 15 < np.count_nonzero(weight > 0.3) < 60 * 8


def test_cracks_fork(banks):
    areas = [np.count_nonzero(strokes.draw_crack(60.0, 0.0, np.random.default_rng(s), banks) > 0.3) for s in range(30)]
    assert max(areas) > 2 * min(areas)
