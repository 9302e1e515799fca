"""How long tasks speak: a bar with time left in a terminal, plain lines elsewhere, or nothing.

Every function that may take longer than two seconds takes a Progress. `say` and `warn` are for people; results
never go through here.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

LINE_EVERY = 10.0  # seconds between two plain lines of one task


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """`count` more units are done; `note` is shown beside the bar."""


class Progress(Protocol):
    """Where a long task reports to."""

    def say(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...
    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Task]: ...


class Silence:
    """Says nothing: for programs that embed BAAD, and for tests."""

    def say(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def advance(self, count: int = 1, note: str = "") -> None: ...

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Task]:
        yield self


class TerminalBars:
    """Bars with time left, on standard error so that results can be piped."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)  # a name may look like either

    def say(self, text: str) -> None:
        self._console.print(text)

    def warn(self, text: str) -> None:
        self._console.print(f"warning: {text}", style="yellow")

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Task]:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        shared = sys.stdout is not None and sys.stdout.isatty()  # results in a file or a pipe are none of a bar's
        with Bars(*columns, console=self._console, transient=True, redirect_stdout=shared) as bars:
            yield _BarTask(bars, bars.add_task(name, total=total, note=""))


class _BarTask:
    def __init__(self, bars: Bars, index: object) -> None:
        self._bars, self._index = bars, index

    def advance(self, count: int = 1, note: str = "") -> None:
        self._bars.update(self._index, advance=count, **({"note": note} if note else {}))  # type: ignore[arg-type]


class PlainLines:
    """One line every ten seconds, for logs and pipes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def warn(self, text: str) -> None:
        self.say(f"warning: {text}")

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Task]:
        yield _LineTask(self, name, total)


class _LineTask:
    def __init__(self, lines: PlainLines, name: str, total: int) -> None:
        self._lines, self._name, self._total = lines, name, total
        self._done, self._started = 0, time.monotonic()
        self._spoke, self._first = self._started, 0

    def advance(self, count: int = 1, note: str = "") -> None:
        now = time.monotonic()
        if self._done == 0 and count > 1 and now - self._started < 1:
            self._first = count  # work found done already: it says nothing about the speed
        self._done += count
        if now - self._spoke < LINE_EVERY:
            return
        self._spoke = now
        pace = (now - self._started) / max(1, self._done - self._first)
        left = format_seconds(pace * (self._total - self._done))
        self._lines.say(f"{self._name}: {self._done}/{self._total}, about {left} left{', ' + note if note else ''}")


def format_seconds(seconds: float) -> str:
    """Seconds as people say them: '8 s', '3 min', '1 h 20 min'."""
    if seconds < 90:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def choose_progress(quiet: bool = False) -> Progress:
    """Bars where standard error is a terminal, plain lines where it is not, silence on request."""
    if quiet:
        return Silence()
    return TerminalBars() if sys.stderr.isatty() else PlainLines()
