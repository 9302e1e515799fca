from collections import deque
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baad.metrics.pro import au_pro, count_overlaps, label_components
from baad.metrics.ranking import fit_bins


def components_by_flood_fill(defect):
    """Lists of pixels of the 8-connected components."""
    left, found = {tuple(pixel) for pixel in np.argwhere(defect)}, []
    while left:
        component, queue = [], deque([left.pop()])
        while queue:
            y, x = queue.popleft()
            component.append((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            queue.extend(near)
        found.append(component)
    return found


def au_pro_by_definition(maps, defects, limit):
    """Threshold by threshold, component by component; then trapezes up to the limit."""
    components = [(i, component) for i, d in enumerate(defects) for component in components_by_flood_fill(d)]
    curve = [(0.0, 0.0)]
    for threshold in sorted(np.unique(maps), reverse=True):
        rate = (maps[~defects] >= threshold).mean()
        covered = [np.mean([maps[i][pixel] >= threshold for pixel in component]) for i, component in components]
        curve.append((rate, float(np.mean(covered))))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x0 < limit and x1 > x0:
            x = min(x1, limit)
            y = y0 + (y1 - y0) * (x - x0) / (x1 - x0)
            area += (x - x0) * (y0 + y) / 2
    return area / limit


def binned_au_pro(maps, defects, limit):
    bins = fit_bins(maps.ravel())
    overlaps = sum(count_overlaps(bins, anomaly, defect) for anomaly, defect in zip(maps, defects, strict=True))
    return float(au_pro(overlaps, bins.count(maps[~defects]), limit))


def test_pixels_that_touch_at_a_corner_are_one_component():
    labels, count = label_components(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]], bool))
    assert count == 2
    assert labels[0, 0] == labels[1, 1] != labels[3, 0]


def test_a_map_equal_to_the_truth_scores_one():
    defect = np.zeros((1, 4, 5), bool)
    defect[0, 1, 1:3] = True
    assert binned_au_pro(defect.astype(np.float32), defect, 0.3) == pytest.approx(1)


def test_small_defects_count_as_much_as_large_ones():
    defect = np.array([[[1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0]]], bool)
    only_the_large_one = np.array([[[1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]]], np.float32)
    # half the components at no false alarm, then a straight line to (1, 1): mean height up to .3 is .5 + .25 * .3
    assert binned_au_pro(only_the_large_one, defect, 0.3) == pytest.approx(0.5 + 0.25 * 0.3)


def test_the_curve_is_cut_at_the_limit_by_interpolation():
    assert float(au_pro(np.array([0, 1]), np.array([1, 1]), 0.75)) == pytest.approx((0.25 * 0.25 / 2 * 2) / 0.75)


def test_without_components_or_without_normal_pixels_there_is_no_figure():
    assert np.isnan(au_pro(np.zeros(2), np.ones(2), 0.3))
    assert np.isnan(au_pro(np.ones(2), np.zeros(2), 0.3))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.3, 1.0]), st.integers(2, 30))
def test_au_pro_agrees_with_the_definition_read_literally(seed, limit, distinct):
    rng = np.random.default_rng(seed)
    maps = rng.integers(0, distinct, (2, 7, 9)).astype(np.float32)
    defects = rng.random((2, 7, 9)) < 0.25
    defects[0, 0, 0], defects[0, 3, 3] = True, False
    value = binned_au_pro(maps, defects, limit)
    assert value == pytest.approx(au_pro_by_definition(maps, defects, limit))
    assert 0 <= value <= 1 + 1e-12


def test_leading_axes_are_independent():
    overlaps, negatives = np.array([[1.0, 0], [0, 1]]), np.array([[0, 4], [4, 0]])
    np.testing.assert_allclose(au_pro(overlaps, negatives, 0.3), [1, 0])
