import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baad.synthesis.banks import cut_noise, cut_scene, cut_texture, make_banks

shapes = st.tuples(st.integers(1, 150), st.integers(1, 150))  # smaller and larger than the banks


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=shapes, seed=st.integers(0, 2**32 - 1))
def test_cuts_come_in_any_shape(banks, shape, seed):
    rng = np.random.default_rng(seed)
    noise = cut_noise(banks, shape, rng)
    assert noise.shape == shape and noise.dtype == np.float32 and noise.min() >= 0 and noise.max() <= 1
    for cut in (cut_texture(banks, shape, rng), cut_scene(banks, shape, rng)):
        assert cut.shape == (*shape, 3) and cut.dtype == np.uint8


@pytest.mark.parametrize("field", ["noises", "patterns", "scenes"])
def test_banks_come_again_with_their_seed(banks, field):
    again = make_banks(np.random.default_rng(0), size=64, noises=12, patterns=12, scenes=4)
    assert np.array_equal(getattr(again, field), getattr(banks, field))
    assert getattr(banks, field).dtype == np.uint8


def test_two_cuts_of_a_bank_differ(banks):
    rng = np.random.default_rng(0)
    cuts = [cut_texture(banks, (32, 32), rng) for _ in range(6)]
    assert all(np.abs(cuts[0].astype(int) - cut).mean() > 2 for cut in cuts[1:])
