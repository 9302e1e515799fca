import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from baad.synthesis.distort import bite_edge, fill_hole
from baad.synthesis.site import find_site


@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(st.integers(1, 70), st.integers(1, 70)), seed=st.integers(0, 2**32 - 1))
def test_filling_changes_the_hole_alone(shape, seed):
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    hole = rng.random(shape) < rng.random()
    before = picture.copy()
    filled = fill_hole(picture, hole, rng)
    assert filled.dtype == np.uint8 and np.array_equal(filled[~hole], picture[~hole])
    assert np.array_equal(picture, before)


def test_a_hole_takes_the_colour_around_it():
    picture = np.full((60, 60, 3), (200, 120, 40), np.uint8)
    hole = np.zeros((60, 60), bool)
    hole[15:45, 15:45] = True
    picture[hole] = 0
    filled = fill_hole(picture, hole, np.random.default_rng(0))
    assert np.abs(filled.astype(int) - (200, 120, 40)).max() <= 2


def test_a_hole_between_two_colours_goes_from_one_to_the_other():
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 30:] = 200
    hole = np.zeros((40, 60), bool)
    hole[:, 20:40] = True
    filled = fill_hole(picture, hole, np.random.default_rng(0))[..., 0].astype(int)
    assert filled[:, 21].mean() < 60 < 140 < filled[:, 38].mean()


def test_what_breaks_off_shows_the_background(banks):
    picture = np.full((40, 40, 3), 30, np.uint8)
    picture[:, :20] = 220
    part = picture[..., 0] == 220
    site = find_site(picture, (20, 18), np.ones((9, 9), np.float32), np.ones((40, 40), np.float32), part)
    wide = find_site(picture, (20, 18), np.pad(np.ones((9, 9), np.float32), 8), np.ones((40, 40), np.float32), part)
    assert site.under.max() == 220
    assert bite_edge(wide, np.random.default_rng(0), banks)[8:17, 8:17].max() < 60


def test_without_an_outline_nothing_breaks_off(banks):
    site = find_site(np.full((9, 9, 3), 50, np.uint8), (4, 4), np.ones((3, 3), np.float32), np.ones((9, 9), np.float32))
    assert np.array_equal(bite_edge(site, np.random.default_rng(0), banks), site.under)
