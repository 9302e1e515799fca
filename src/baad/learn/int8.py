"""Is INT8 good enough? It scores a little differently, so it gets thresholds of its own, and must earn its place.

Its thresholds come from its own scores of the held-out normals, for the same false-alarm rate. It is refused where they
promise less than those of FP32, or flag more of the training pictures than FP32 and than the rate allows; where it
misses drawn defects that FP32 finds; or where its maps are too far off.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from baad.data.decode import read_image
from baad.data.sample import GoodImage
from baad.data.spread import spread_evenly
from baad.learn.openvino_ir import quantize, read_onnx, read_session, write_ir
from baad.learn.parity import BOUNDS, Comparison
from baad.learn.witnesses import Painter, Witnesses
from baad.runtime.session import Session
from baad.runtime.tiles import Scorer
from baad.verdict.calibration import Calibration
from baad.verdict.promise import format_bound, promised_by

RANGED = 100  # normal pictures that the ranges come from, at most; each a second time with a defect drawn on it
APART = 2**31 - 1  # number of the defect drawn for the ranges: none that a witness has, whose misses are counted
MOST_MISSED = 0.05  # of the drawn defects that FP32 finds
FOUND = 10  # drawn defects that FP32 must find for that share to mean something


def quantize_network(onnx: bytes, fit: Sequence[GoodImage], painter: Painter, folder: Path, threads: int) -> Session:
    """Write an INT8 network into the folder and open it. fit: pictures that training saw, no held-out one.

    Ranges taken from normal pictures alone would cut off what defects do to the network, and flatten its maps.
    """
    chosen = spread_evenly(len(fit), RANGED).tolist()

    def read(number: int) -> np.ndarray:
        index = chosen[number // 2]
        picture = read_image(fit[index].path)
        return painter.draw(picture, index, APART) if number % 2 else picture

    write_ir(quantize(read_onnx(onnx), range(2 * len(chosen)), read), folder)
    return read_session(folder, threads)


def count_alarms(fit: Sequence[GoodImage], judges: Sequence[tuple[Scorer, float]]) -> tuple[int, list[int]]:
    """How many of the pictures that training saw are judged, and how many of them each (session, threshold) flags."""
    chosen = spread_evenly(len(fit), RANGED).tolist()
    alarms = [0] * len(judges)
    for index in chosen:
        picture = read_image(fit[index].path)
        for place, (session, threshold) in enumerate(judges):
            alarms[place] += session.run(picture).score > threshold
    return len(chosen), alarms


def count_missed(witnesses: Witnesses, session: Session, before: float, after: float) -> tuple[int, int]:
    """(drawn defects that FP32 finds, those of them that the session misses), at thresholds `before` and `after`."""
    found = [each for each in witnesses.drawn if each.score > before]
    return len(found), sum(session.run(witnesses.show(each)).score <= after for each in found)


@dataclass(frozen=True)
class Int8Trial:
    """What FP32 and INT8 said of the same pictures, each at its own threshold."""

    normals: int  # that training saw
    alarms: tuple[int, int]  # of FP32 and of INT8 on them
    found: int  # drawn defects that FP32 finds
    missed: int  # of them, by INT8


def refuse(before: Calibration, after: Calibration, comparison: Comparison, trial: Int8Trial) -> str:
    """Why INT8 is not good enough, a clause; empty where it is. before: FP32's calibration, after: INT8's own."""
    promised, wanted = promised_by(after), max(promised_by(before), before.false_alarm_rate)
    if promised > wanted:
        return f"it would flag up to {format_bound(promised)} of good parts, not {format_bound(wanted)}"
    allowed = max(trial.alarms[0], math.floor(wanted * trial.normals))
    if trial.alarms[1] > allowed:
        flagged = f"it flags {trial.alarms[1]} of {trial.normals} normal training pictures"
        return f"{flagged}, FP32 {trial.alarms[0]}, and {allowed} may be"
    bound = BOUNDS["int8"].map_error
    if comparison.map_error > bound:
        return f"its maps are {comparison.map_error:.0%} of their range off, more than {bound:.0%}"
    if trial.found < FOUND:
        return f"FP32 finds {trial.found} of the drawn defects, too few to compare with"
    if trial.missed > MOST_MISSED * trial.found:
        return f"it misses {trial.missed} of {trial.found} drawn defects that FP32 finds"
    return ""
