import numpy as np
import pytest

from baad.verdict.calibration import Calibration
from baad.verdict.decide import decide
from baad.verdict.zones import ZoneShares

CALIBRATION = Calibration(threshold=2.0, pixel_threshold=3.0, scores=(0.0, 1.0, 2.0), false_alarm_rate=0.01, n=3)


def judge(score, **more):
    empty = np.zeros((2, 2), np.float32)
    zones = ZoneShares(part=0.0, border=0.0, background=1.0)
    return decide(
        score=score, calibration=CALIBRATION, regions=(), zones=zones, anomaly_map=empty, foreground=empty, **more
    )


@pytest.mark.parametrize(("score", "label"), [(1.9, "ok"), (2.0, "ok"), (np.nextafter(2.0, 3.0), "ng"), (-50.0, "ok")])
def test_a_picture_is_rejected_only_above_the_threshold(score, label):
    assert judge(score).label == label


def test_no_good_picture_of_the_calibration_is_rejected_when_the_highest_is_the_threshold():
    assert {judge(score).label for score in CALIBRATION.scores} == {"ok"}


def test_a_verdict_holds_what_it_rests_on():
    verdict = judge(2.5, notes=("another aspect",))
    assert (verdict.score, verdict.threshold, verdict.p_value) == (2.5, 2.0, 0.25)
    assert verdict.display == CALIBRATION.display(2.5) > 0.5
    assert (verdict.pixel_threshold, verdict.pixel_spread) == (3.0, CALIBRATION.pixel_spread)
    assert verdict.notes == ("another aspect",)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_picture_without_a_score_is_never_ok(score):
    with pytest.raises(ValueError, match="without a score"):
        judge(score)
