import numpy as np
import pytest

from baad.learn.int8 import refuse
from baad.learn.parity import Comparison
from baad.verdict.calibration import fit_calibration


def calibrated(scores, rate=0.2):
    return fit_calibration(scores, scores, [""] * len(scores), rate)


def compared(map_error=0.1):
    return Comparison("OpenVINO 1", "int8", map_error=map_error, score_error=0.5, flips=3)


GOOD = calibrated(np.linspace(0, 1, 20))


def test_int8_is_kept_where_it_promises_as_much_and_finds_as_much():
    assert refuse(GOOD, calibrated(np.linspace(0, 2, 20)), compared(), found=40, missed=2) == ""


def test_int8_that_would_flag_more_good_parts_is_refused():
    flat = calibrated([0.0] * 20)  # all scores alike: no threshold tells good parts apart
    assert "flag up to" in refuse(GOOD, flat, compared(), found=40, missed=0)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"comparison": compared(0.4), "found": 40, "missed": 0}, "maps are 40%"),
        ({"comparison": compared(), "found": 40, "missed": 3}, "misses 3 of 40"),
        ({"comparison": compared(), "found": 9, "missed": 0}, "too few"),
    ],
)
def test_int8_that_sees_less_is_refused(facts, told):
    assert told in refuse(GOOD, GOOD, **facts)
