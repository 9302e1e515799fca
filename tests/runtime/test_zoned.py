import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baad.runtime.session import RawMaps
from baad.runtime.zoned import apply_zones, find_box, halve, score_zones
from baad.verdict.drawn import DrawnZone, DrawnZones

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def double(cells):
    """A bilinear doubling, written out: each new pixel is three quarters the nearer cell, one quarter the next."""
    for _ in range(2):
        padded = np.pad(cells, ((1, 1), (0, 0)), mode="edge")
        upper, lower = 0.75 * cells + 0.25 * padded[:-2], 0.75 * cells + 0.25 * padded[2:]
        cells = np.stack([upper, lower], axis=1).reshape(-1, cells.shape[1]).T
    return cells


def raw_of(cells, foreground=None):
    """What a network says whose own grid is `cells`: its score is the mean of the sixteen highest."""
    anomaly = double(cells).astype(np.float32)
    seen = np.ones(anomaly.shape, np.float32) if foreground is None else foreground
    return RawMaps(anomaly, seen, float(np.sort(cells.ravel())[-16:].mean()))


def grid(left=0.0, right=0.0):
    """Cells [8, 8]: sixteen of them high in either half, the rest 0."""
    cells = np.zeros((8, 8))
    cells[:, 1:3], cells[:, 5:7] = left, right
    return cells


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 1000))
def test_halving_takes_a_doubling_back(height, width, seed):
    cells = np.random.default_rng(seed).normal(size=(height, width))
    assert np.allclose(halve(double(cells)), cells, atol=1e-4)


@given(st.integers(1, 9), st.integers(0, 1000))
def test_what_is_no_doubling_is_halved_by_least_squares(height, seed):
    values = np.random.default_rng(seed).normal(size=(2 * height, 2))
    doubling = np.stack([double(np.eye(height)[:, [place]])[:, 0] for place in range(height)], axis=1)
    assert np.allclose(halve(values)[:, 0], np.linalg.pinv(doubling) @ values.mean(axis=1), atol=1e-4)


def test_the_map_of_a_large_picture_in_tiles_is_halved_in_a_moment():
    values = np.random.default_rng(0).normal(size=(3000, 4000)).astype(np.float32)
    began = time.process_time()
    assert halve(values).shape == (1500, 2000)
    assert time.process_time() - began < 4.0  # half a second; a pseudo-inverse took 13


def test_what_is_ignored_is_not_in_the_score():
    scores = score_zones(raw_of(grid(left=9.0, right=4.0)), DrawnZones((DrawnZone("ignore", LEFT),)))
    assert scores.counting == scores.rejecting == pytest.approx(4.0, abs=1e-3)


def test_what_only_warns_counts_but_does_not_reject():
    scores = score_zones(raw_of(grid(left=9.0, right=4.0)), DrawnZones((DrawnZone("warn", LEFT),)))
    assert scores.counting == 9.0
    assert scores.rejecting == pytest.approx(4.0, abs=1e-3)


def test_zones_never_raise_a_score():
    raw = raw_of(grid(left=1.0, right=6.0))
    assert score_zones(raw, DrawnZones((DrawnZone("ignore", LEFT),))).counting <= raw.score


def test_what_only_a_tile_saw_of_an_ignored_place_does_not_raise_the_rest():
    blended = raw_of(grid(left=7.0, right=4.0))
    of_tiles = RawMaps(blended.anomaly, blended.foreground, 9.0)  # where tiles overlap, one of them saw more
    scores = score_zones(of_tiles, DrawnZones((DrawnZone("ignore", LEFT),)))
    assert scores.counting == pytest.approx(4.0, abs=1e-3)
    right = tuple((1.0 - x, y) for x, y in LEFT)
    assert score_zones(of_tiles, DrawnZones((DrawnZone("ignore", right),))).counting == 9.0


def test_where_all_is_ignored_the_score_is_the_lowest():
    scores = score_zones(raw_of(grid(left=9.0)), DrawnZones(elsewhere="ignore"))
    assert scores.counting == pytest.approx(0.0, abs=1e-3)


def test_maps_fall_to_their_lowest_where_they_are_ignored():
    raw = raw_of(grid(left=9.0, right=4.0))
    left = apply_zones(raw, DrawnZones((DrawnZone("ignore", LEFT),)))
    assert (left.anomaly[:, :8] == raw.anomaly.min()).all()
    assert np.array_equal(left.anomaly[:, 8:], raw.anomaly[:, 8:])
    assert apply_zones(raw, DrawnZones()) is raw
    warned = apply_zones(raw, DrawnZones((DrawnZone("warn", LEFT),)))  # seen, and no reason to reject
    assert np.array_equal(warned.anomaly, raw.anomaly) and warned.score == left.score < raw.score


def test_the_box_of_the_part_leaves_crumbs_out():
    foreground = np.zeros((16, 16), np.float32)
    foreground[4:10, 3:8] = 0.9
    foreground[15, 15] = 0.9
    assert find_box(foreground) == (3, 4, 8, 10)
    assert find_box(np.zeros((4, 4), np.float32)) is None


def test_a_crumb_by_itself_is_no_part():
    foreground = np.zeros((64, 64), np.float32)
    foreground[10:12, 20:22] = 1.0  # .00098 of the picture
    assert find_box(foreground) is None
    foreground[10:13, 20:22] = 1.0
    assert find_box(foreground) == (20, 10, 22, 13)


def test_a_zone_follows_the_part():
    right = np.zeros((16, 16), np.float32)
    right[:, 8:] = 1.0
    zones = DrawnZones((DrawnZone("ignore", ((0, 0), (1, 0), (1, 1), (0, 1)), "part"),))
    cells = grid(left=9.0, right=4.0)
    assert score_zones(raw_of(cells, right), zones).counting == pytest.approx(9.0, abs=1e-3)
    assert score_zones(raw_of(cells, right[:, ::-1]), zones).counting == pytest.approx(4.0, abs=1e-3)
