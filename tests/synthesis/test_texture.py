import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baad.synthesis.texture import PATTERNS, draw_colours, draw_palette, draw_pattern


@settings(max_examples=25, deadline=None)
@given(size=st.integers(8, 64), seed=st.integers(0, 2**32 - 1))
def test_a_pattern_of_any_size_uses_the_full_range(size, seed):
    pattern = draw_pattern(size, np.random.default_rng(seed))
    assert pattern.dtype == np.uint8 and pattern.shape == (size, size)
    assert np.array_equal(pattern, draw_pattern(size, np.random.default_rng(seed)))


@pytest.mark.parametrize("draw", PATTERNS, ids=lambda draw: draw.__name__)
def test_every_pattern_shows_something(draw):
    shown = [float(np.std(draw(64, np.random.default_rng(seed)))) > 0 for seed in range(4)]
    assert sum(shown) >= 3


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), own=st.booleans())
def test_palettes_have_a_colour_for_each_grey_value(seed, own):
    picture = np.full((4, 4, 3), (10, 200, 90), np.uint8) if own else None
    palette = draw_palette(np.random.default_rng(seed), picture)
    assert palette.shape == (256, 3) and palette.dtype == np.uint8


def test_colours_may_come_from_the_picture():
    picture = np.full((4, 4, 3), (10, 200, 90), np.uint8)
    drawn = [draw_colours(1, np.random.default_rng(seed), picture)[0] for seed in range(200)]
    near = sum(float(np.abs(colour - (10, 200, 90)).max()) < 15 for colour in drawn)
    assert 10 < near < 80
