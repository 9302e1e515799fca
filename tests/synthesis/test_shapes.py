import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baad.synthesis import shapes, strokes

DRAWN = [
    *(shapes.draw_blob, shapes.draw_patch, shapes.draw_chip, shapes.draw_spots, shapes.draw_ring, shapes.draw_veil),
    *(strokes.draw_scratch, strokes.draw_crack, strokes.draw_fibre),
]


@pytest.mark.parametrize("draw", DRAWN, ids=lambda draw: draw.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.floats(3, 120), soft=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_every_shape_is_a_weight_in_a_box_of_about_its_size(banks, draw, size, soft, seed):
    weight = draw(size, soft, np.random.default_rng(seed), banks)
    assert weight.dtype == np.float32 and weight.ndim == 2
    assert weight.min() >= 0.0 and weight.max() <= 1.0 + 1e-6
    assert max(weight.shape) <= 2.6 * size + 16


@pytest.mark.parametrize("draw", DRAWN, ids=lambda draw: draw.__name__)
def test_shapes_are_seldom_empty(banks, draw):
    found = [draw(20.0, 0.2, np.random.default_rng(seed), banks).max() > 0.3 for seed in range(40)]
    assert sum(found) >= 34


def test_a_hard_blob_is_full_nearly_everywhere_and_a_soft_one_only_in_the_middle(banks):
    hard, soft = (shapes.draw_blob(40.0, soft, np.random.default_rng(3), banks) for soft in (0.0, 1.0))
    assert hard[hard > 0].mean() > 0.8 > 0.5 > soft[soft > 0].mean()


def test_fading_reaches_full_weight_at_the_depth_asked():
    depth = np.array([-0.5, 0.0, 0.25, 0.5, 1.0], np.float32)
    assert shapes.fade(depth, 0.5, 10.0).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
