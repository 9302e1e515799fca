import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baad.errors import BundleError, DataError, SettingError, TrainingError
from baad.verdict.calibration import (
    Calibration,
    at_rate,
    at_threshold,
    conformal_threshold,
    fit_calibration,
    threshold_for,
    to_display,
)

finite = st.floats(-1e6, 1e6, allow_subnormal=False)


def calibrate(scores, rate=0.01):
    return fit_calibration(scores, [2 * score for score in scores], [""] * len(scores), rate)


def test_with_few_pictures_the_threshold_is_the_highest_score_and_nothing_more():
    calibration = calibrate([-3.0, 0.5, -1.0])
    assert calibration.threshold == 0.5
    assert calibration.pixel_threshold == 1.0
    assert calibration.scores == (-3.0, -1.0, 0.5)
    assert calibration.n == 3


def test_with_299_pictures_one_per_cent_needs_the_highest_and_with_1000_the_fifth():
    assert calibrate(range(299)).threshold == 298
    assert calibrate(range(1000)).threshold == 995


def test_a_p_value_counts_good_scores_at_least_as_high():
    calibration = calibrate([1.0, 2.0, 3.0])
    assert [calibration.p_value(score) for score in (0.0, 1.0, 2.5, 3.0, 9.0)] == [1.0, 1.0, 0.5, 0.5, 0.25]


@given(st.lists(finite, min_size=1, max_size=60), finite)
def test_a_p_value_agrees_with_a_plain_count(scores, score):
    expected = (1 + int(np.sum(np.array(scores) >= score))) / (len(scores) + 1)
    assert calibrate(scores).p_value(score) == expected


@settings(max_examples=15)
@given(st.lists(st.integers(-1000, 1000), min_size=61, max_size=80, unique=True), st.floats(0.05, 0.5))
def test_leaving_each_picture_out_in_turn_flags_no_larger_share_than_asked(scores, rate):
    flagged = [
        score > conformal_threshold(sorted(other for other in scores if other != score), rate) for score in scores
    ]
    assert np.mean(flagged) <= rate


def test_good_pictures_of_the_same_source_are_flagged_too_often_in_at_most_one_set_of_twenty():
    rng = np.random.default_rng(0)
    thresholds = [conformal_threshold(sorted(rng.uniform(size=200)), 0.05) for _ in range(2000)]
    rates = 1 - np.array(thresholds)  # of uniform scores the rate above a threshold is known
    assert 0.01 < np.mean(rates > 0.05) < 0.065


def test_display_is_one_half_at_the_threshold_and_three_quarters_three_spreads_above():
    calibration = calibrate([-2.0, 0.0, 2.0])
    assert calibration.display(calibration.threshold) == 0.5
    assert calibration.display(calibration.threshold + 3 * calibration.spread) == 0.75
    assert calibration.display(calibration.threshold - 3 * calibration.spread) == 0.25


@given(st.lists(finite, min_size=1, max_size=20), finite, finite)
def test_display_ascends_and_falls_on_the_verdicts_side_of_one_half(scores, one, other):
    calibration = calibrate(scores)
    low, high = sorted((one, other))
    assert 0 <= calibration.display(low) <= calibration.display(high) <= 1
    assert (calibration.display(one) > 0.5) <= (one > calibration.threshold)


def test_display_keeps_apart_scores_a_thousand_spreads_above_the_threshold():
    calibration = calibrate([-1.0, 1.0])
    assert calibration.display(1000.0) < calibration.display(1001.0) < calibration.display(1e9) < 1


def test_maps_and_scores_share_one_display():
    calibration = calibrate([0.0, 1.0, 5.0])
    scores = [-7.0, 0.3, 5.0, 40.0]
    shown = to_display(np.array(scores), calibration.threshold, calibration.spread)
    assert shown.tolist() == [calibration.display(score) for score in scores]


def test_scores_that_do_not_vary_still_have_a_display():
    assert calibrate([2.0]).display(2.0) == 0.5
    assert calibrate([2.0, 2.0]).display(5.0) == 0.75


def test_another_rate_moves_both_thresholds_and_keeps_the_scores():
    calibration = calibrate(range(1000))
    looser = at_rate(calibration, 0.10)
    assert looser.threshold == threshold_for(calibration, 0.10) < calibration.threshold
    assert looser.pixel_threshold == 2 * looser.threshold
    assert (looser.scores, looser.false_alarm_rate) == (calibration.scores, 0.10)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_a_smaller_rate_never_has_a_lower_threshold(one, other):
    calibration = calibrate(range(400))
    assert threshold_for(calibration, min(one, other)) >= threshold_for(calibration, max(one, other))


