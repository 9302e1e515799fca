"""Held-out normal pictures through the very code of the line -> thresholds."""

from collections.abc import Sequence

import numpy as np

from baad.data.decode import read_image
from baad.data.geometry import resize_map
from baad.data.sample import GoodImage
from baad.progress import Progress
from baad.runtime.tiles import Scorer
from baad.verdict.calibration import Calibration, fit_calibration


def calibrate(
    session: Scorer, held_out: Sequence[GoodImage], rate: float, progress: Progress, near_copies: Sequence[int] = ()
) -> tuple[Calibration, tuple[float, ...]]:
    """Score the held-out normals -> thresholds for a share of `rate` false alarms, and the scores in their order.

    near_copies: the same number for pictures that are near copies of each other; empty where none are.
    """
    scores, maxima = [], []
    with progress.task("held-out pictures", len(held_out)) as task:
        for image in held_out:
            picture = read_image(image.path)
            maps = session.run(picture)
            scores.append(maps.score)
            maxima.append(find_peak(maps.anomaly, (picture.shape[0], picture.shape[1])))
            task.advance()
    sessions = [image.session for image in held_out]
    return fit_calibration(np.array(scores), np.array(maxima), sessions, rate, near_copies), tuple(scores)


def find_peak(anomaly: np.ndarray, shape: tuple[int, int]) -> float:
    """The highest value of a map [h, w] as the line outlines it: along each side on which the picture, `shape` (H, W),
    is smaller than the map, the map is shrunk to it, which levels its peaks. Where it is larger, the line enlarges the
    map, which then peaks a little lower, between the cells: the threshold errs on the side of fewer outlines.
    """
    seen = (min(anomaly.shape[0], shape[0]), min(anomaly.shape[1], shape[1]))
    return float(resize_map(anomaly, seen).max())
