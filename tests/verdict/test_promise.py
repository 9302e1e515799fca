import statistics

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from baad.verdict.calibration import at_rate, at_threshold, fit_calibration
from baad.verdict.promise import (
    describe,
    format_bound,
    images_needed,
    promised_by,
    promised_rate,
    rank_for,
    tell_not_kept,
)


def calibrate(n, rate=0.01, sessions=None):
    return fit_calibration(range(n), range(n), sessions or [""] * n, rate)


def test_the_highest_of_twenty_scores_promises_one_minus_the_twentieth_root_of_a_twentieth():
    assert promised_rate(20) == pytest.approx(1 - 0.05 ** (1 / 20), rel=1e-12)


@pytest.mark.parametrize(("n", "above"), [(1, 0), (21, 0), (21, 3), (300, 2), (5000, 40), (50, 49)])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_the_bound_is_the_beta_quantile(n, above, confidence):
    special = pytest.importorskip("scipy.special")
    expected = special.betaincinv(above + 1, n - above, confidence)
    assert promised_rate(n, confidence, above) == pytest.approx(expected, rel=1e-9)


def test_a_threshold_below_all_good_scores_promises_nothing():
    assert promised_rate(10, above=10) == 1.0


@given(st.integers(1, 2000), st.floats(0.001, 0.9), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_rank_keeps_the_rate_and_the_next_one_would_not(n, rate, confidence):
    rank = rank_for(n, rate, confidence)
    assert 0 <= rank <= n
    if rank > 0:
        assert promised_rate(n, confidence, rank - 1) <= rate + 1e-12
    assert promised_rate(n, confidence, rank) >= rate - 1e-12


@example(0.8999999999999999, 0.99)  # a hair's breadth from 2 pictures
@given(st.floats(0.0005, 0.9), st.sampled_from([0.5, 0.95, 0.99]))
def test_one_picture_less_than_needed_is_too_few(rate, confidence):
    needed = images_needed(rate, confidence)
    assert rank_for(needed, rate, confidence) >= 1
    if needed > 1:
        assert rank_for(needed - 1, rate, confidence) == 0


def test_twenty_one_pictures_are_said_to_be_too_few_for_one_per_cent():
    text = describe(calibrate(21))
    assert text.startswith(
        "With 21 held-out pictures, at most 13.3 % of good parts will be flagged, 95 % sure; for 1 % hold out 299."
    )


def test_those_who_bring_what_was_asked_for_get_what_was_promised():
    text = describe(calibrate(images_needed(0.01)))
    assert text.startswith("With 299 held-out pictures, at most 1 % of good parts will be flagged, 95 % sure.")


def test_another_rate_or_a_threshold_set_by_hand_changes_the_promise():
    assert "at most 4.8 %" in describe(at_rate(calibrate(299), 0.05))
    by_hand = describe(at_threshold(calibrate(21), 19.5))
    assert "at most 20.7 %" in by_hand
    assert "hold out 299" not in by_hand
    assert "promises nothing" in describe(at_threshold(calibrate(21), -1))


def test_scores_tied_with_the_threshold_do_not_make_the_promise_smaller():
    tied = fit_calibration([1.0, 5.0, 5.0], [0.0] * 3, [""] * 3, 0.01)
    assert format_bound(promised_rate(3, above=1)) in describe(tied)


def test_nobody_is_told_to_bring_what_is_there():
    tied = fit_calibration([5.0] * 400, [0.0] * 400, [""] * 400, 0.01)
    assert "hold out" not in describe(tied)
    assert "hold out 299" in describe(fit_calibration([5.0] * 298, [0.0] * 298, [""] * 298, 0.01))


def test_pictures_of_a_single_session_carry_a_warning():
    assert "All come from one recording session" in describe(calibrate(3, sessions=["mon"] * 3))
    assert "in 2 recording sessions" in describe(calibrate(3, sessions=["mon", "tue", "mon"]))
    assert "session" not in describe(calibrate(3))


@given(st.floats(1e-6, 1.0))
def test_a_printed_bound_is_never_smaller_than_the_bound(share):
    printed = float(format_bound(share).removesuffix(" %")) / 100
    assert share - 1e-9 <= printed <= share + 0.0011


def test_a_rate_that_the_pictures_cannot_keep_is_told_and_one_that_they_keep_is_not():
    assert tell_not_kept(calibrate(10, rate=0.001), "--false-alarms 0.1%") == (
        "--false-alarms 0.1% cannot be kept with 10 held-out pictures: the threshold is their highest score, 9, which "
        "promises 25.9 %; hold out 2995 for it"
    )
    assert tell_not_kept(calibrate(59, rate=0.05), "5%") == ""
    assert "1 held-out picture:" in tell_not_kept(calibrate(1), "1%")


def share_of_broken_promises(parts, rate, counting_groups, repeats=1000):
    """How often more is flagged than promised, where each part is in five pictures and scores are normal."""
    rng, shots, broken = np.random.default_rng(0), np.repeat(np.arange(parts), 5), 0
    for _ in range(repeats):
        scores = rng.normal(size=parts)[shots] + rng.normal(0, 0.01, len(shots))
        near_copies = shots if counting_groups else ()
        calibration = fit_calibration(scores, scores, [""] * len(shots), rate, near_copies)
        flagged = 1 - statistics.NormalDist(0, np.hypot(1, 0.01)).cdf(calibration.threshold)
        broken += flagged > promised_by(calibration)
    return broken / repeats


@pytest.mark.parametrize(("parts", "rate"), [(10, 0.01), (60, 0.1)])
def test_the_promise_holds_for_several_shots_of_each_part(parts, rate):
    assert share_of_broken_promises(parts, rate, counting_groups=True) <= 0.065  # 5 %, and two standard errors
    assert share_of_broken_promises(parts, rate, counting_groups=False) > 0.25


def test_near_copies_are_said_to_be_so_and_count_once():
    shots = np.repeat(np.arange(10), 5)
    calibration = fit_calibration(range(50), range(50), [""] * 50, 0.01, shots)
    assert describe(calibration) == (
        "With 50 held-out pictures in 10 groups of near copies, at most 25.9 % of good parts will be flagged, 95 % "
        "sure; for 1 % hold out 299 groups. This holds for pictures taken as these were."
    )
    assert tell_not_kept(calibration, "1%") == (
        "1% cannot be kept with 50 held-out pictures in 10 groups of near copies: the threshold is their highest "
        "score, 49, which promises 25.9 %; hold out 299 groups for it"
    )
    assert "every group has one above it" in describe(at_threshold(calibration, 3.5))
    assert at_threshold(calibration, 4.5).false_alarm_rate == promised_rate(10, above=9)
    assert "in 1 group of near copies" in describe(fit_calibration([1, 2], [1, 2], ["", ""], 0.01, [7, 7]))
