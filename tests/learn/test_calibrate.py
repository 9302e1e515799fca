import numpy as np

from baad.data.sample import GoodImage
from baad.learn.calibrate import calibrate
from baad.progress import Silence
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
