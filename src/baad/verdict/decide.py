"""Verdict and decide(): the only place where OK or NG is written."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from baad.verdict.calibration import Calibration
from baad.verdict.regions import Region
from baad.verdict.zones import ZoneShares

Label = Literal["ok", "warn", "ng"]


@dataclass(frozen=True, eq=False)
class Verdict:
    """The decision on one picture of H x W, with all that it rests on.

    `score`, `threshold` and `anomaly_map` are raw (any real number) and comparable between pictures; nothing is
    stretched per picture. `label` is "ng" when the score lies above the threshold, else "ok"; "warn" when it does so
    only for places in which the user's drawn zones warn. Places that they ignore are not in the score.
    """

    label: Label
    score: float
    threshold: float
    p_value: float  # share of good pictures that score at least this high, in (0, 1]
    display: float  # 0..1 for people, .5 at the threshold
    regions: tuple[Region, ...]  # above `pixel_threshold`, highest peak first
    zones: ZoneShares  # of all above `pixel_threshold`; of the place shown in a picture that is not good without any
    anomaly_map: np.ndarray  # float32 [H, W]
    foreground: np.ndarray  # float32 [H, W] in 0..1: how surely a pixel belongs to the part
    pixel_threshold: float = 0.0
    pixel_spread: float = 1.0  # unit in which colours depart from the pixel threshold, > 0
    notes: tuple[str, ...] = ()  # what makes this verdict doubtful, in plain words


def decide(
    *,
    score: float,
    calibration: Calibration,
    regions: tuple[Region, ...],
    zones: ZoneShares,
    anomaly_map: np.ndarray,
    foreground: np.ndarray,
    notes: tuple[str, ...] = (),
    rejecting: float | None = None,
) -> Verdict:
    """Judge one picture. anomaly_map, foreground: float32 [H, W]; score: finite.

    `rejecting`: the score of the places alone in which an alarm rejects, where zones are drawn; None: all of them do.

    Regions and zones explain the verdict; the score alone makes it, so that the promised false-alarm rate holds.
    """
    if not np.isfinite(score):
        raise ValueError(f"score is {score}: a picture without a score cannot be judged")
    return Verdict(
        label=_label(score, score if rejecting is None else rejecting, calibration.threshold),
        score=score,
        threshold=calibration.threshold,
        p_value=calibration.p_value(score),
        display=calibration.display(score),
        regions=regions,
        zones=zones,
        anomaly_map=anomaly_map,
        foreground=foreground,
        pixel_threshold=calibration.pixel_threshold,
        pixel_spread=calibration.pixel_spread,
        notes=notes,
    )


def _label(score: float, rejecting: float, threshold: float) -> Label:
    if rejecting > threshold:
        return "ng"
    return "warn" if score > threshold else "ok"
