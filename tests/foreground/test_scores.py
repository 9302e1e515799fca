import numpy as np

from baad.foreground.scores import find_cut


def test_two_levels_are_cut_between_them():
    scores = np.repeat([1.0, 3.0], [700, 300]).reshape(1, 40, 25)
    cut = find_cut(scores)
    assert 1.0 < cut.level < 3.0
    assert 1.0 < cut.sure_background < cut.level < cut.sure_part < 3.0
    assert cut.separation > 0.99


def test_one_hump_is_separated_less_than_two():
    rng = np.random.default_rng(0)
    hump = rng.normal(size=(4, 32, 32))
    two = np.concatenate([hump[:2], hump[2:] + 8.0])
    assert find_cut(hump).separation < 0.75 < find_cut(two).separation


def test_equal_scores_leave_no_part():
    scores = np.full((2, 8, 8), 4.0)
    cut = find_cut(scores)
    assert not (scores > cut.level).any()
    assert cut.separation == 0.0


def test_the_cut_moves_with_the_scores():
    scores = np.random.default_rng(1).normal(size=(2, 32, 32)) ** 2
    plain, moved = find_cut(scores), find_cut(10.0 * scores - 3.0)
    assert np.isclose(moved.level, 10.0 * plain.level - 3.0)
    assert np.isclose(moved.separation, plain.separation)
