"""Scores of held-out good pictures -> thresholds, p-values and a display value.

Scores are raw: any real number, higher is stranger, comparable between pictures. A picture is rejected when its score
lies *above* the threshold; a score equal to the threshold passes. Calibration sees good pictures only.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np

from baad.errors import BundleError, DataError, SettingError, TrainingError
from baad.settings import LEAST_RATE
from baad.verdict.promise import promised_rate, rank_for

QUARTER_AT = 3.0  # spreads above the threshold at which `display` shows .75, and below it .25


@dataclass(frozen=True)
class Calibration:
    """What is known about good pictures that the network has not been trained on.

    `scores` and `pixel_maxima` (highest value of each picture's anomaly map) ascend. `false_alarm_rate` is the rate
    asked for, as a share; where a threshold was set by hand, the bound that it promises. `sessions` counts the
    recording sessions that the pictures come from; 0 where they are not known. Where some pictures are near copies of
    each other, `group_scores` and `group_maxima` are the highest score and pixel value of each group of them, ascending
    too, a picture unlike all others being a group of its own; empty where every picture is.
    """

    threshold: float  # of the image score
    pixel_threshold: float  # of the anomaly map
    scores: tuple[float, ...]
    false_alarm_rate: float
    n: int
    pixel_maxima: tuple[float, ...] = ()
    sessions: int = 0
    group_scores: tuple[float, ...] = ()
    group_maxima: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.n != len(self.scores) or self.n == 0:
            raise ValueError(f"n is {self.n} but there are {len(self.scores)} scores")
        groups = (self.group_scores, self.group_maxima)
        if len(self.group_scores) > self.n or len(self.group_maxima) != len(self.group_scores):
            raise ValueError(f"{len(self.group_scores)} and {len(self.group_maxima)} groups of {self.n} pictures")
        for values in (self.scores, self.pixel_maxima, *groups, (self.threshold, self.pixel_threshold)):
            if not all(map(math.isfinite, values)):
                raise ValueError("a score or threshold is not a finite number")
        if any(a > b for values in (self.scores, self.pixel_maxima, *groups) for a, b in pairwise(values)):
            raise ValueError("scores do not ascend")
        if not LEAST_RATE <= self.false_alarm_rate <= 1:
            raise ValueError(f"false_alarm_rate is {self.false_alarm_rate}, not in {LEAST_RATE:g} to 1")

    @property
    def spread(self) -> float:
        """Standard deviation of the good scores, in score units; 1 where they do not vary."""
        return _spread(self.scores)

    @property
    def pixel_spread(self) -> float:
        """Standard deviation of the good pictures' map maxima; 1 where they do not vary."""
        return _spread(self.pixel_maxima)

    @property
    def independent(self) -> tuple[float, ...]:
        """The scores that a promise counts, ascending: the highest of each group of near copies."""
        return self.group_scores or self.scores

    @property
    def above(self) -> int:
        """How many of the independent good scores lie above the threshold."""
        return len(self.independent) - bisect_right(self.independent, self.threshold)

    def p_value(self, score: float) -> float:
        """Share of good pictures that score at least this high, in [1 / (n + 1), 1].

        (1 + #{s_i >= score}) / (n + 1): a good picture gets a value of p or less with probability p at most
        (Vovk, Gammerman and Shafer 2005), if it comes from the same source as the held-out ones. Counts pictures: where
        some are near copies of each other, it is a share of pictures and no such promise.
        """
        return (1 + self.n - bisect_left(self.scores, score)) / (self.n + 1)

    def display(self, score: float) -> float:
        """Score on a scale of 0 to 1 for people: ascending, exactly .5 at the threshold.

        1 - .5 / (1 + x) above the threshold and .5 / (1 - x) below, x = (score - threshold) / (3 spreads). A logistic
        curve would show 1.0 for every score from 37 units on; this one keeps apart what a float can.
        """
        return float(to_display(score, self.threshold, self.spread))

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`; `from_json` gives back an equal Calibration."""
        groups = {"scores": list(self.group_scores), "pixel_maxima": list(self.group_maxima)}
        return {
            "threshold": self.threshold,
            "pixel_threshold": self.pixel_threshold,
            "false_alarm_rate": self.false_alarm_rate,
            "n": self.n,
            "sessions": self.sessions,
            "scores": list(self.scores),
            "pixel_maxima": list(self.pixel_maxima),
            **({"groups": groups} if self.group_scores else {}),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Calibration":
        """Read what `to_json` wrote. Raises BundleError where it is not that."""
        try:
            groups = content.get("groups", {"scores": (), "pixel_maxima": ()})
            return cls(
                threshold=float(content["threshold"]),
                pixel_threshold=float(content["pixel_threshold"]),
                scores=tuple(float(score) for score in content["scores"]),
                false_alarm_rate=float(content["false_alarm_rate"]),
                n=int(content["n"]),
                pixel_maxima=tuple(float(peak) for peak in content["pixel_maxima"]),
                sessions=int(content["sessions"]),
                group_scores=tuple(float(score) for score in groups["scores"]),
                group_maxima=tuple(float(peak) for peak in groups["pixel_maxima"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise BundleError(f"The calibration cannot be read ({error}). Train the model again.") from error


def fit_calibration(
    scores: Sequence[float] | np.ndarray,
    pixel_maxima: Sequence[float] | np.ndarray,
    sessions: Sequence[str],
    target_rate: float,
    near_copies: Sequence[int] = (),
) -> Calibration:
    """Choose both thresholds so that a share of `target_rate` of good pictures at most is flagged, 95 % sure.

    scores, pixel_maxima: [M], of good pictures that training did not see, scored as the line will score them.
    sessions: [M], the recording session of each picture, "" where it is not known.
    near_copies: [M], the same number for pictures that are near copies of each other, which count as one, their highest
    score and maximum standing for them; empty where none are.
    Where M is too small for the rate the threshold is the highest score; `promise.describe` says what that promises.

    Raises DataError without pictures, TrainingError where a score is not a finite number, SettingError for what is
    no rate between 0 and 1.
    """
    if not len(scores) == len(pixel_maxima) == len(sessions):
        raise ValueError(f"{len(scores)} scores, {len(pixel_maxima)} maxima and {len(sessions)} sessions")
    if len(near_copies) not in (0, len(scores)):
        raise ValueError(f"{len(scores)} scores and {len(near_copies)} numbers of near copies")
    if len(scores) == 0:
        raise DataError("No good picture is left to set the threshold with. Add pictures, or hold out a larger share.")
    if not (np.isfinite(scores).all() and np.isfinite(pixel_maxima).all()):
        raise TrainingError("The network gives scores that are not numbers. Train again with another seed.")
    ascending = tuple(sorted(float(score) for score in scores))
    ascending_maxima = tuple(sorted(float(peak) for peak in pixel_maxima))
    some = 0 < len(set(near_copies)) < len(ascending)
    group_scores = _highest_of_each(scores, near_copies) if some else ()
    group_maxima = _highest_of_each(pixel_maxima, near_copies) if some else ()
    return Calibration(
        threshold=conformal_threshold(group_scores or ascending, target_rate),
        pixel_threshold=conformal_threshold(group_maxima or ascending_maxima, target_rate),
        scores=ascending,
        false_alarm_rate=float(target_rate),
        n=len(ascending),
        pixel_maxima=ascending_maxima,
        sessions=len({session for session in sessions if session}),
        group_scores=group_scores,
        group_maxima=group_maxima,
    )


def conformal_threshold(ascending: Sequence[float], rate: float) -> float:
    """The highest value that new values of the same source exceed at a rate of `rate` at most, 95 % sure.

    That is the k-th highest of the given ones, k from `promise.rank_for`; where they are too few for `rate`, the
    highest. Raises SettingError for what is no rate between 0 and 1.
    """
    if not isinstance(rate, Real) or not LEAST_RATE <= rate < 1:
        advice = f"give a share between 0 and 1, such as 0.01 for 1 %; the least is {LEAST_RATE:g}"
        raise SettingError(f"The false-alarm rate is {rate!r}: {advice}.")
    return ascending[-max(1, rank_for(len(ascending), rate))]


def threshold_for(calibration: Calibration, rate: float) -> float:
    """Threshold of the image score for another false-alarm rate, a share between 0 and 1."""
    return conformal_threshold(calibration.independent, rate)


def at_rate(calibration: Calibration, rate: float) -> Calibration:
    """The same good pictures, both thresholds chosen anew for `rate`."""
    maxima = calibration.group_maxima or calibration.pixel_maxima
    return replace(
        calibration,
        threshold=threshold_for(calibration, rate),
        pixel_threshold=conformal_threshold(maxima, rate) if maxima else calibration.pixel_threshold,
        false_alarm_rate=float(rate),
    )


def at_threshold(calibration: Calibration, threshold: float) -> Calibration:
    """The same good pictures with an image threshold set by hand; the pixel threshold stays.

    `false_alarm_rate` becomes the bound that this threshold promises. Raises SettingError where it is no finite number.
    """
    if not isinstance(threshold, Real) or not math.isfinite(threshold):
        such = f"{calibration.threshold:.4g}"
        raise SettingError(f"The threshold is {threshold!r}: give a finite number, such as {such}.")
    by_hand = replace(calibration, threshold=float(threshold))
    return replace(by_hand, false_alarm_rate=promised_rate(len(by_hand.independent), above=by_hand.above))


def to_display(values: float | np.ndarray, threshold: float, spread: float) -> np.ndarray:
    """Raw values of any shape -> 0..1, ascending, exactly .5 at `threshold`; the formula of `Calibration.display`.

    Computed in the precision of `values`. spread: > 0, in the unit of the values.
    """
    distance = (np.asarray(values) - threshold) / (QUARTER_AT * spread)
    half = 0.5 / (1.0 + np.abs(distance))
    return np.where(distance > 0, 1.0 - half, half)


def _highest_of_each(values: Sequence[float] | np.ndarray, groups: Sequence[int]) -> tuple[float, ...]:
    """The highest value of each group, ascending: [M] and the group's number of each, [M] -> [groups]."""
    highest: dict[int, float] = {}
    for value, group in zip(values, groups):
        highest[group] = max(float(value), highest.get(group, -math.inf))
    return tuple(sorted(highest.values()))


def _spread(values: Sequence[float]) -> float:
    deviation = float(np.std(values)) if len(values) > 1 else 0.0
    return deviation if deviation > 1e-9 else 1.0
