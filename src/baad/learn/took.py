"""How long something took, on the clock and of the processor."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Took:
    """Minutes on the clock, and of the processor, of all threads."""

    minutes: float = 0.0
    busy: float = 0.0

    def __add__(self, other: "Took") -> "Took":
        return Took(self.minutes + other.minutes, self.busy + other.busy)


def stopwatch() -> Callable[[], Took]:
    """What tells how long it was since."""
    began, busy = time.monotonic(), time.process_time()
    return lambda: Took((time.monotonic() - began) / 60.0, (time.process_time() - busy) / 60.0)
