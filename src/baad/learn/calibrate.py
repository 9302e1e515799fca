"""Held-out normal pictures through the very code of the line -> thresholds."""

from collections.abc import Sequence

import numpy as np

from baad.data.decode import read_image
from baad.data.sample import GoodImage
from baad.progress import Progress
from baad.runtime.tiles import Scorer
from baad.verdict.calibration import Calibration, fit_calibration


def calibrate(
    session: Scorer, held_out: Sequence[GoodImage], rate: float, progress: Progress
) -> tuple[Calibration, tuple[float, ...]]:
    """Score the held-out normals -> thresholds for a share of `rate` false alarms, and the scores in their order."""
    scores, maxima = [], []
    with progress.task("held-out pictures", len(held_out)) as task:
        for image in held_out:
            maps = session.run(read_image(image.path))
            scores.append(maps.score)
            maxima.append(float(maps.anomaly.max()))
            task.advance()
    sessions = [image.session for image in held_out]
    return fit_calibration(np.array(scores), np.array(maxima), sessions, rate), tuple(scores)
