"""Ctrl-C, the wish to end (SIGTERM) and a closed terminal (SIGHUP), answered between two pieces of work."""

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

WISHES = ("SIGINT", "SIGTERM", "SIGHUP")  # as far as the system has them: Windows knows of no SIGHUP


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
        _forget_closed_terminal()
        if again or not self._held:
            raise Stopped(signal_number)


def _forget_closed_terminal() -> None:
    """Lead outputs to nowhere that went to a terminal which is closed: writing there would fail, and end the work."""
    for output in (1, 2):
        with suppress(OSError):  # closed from the start
            if stat.S_ISCHR(os.fstat(output).st_mode) and not os.isatty(output):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, output)
                os.close(nowhere)


@contextmanager
def catch_stop() -> Iterator[Stop]:
    """Answer Ctrl-C, SIGTERM and SIGHUP by Stopped, inside the block. What the process ignores stays ignored.

    Only the main thread hears signals: elsewhere this does nothing.
    """
    stop, before = Stop(), {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in WISHES if hasattr(signal, name)):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, stop.answer)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
