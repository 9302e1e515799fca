"""A folder that pictures are put into while it is watched, such as by a camera's own program.

Nothing of the operating system is used but lists of files, so that network shares work too.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from baad.data.decode import find_images
from baad.errors import DataError, ImageError
from baad.runtime.frame import Frame

EVERY = 0.2  # seconds between two looks
PATIENCE = 10.0  # seconds without a change after which a picture that cannot be read will not become whole any more

State = tuple[int, int]  # size, time of the last change in ns


def watch_folder(
    folder: Path,
    read: Callable[[Path], Frame],
    leave: Callable[[Path], bool] = lambda path: False,
    until: threading.Event | None = None,
    patience: float = PATIENCE,
    now: Callable[[], float] = time.monotonic,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[Frame]:
    """The pictures in a folder and below, each once, then those that come, as soon as each is whole. Never ends.

    `read` raises ImageError for a file that is not whole yet. It is tried again when the file has changed, and given
    out with its problem when it has not for `patience` seconds. A file that is written anew is a new picture.
    Those that `leave` is true of are left aside. `until`: ends when this is set. Raises DataError where the folder is
    not there; one that goes away later, as a network share may, is waited for.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder to watch. Make it first, or check the name.")
    done: dict[Path, State] = {}
    unready: dict[Path, tuple[State, float, bool]] = {}  # state, since when, whether it was tried in that state
    while until is None or not until.is_set():
        found = _states(folder)
        if found is None:
            wait(EVERY)
            continue
        done = {path: state for path, state in done.items() if path in found}
        unready = {path: known for path, known in unready.items() if path in found}
        for path, state in found.items():
            if done.get(path) == state or leave(path):
                continue
            known, since, tried = unready.get(path, (None, 0.0, False))
            if known != state:  # new, or still growing: look again before it is read
                unready[path] = (state, now(), False)
                continue
            given_up = now() - since >= patience
            if tried and not given_up:
                continue
            frame = _try(path, read, given_up)
            unready[path] = (state, since, True)
            if frame is not None:
                done[path] = state
                del unready[path]
                yield frame
        wait(EVERY)


def _try(path: Path, read: Callable[[Path], Frame], given_up: bool) -> Frame | None:
    try:
        return read(path)
    except ImageError as error:
        return Frame(str(path), Path(path.name), None, str(error)) if given_up else None


def _states(folder: Path) -> dict[Path, State] | None:
    """Every picture file below the folder, in natural order, with what changes when it is written to."""
    states = {}
    try:
        for path in find_images(folder, recursive=True):
            with suppress(FileNotFoundError):  # it went away between the two
                status = path.stat()
                states[path] = (status.st_size, status.st_mtime_ns)
    except (OSError, DataError):
        return None
    return states
