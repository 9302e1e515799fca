"""Many pictures, one after the other: the next ones are read while one is judged; order kept, memory bounded."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import numpy as np

from baad.errors import BundleError, ImageError, SettingError
from baad.runtime.frame import Frame
from baad.verdict.decide import Verdict

Source = TypeVar("Source")
Read = TypeVar("Read")
AHEAD = 2  # pictures read while one is judged
PATIENCE = 0.1  # seconds between two looks at whether anybody still wants what was read


@dataclass(frozen=True, eq=False)
class Judged:
    """One picture of a stream: a verdict, or the error that says why there is none."""

    source: Any  # as it was handed in: a path, an array, a frame
    pixels: np.ndarray | None  # uint8 [H, W, 3]
    verdict: Verdict | None
    error: ImageError | BundleError | None = None


def require_many(images: Any, method: str) -> None:
    """Raise SettingError for what is one picture: a name, a frame, an array that is no stack of them."""
    one = str(images) if isinstance(images, (str, os.PathLike)) else images.name if isinstance(images, Frame) else ""
    pixels = isinstance(images, np.ndarray) and images.dtype.kind in "buif"  # other arrays hold names
    if pixels and (images.ndim < 3 or (images.ndim == 3 and images.shape[2] in (1, 3, 4))):
        one = f"an array of shape {list(images.shape)}"  # whose rows would be taken for pictures
    if one:
        raise SettingError(f"{method} takes many pictures, and {one} is one. Give a list, or use predict.")


def read_ahead(
    sources: Iterable[Source],
    read: Callable[[Source], Read],
    ahead: int = AHEAD,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Source, Read | ImageError]]:
    """(source, what `read` makes of it), in their order; an ImageError of `read` comes in the place of its result.

    `sources` are drawn and read on another thread, at most `ahead` of them before they are asked for: with 0 none, as a
    camera wants it, whose frames would grow old. Whatever else goes wrong there is raised here. A source that waits,
    such as a camera, delays nothing that was read already. `meanwhile` is called before the first is asked for.
    """
    line: SimpleQueue[tuple[Any, Any]] = SimpleQueue()
    wanted, unwanted, end = threading.Semaphore(max(0, ahead)), threading.Event(), object()

    def next_wanted() -> bool:
        """Wait until one more may be drawn; whether anybody still wants it."""
        while not unwanted.is_set():
            if wanted.acquire(timeout=PATIENCE):
                return True
        return False

    def work() -> None:
        try:
            drawn = iter(sources)
            while next_wanted():
                source: Any = next(drawn, end)
                if source is end:
                    line.put((end, None))
                    return
                try:
                    found: Any = read(source)
                except ImageError as error:
                    found = error
                line.put((source, found))
                del source, found  # before the next one is waited for
        except BaseException as error:  # raised again where the results are taken
            line.put((end, error))

    threading.Thread(target=work, name="baad reading", daemon=True).start()
    try:
        meanwhile()
        while True:
            wanted.release()
            source, found = _take(line)
            if source is end:
                if found is not None:
                    raise found
                return
            yield source, found
            del source, found  # before the next one is waited for
    finally:
        unwanted.set()


def _take(line: "SimpleQueue[tuple[Any, Any]]") -> tuple[Any, Any]:
    """The next of the line, waited for in pieces: Windows hears of no Ctrl-C in a wait without end."""
    while True:
        try:
            return line.get(timeout=PATIENCE)
        except Empty:
            continue
