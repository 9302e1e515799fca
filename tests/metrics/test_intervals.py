import time

import numpy as np
import pytest

from baad.metrics.intervals import Interval, auroc_interval, draw_resamples, percentile_interval, resample_levels
from baad.metrics.ranking import auroc, count_levels


def test_every_resample_draws_as_many_of_each_stratum_as_there_are():
    strata = np.array([True, False, False, True, True])
    weights = draw_resamples(strata, 50, np.random.default_rng(0))
    assert (weights[:, strata].sum(1) == 3).all()
    assert (weights[:, ~strata].sum(1) == 2).all()
    assert (weights == 0).any()


def test_the_same_seed_draws_the_same():
    strata = np.arange(20) % 2 == 0
    first, second = (draw_resamples(strata, 10, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_resampled_levels_are_those_of_the_pictures_drawn():
    rng = np.random.default_rng(5)
    scores, positive = rng.integers(0, 5, 30), rng.random(30) < 0.5
    weights = draw_resamples(positive, 20, rng)
    figures = auroc(*resample_levels(scores, positive, weights))
    for row, figure in zip(weights.astype(int), figures, strict=True):
        by_hand = auroc(*count_levels(np.repeat(scores, row), np.repeat(positive, row)))
        assert figure == pytest.approx(float(by_hand))


def test_the_interval_is_the_middle_of_the_resamples():
    assert percentile_interval(np.arange(101.0), confidence=0.9) == pytest.approx(Interval(5, 95))
    assert percentile_interval(np.array([1, np.nan])) == Interval(1, 1)
    assert percentile_interval(np.array([np.nan])) is None


def test_the_interval_holds_the_true_figure_about_as_often_as_it_says():
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        positive = np.arange(80) < 40
        scores = rng.normal(size=80) + positive  # true AUROC: Phi(1 / sqrt 2) = .7602
        weights = draw_resamples(positive, 100, rng)
        interval = percentile_interval(auroc(*resample_levels(scores, positive, weights)))
        held += interval.low <= 0.7602 <= interval.high
    assert 50 <= held < 60


def test_an_auroc_of_one_is_no_surer_than_the_number_of_pictures_makes_it():
    few, many = auroc_interval(1.0, 9, 30), auroc_interval(1.0, 200, 200)
    assert few.high == many.high == 1
    assert few.low < 0.9 < 0.97 < many.low
    assert auroc_interval(0.0, 9, 30) == pytest.approx(Interval(0, 1 - few.low))
    even = auroc_interval(0.5, 20, 20)
    assert 0.3 < even.low < 0.35 and even.high == pytest.approx(1 - even.low)


@pytest.mark.parametrize(("true", "apart"), [(0.99, 3.290), (0.95, 2.326), (0.8, 1.190)])
def test_intervals_of_an_auroc_from_few_pictures_hold_the_true_one(true, apart):
    rng, held, trials = np.random.default_rng(0), 0, 300
    for _ in range(trials):
        positive = np.arange(39) >= 9
        scores = rng.normal(size=39) + positive * apart  # true AUROC: Phi(apart / sqrt 2)
        interval = auroc_interval(float(auroc(*count_levels(scores, positive))), 9, 30)
        held += interval.low <= true <= interval.high
    assert held / trials >= 0.93


def test_a_thousand_resamples_of_six_hundred_pictures_take_under_two_seconds():
    rng = np.random.default_rng(0)
    positive = np.arange(600) < 400
    started = time.process_time()
    auroc(*resample_levels(rng.normal(size=600), positive, draw_resamples(positive, 1000, rng)))
    assert time.process_time() - started < 2


def test_a_bootstrap_of_few_pictures_is_too_sure_of_an_auroc_near_one():
    rng, held, trials = np.random.default_rng(0), 0, 200
    positive = np.arange(39) >= 9
    for _ in range(trials):
        scores = rng.normal(size=39) + positive * 3.290  # true AUROC: .99
        weights = draw_resamples(positive, 200, rng)
        interval = percentile_interval(auroc(*resample_levels(scores, positive, weights)))
        held += interval.low <= 0.99 <= interval.high
    assert 0.55 <= held / trials <= 0.75  # what FEW of metrics/evaluate.py warns of
