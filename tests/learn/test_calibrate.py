import numpy as np
import pytest

from baad.data.sample import GoodImage
from baad.learn.calibrate import calibrate, find_peak
from baad.progress import Silence
from baad.runtime.detector import judge
from baad.runtime.session import RawMaps
from tests.factory import save_picture


class Brightness:
    """The score is the mean of a picture, its map the picture."""

    def run(self, picture):
        anomaly = picture[..., 0].astype(np.float32)
        return RawMaps(anomaly, np.ones_like(anomaly), float(anomaly.mean()))


def test_the_thresholds_are_those_of_the_scores_and_of_the_highest_places(tmp_path):
    held_out = []
    for number, level in enumerate((30, 10, 20)):
        picture = np.full((4, 4), level, np.uint8)
        picture[0, 0] += 16
        file = save_picture(tmp_path / f"{number}.png", picture)
        held_out.append(GoodImage(file, "mon" if number else "tue"))
    calibration, scores = calibrate(Brightness(), held_out, 0.05, Silence())
    assert scores == (31.0, 11.0, 21.0)  # in the order of the pictures
    assert (calibration.threshold, calibration.pixel_threshold) == (31.0, 46.0)
    assert (calibration.n, calibration.sessions, calibration.false_alarm_rate) == (3, 2, 0.05)


class Peaked:
    """A network of 32 px whose map is 0 but for one cell, as high as the picture is bright."""

    def run(self, image):
        anomaly = np.zeros((32, 32), np.float32)
        anomaly[16, 16] = image.max()
        return RawMaps(anomaly, np.ones((32, 32), np.float32), float(image.max()))

    def run_batch(self, images):
        return [self.run(image) for image in images]


@pytest.mark.parametrize("side", [8, 32, 64])
def test_a_picture_stranger_than_all_held_out_ones_has_a_region_however_small_it_is(tmp_path, side):
    def draw(level):
        return np.full((side, side, 3), level, np.uint8)

    held_out = [GoodImage(save_picture(tmp_path / f"{level}.png", draw(level))) for level in (10, 20, 30)]
    calibration, scores = calibrate(Peaked(), held_out, 0.01, Silence())
    assert scores == (10.0, 20.0, 30.0) and calibration.threshold == 30.0
    assert judge(Peaked().run(draw(30)), (side, side), calibration).regions == ()
    verdict = judge(Peaked().run(draw(60)), (side, side), calibration)
    assert verdict.label == "ng" and len(verdict.regions) == 1


def test_a_peak_is_levelled_only_along_a_side_on_which_the_picture_is_smaller():
    ridge = np.zeros((32, 32), np.float32)
    ridge[:, 16] = 1.0  # one cell wide
    assert find_peak(ridge, (32, 32)) == find_peak(ridge, (100, 100)) == 1.0
    assert find_peak(ridge, (8, 100)) == pytest.approx(1.0)
    assert find_peak(ridge, (100, 8)) < 0.3
