"""Many pictures, one after the other: the next ones are read while one is judged; order kept, memory bounded."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Any, TypeVar

import numpy as np

from baad.errors import BundleError, ImageError
from baad.verdict.decide import Verdict

Source = TypeVar("Source")
Read = TypeVar("Read")
PATIENCE = 0.1  # seconds between two looks at whether anybody still wants what was read


@dataclass(frozen=True, eq=False)
class Judged:
    """One picture of a stream: a verdict, or the error that says why there is none."""

    source: Any  # as it was handed in: a path, an array, a frame
    pixels: np.ndarray | None  # uint8 [H, W, 3]
    verdict: Verdict | None
    error: ImageError | BundleError | None = None


def read_ahead(
    sources: Iterable[Source],
    read: Callable[[Source], Read],
    ahead: int = 2,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Source, Read | ImageError]]:
    """(source, what `read` makes of it), in their order; an ImageError of `read` comes in the place of its result.

    `sources` are drawn and read on another thread, at most `ahead` + 1 of them before they are asked for. Whatever
    else goes wrong there is raised here. A source that waits, such as a camera, delays nothing that was read already.
    `meanwhile` is called while the first is read.
    """
    line: Queue[tuple[Any, Any]] = Queue(maxsize=max(1, ahead))
    unwanted, end = threading.Event(), object()

    def put(source: Any, found: Any) -> bool:
        while not unwanted.is_set():
            try:
                line.put((source, found), timeout=PATIENCE)
                return True
            except Full:
                continue
        return False

    def work() -> None:
        try:
            for source in sources:
                try:
                    found: Any = read(source)
                except ImageError as error:
                    found = error
                if not put(source, found):
                    return
            put(end, None)
        except BaseException as error:  # raised again where the results are taken
            put(end, error)

    threading.Thread(target=work, name="baad reading", daemon=True).start()
    try:
        meanwhile()
        while True:
            try:
                source, found = line.get(timeout=PATIENCE)  # Windows hears of no Ctrl-C in a wait without end
            except Empty:
                continue
            if source is end:
                if found is not None:
                    raise found
                return
            yield source, found
            del source, found  # before the next one is waited for
    finally:
        unwanted.set()