def test_a_threshold_set_by_hand_carries_the_rate_that_it_promises():
    calibration = calibrate(range(100))
    assert at_threshold(calibration, 99.5).false_alarm_rate == pytest.approx(0.0295, abs=1e-4)
    assert at_threshold(calibration, 89.5).false_alarm_rate > 0.10
    assert at_threshold(calibration, -5).false_alarm_rate == 1.0


def test_it_survives_the_way_through_json_exactly():
    calibration = fit_calibration([0.1, 1 / 3, -1e-300], [5.0, 6.5, 7.1], ["mon", "tue", "mon"], 0.01)
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration
    assert calibration.sessions == 2


@pytest.mark.parametrize(
    "change",
    [{"scores": None}, {"n": 7}, {"scores": [2.0, 1.0]}, {"threshold": float("nan")}, {"false_alarm_rate": 0.0}],
    ids=str,
)
def test_a_calibration_that_cannot_be_is_refused(change):
    content = calibrate([1.0, 2.0]).to_json() | change
    with pytest.raises(BundleError, match="calibration cannot be read"):
        Calibration.from_json(content)


def test_a_calibration_without_its_scores_is_refused():
    content = calibrate([1.0, 2.0]).to_json()
    del content["scores"]
    with pytest.raises(BundleError, match="scores"):
        Calibration.from_json(content)


def test_no_pictures_broken_scores_and_impossible_rates_are_said_plainly():
    with pytest.raises(DataError, match="No good picture"):
        calibrate([])
    with pytest.raises(TrainingError, match="not numbers"):
        calibrate([1.0, float("nan")])
    for rate in (0.0, 1.0, 5.0, -0.1, float("nan")):
        with pytest.raises(SettingError, match=r"0\.01 for 1 %"):
            calibrate([1.0], rate)
    for rate in (1e-10, 1e-19):
        with pytest.raises(SettingError, match="the least is 1e-09"):
            calibrate([1.0], rate)
    with pytest.raises(SettingError, match="finite"):
        at_threshold(calibrate([1.0]), float("inf"))
    for text in ("5%", None):
        with pytest.raises(SettingError, match="give a share"):
            at_rate(calibrate([1.0]), text)
        with pytest.raises(SettingError, match="give a finite number"):
            at_threshold(calibrate([1.0]), text)


@given(st.lists(finite, min_size=1, max_size=80), st.floats(0.02, 0.5), st.integers(1, 9))
def test_where_every_picture_is_its_own_group_nothing_changes(scores, rate, step):
    apart = fit_calibration(scores, scores, [""] * len(scores), rate, [step * n for n in range(len(scores))])
    plain = fit_calibration(scores, scores, [""] * len(scores), rate)
    assert apart == plain and json.dumps(apart.to_json()) == json.dumps(plain.to_json())
    assert "groups" not in plain.to_json()


def test_the_highest_of_each_group_of_near_copies_stands_for_it():
    shots = np.repeat(np.arange(59), 2)
    calibration = fit_calibration(range(118), range(118, 0, -1), [""] * 118, 0.1, shots)
    assert calibration.group_scores == tuple(range(1, 118, 2)) and calibration.group_maxima == tuple(range(2, 119, 2))
    assert calibration.threshold == calibration.group_scores[-2]  # of 59, not the sixth of 118
    assert calibration.pixel_threshold == calibration.group_maxima[-2]
    assert at_rate(calibration, 0.05).threshold == calibration.group_scores[-1] and calibration.n == 118
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


@pytest.mark.parametrize("groups", [None, [], {"scores": [1.0]}, {"scores": [2.0, 1.0], "pixel_maxima": [1.0, 2.0]}])
def test_groups_that_cannot_be_are_refused(groups):
    content = calibrate([1.0, 2.0, 3.0]).to_json()
    with pytest.raises(BundleError, match="calibration cannot be read"):
        Calibration.from_json({**content, "groups": groups})


def test_numbers_of_near_copies_must_be_as_many_as_scores():
    with pytest.raises(ValueError, match="2 scores and 1 numbers"):
        fit_calibration([1.0, 2.0], [1.0, 2.0], ["", ""], 0.1, [0])
