import numpy as np
import pytest

from baad.data.spread import spread_evenly


def test_the_first_and_the_last_are_among_them_at_equal_distances():
    assert spread_evenly(11, 3).tolist() == [0, 5, 10]
    assert spread_evenly(3, 9).tolist() == [0, 1, 2]
    assert spread_evenly(0, 9).tolist() == []


@pytest.mark.parametrize("most", [1, 2, 7, 60, 150])
def test_none_comes_twice(most):
    for count in range(1, 400):
        chosen = spread_evenly(count, most)
        assert len(np.unique(chosen)) == len(chosen) == min(count, most)
