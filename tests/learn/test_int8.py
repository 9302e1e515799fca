import numpy as np
import pytest

from baad.data.sample import GoodImage
from baad.learn import int8
from baad.learn.int8 import Int8Trial, refuse
from baad.learn.parity import Comparison
from baad.learn.witnesses import CANDIDATES, PATIENCE
from baad.verdict.calibration import fit_calibration
from tests.factory import save_picture


def calibrated(scores, rate=0.2):
    return fit_calibration(scores, scores, [""] * len(scores), rate)


def compared(map_error=0.1):
    return Comparison("OpenVINO 1", "int8", map_error=map_error, score_error=0.5, foreground_error=0.5, flips=3)


def tried(alarms=(1, 1), found=40, missed=0):
    return Int8Trial(10, alarms, found, missed)


GOOD = calibrated(np.linspace(0, 1, 20))


def test_int8_is_kept_where_it_promises_as_much_and_finds_as_much():
    assert refuse(GOOD, calibrated(np.linspace(0, 2, 20)), compared(), tried(missed=2)) == ""


def test_int8_that_would_flag_more_good_parts_is_refused():
    flat = calibrated([0.0] * 20)  # all scores alike: no threshold tells good parts apart
    assert "flag up to" in refuse(GOOD, flat, compared(), tried())


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ((compared(0.4), tried()), "maps are 40%"),
        ((compared(), tried(missed=3)), "misses 3 of 40"),
        ((compared(), tried(found=9)), "too few"),
    ],
)
def test_int8_that_sees_less_is_refused(facts, told):
    assert told in refuse(GOOD, GOOD, *facts)


def test_int8_that_flags_more_of_the_normal_training_pictures_is_refused():
    assert refuse(GOOD, GOOD, compared(), tried(alarms=(0, 2))) == ""  # a false-alarm rate of .2 allows 2 of 10
    assert "flags 4 of 10 normal training pictures, FP32 0" in refuse(GOOD, GOOD, compared(), tried(alarms=(0, 4)))
    assert refuse(GOOD, GOOD, compared(), tried(alarms=(4, 4))) == ""


def test_the_ranges_come_from_defects_that_no_witness_has(tmp_path, monkeypatch):
    files = [save_picture(tmp_path / f"{number}.png", np.zeros((8, 8), np.uint8)) for number in range(2)]
    drawn = []

    class Listening:
        def draw(self, picture, normal, number):
            drawn.append(number)
            return picture

    monkeypatch.setattr(int8, "read_onnx", lambda onnx: None)
    monkeypatch.setattr(int8, "quantize", lambda network, numbers, read: [read(number) for number in numbers])
    for name in ("write_ir", "read_session"):
        monkeypatch.setattr(int8, name, lambda *_: None)
    int8.quantize_network(b"", [GoodImage(file) for file in files], Listening(), tmp_path, 1)
    assert len(drawn) == 2 and min(drawn) > PATIENCE * CANDIDATES
