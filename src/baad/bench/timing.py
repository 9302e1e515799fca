"""Times of several calls in one run, taken in turns, so that a busy machine slows all of them alike.

Beside the time on the wall stands the time that processors worked on a call. On a machine that others use too, the
wall's favours short calls, which finish between the others' turns; the processors' time hardly changes.
"""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Key = TypeVar("Key", bound=Hashable)
Clock = Callable[[], float]
SLICE = 0.05  # seconds that a call has before it is the next one's turn


@dataclass(frozen=True)
class Times:
    """Milliseconds of each call, [N]: on the wall, and of this process's processors, all threads together."""

    wall: np.ndarray
    processor: np.ndarray


def interleave(
    calls: Mapping[Key, Callable[[], object]],
    seconds: float,
    least: int = 3,
    wall: Clock = time.perf_counter,
    processor: Clock = time.process_time,
) -> dict[Key, Times]:
    """Times of every call, N at least `least`; about `seconds` in all.

    In each turn a call runs once untimed, which brings it back into the caches, then for about 50 ms, at least once.
    """

    def measure(call: Callable[[], object]) -> tuple[float, float]:
        began, worked = wall(), processor()
        call()
        return wall() - began, processor() - worked

    pace = {key: measure(call)[0] for key, call in calls.items()}  # also warms up
    found: dict[Key, list[tuple[float, float]]] = {key: [] for key in calls}
    end = wall() + seconds
    while wall() < end or any(len(times) < least for times in found.values()):
        for key, call in calls.items():
            call()
            for _ in range(max(1, round(SLICE / max(pace[key], 1e-6)))):
                found[key].append(measure(call))
            pace[key] = min(found[key])[0]
    return {key: Times(*(np.array(times) * 1000.0).T) for key, times in found.items()}
