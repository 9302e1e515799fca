"""Times of several calls in one run, taken in turns, so that a busy machine slows all of them alike."""

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np

Key = TypeVar("Key", bound=Hashable)
SLICE = 0.05  # seconds that a call has before it is the next one's turn


def interleave(
    calls: Mapping[Key, Callable[[], object]],
    seconds: float,
    least: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Key, np.ndarray]:
    """Milliseconds of every timed call, [N] each, N at least `least`; about `seconds` in all.

    In each turn a call runs once untimed, which brings it back into the caches, then for about 50 ms, at least once.
    """
    pace = {key: _time(call, clock) for key, call in calls.items()}  # also warms up
    found: dict[Key, list[float]] = {key: [] for key in calls}
    end = clock() + seconds
    while clock() < end or any(len(times) < least for times in found.values()):
        for key, call in calls.items():
            call()
            for _ in range(max(1, round(SLICE / max(pace[key], 1e-6)))):
                found[key].append(_time(call, clock))
            pace[key] = min(found[key])
    return {key: np.array(times) * 1000.0 for key, times in found.items()}


def _time(call: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    call()
    return clock() - start
