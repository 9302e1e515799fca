from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from baad.synthesis.chance import choose, log_uniform


@given(seed=st.integers(0, 2**32 - 1), low=st.floats(1e-3, 1e3), factor=st.floats(1.0, 1e3))
def test_a_logarithmic_draw_stays_between_its_ends(seed, low, factor):
    value = log_uniform(np.random.default_rng(seed), low, low * factor)
    assert low * (1 - 1e-9) <= value <= low * factor * (1 + 1e-9)


def test_every_order_of_magnitude_is_as_likely():
    rng = np.random.default_rng(0)
    below = sum(log_uniform(rng, 1, 100) < 10 for _ in range(2000))
    assert 900 < below < 1100


def test_choices_come_as_often_as_their_weights_say():
    rng = np.random.default_rng(0)
    drawn = Counter(choose(rng, {"often": 6.0, "seldom": 2.0, "never": 0.0}) for _ in range(2000))
    assert drawn["never"] == 0 and 1400 < drawn["often"] < 1600
