import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baad.synthesis.site import find_site, lay, roughness

PICTURE = np.arange(7 * 9 * 3, dtype=np.uint8).reshape(7, 9, 3)
EVERYWHERE = np.ones((7, 9), np.float32)


@given(row=st.integers(0, 6), column=st.integers(0, 8), height=st.integers(1, 20), width=st.integers(1, 20))
def test_a_shape_is_cut_at_the_edges_and_covers_its_centre(row, column, height, width):
    site = find_site(PICTURE, (row, column), np.ones((height, width), np.float32), EVERYWHERE)
    assert site.box_of(PICTURE).shape[:2] == site.shape
    changed = (lay(site, site.under + 1) != PICTURE).any(axis=2)
    assert changed[row, column] and changed.sum() <= height * width


def test_nothing_changes_where_it_may_not():
    allowed = EVERYWHERE.copy()
    allowed[:, :4] = 0.0
    site = find_site(PICTURE, (3, 4), np.ones((5, 5), np.float32), allowed)
    laid = lay(site, np.full((*site.shape, 3), 999.0, np.float32))
    assert np.array_equal(laid[:, :4], PICTURE[:, :4])
    assert (laid[1:6, 4:7] == 255).all()


def test_half_a_weight_covers_half():
    site = find_site(PICTURE * 0, (3, 4), np.full((1, 1), 0.5, np.float32), EVERYWHERE)
    assert site.cover(np.full((1, 1, 3), 100.0, np.float32)).ravel().tolist() == [50.0, 50.0, 50.0]


@pytest.mark.parametrize("width, expected", [(1, 0.0), (4, 10.0), (8, 25.0)])
def test_roughness_is_the_mean_step(width, expected):
    ramp = np.repeat(np.arange(width, dtype=np.float32)[None, :, None] * 10, 3, axis=2)  # of a single row
    assert roughness(ramp) == expected


def test_a_turned_camera_sees_the_same_roughness():
    brushed = np.random.default_rng(0).normal(100, 30, (24, 1, 3)).repeat(24, axis=1).astype(np.float32)
    assert roughness(brushed) == pytest.approx(roughness(brushed.transpose(1, 0, 2)), rel=1e-6)
    assert roughness(brushed) > 10
