"""Ctrl-C and the wish to end (SIGTERM), answered between two pieces of work instead of in the middle of one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(KeyboardInterrupt):
    """Work was stopped from outside. `signal_number` says how: SIGINT is Ctrl-C."""

    def __init__(self, signal_number: int) -> None:
        super().__init__("stopped" if signal_number == signal.SIGINT else f"stopped by signal {signal_number}")
        self.signal_number = signal_number


class Stop:
    """Whether somebody asked to stop. While it is held, a first wish is noted and a second one raises at once."""

    def __init__(self) -> None:
        self.asked = 0  # number of the signal
        self._held = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """A piece of work that is done whole; raises Stopped at its end where somebody asked meanwhile."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        self.raise_if_asked()

    def raise_if_asked(self) -> None:
        """Raise Stopped where somebody asked to stop."""
        if self.asked:
            raise Stopped(self.asked)

    def answer(self, signal_number: int, frame: FrameType | None = None) -> None:
        """Handle a signal."""
        again, self.asked = bool(self.asked), signal_number
        if again or not self._held:
            raise Stopped(signal_number)


@contextmanager
def catch_stop() -> Iterator[Stop]:
    """Answer Ctrl-C and SIGTERM by Stopped, inside the block. What the process ignores stays ignored.

    Only the main thread hears signals: elsewhere this does nothing.
    """
    stop, before = Stop(), {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, stop.answer)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
