import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baad.metrics.background import false_positive_rate, level_at_recall, split_zones


def test_the_band_around_the_outline_belongs_to_neither_zone():
    foreground = np.zeros((256, 256), bool)
    foreground[:, :100] = True
    inside, outside = split_zones(foreground)
    assert inside[128].nonzero()[0].tolist() == list(range(95))
    assert outside[128].nonzero()[0].tolist() == list(range(105, 256))


def test_the_band_grows_with_the_side_of_the_picture():
    foreground = np.zeros((512, 1024), bool)
    foreground[:, :400] = True
    inside, outside = split_zones(foreground)
    assert inside[0].sum() == 400 - 20
    assert outside[0].sum() == 1024 - 400 - 20


def test_a_part_that_fills_the_picture_leaves_no_background():
    inside, outside = split_zones(np.ones((20, 30), bool))
    assert inside.all()
    assert not outside.any()


def test_the_threshold_finds_seven_of_ten_defect_pixels():
    assert level_at_recall(np.array([3, 4, 3])) == 1
    assert level_at_recall(np.array([3, 3, 4])) == 2
    assert level_at_recall(np.array([7, 3])) == 0


def test_alarms_above_the_threshold_are_a_share_of_their_zone():
    positives, background = np.array([3, 4, 3]), np.array([1, 1, 8])
    assert float(false_positive_rate(positives, background)) == pytest.approx(0.2)


def test_without_defects_or_without_the_zone_there_is_no_rate():
    assert np.isnan(false_positive_rate(np.zeros(3), np.ones(3)))
    assert np.isnan(false_positive_rate(np.ones(3), np.zeros(3)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_rate_is_what_thresholding_the_pixels_gives(seed):
    rng = np.random.default_rng(seed)
    defect_scores, normal_scores = rng.integers(0, 6, 30), rng.integers(0, 6, 40)
    threshold = max(t for t in range(6) if (defect_scores >= t).mean() >= 0.7)
    positives = np.bincount(defect_scores, minlength=6)[::-1]
    normals = np.bincount(normal_scores, minlength=6)[::-1]
    assert float(false_positive_rate(positives, normals)) == pytest.approx((normal_scores >= threshold).mean())
