"""A folder that pictures are put into while it is watched, such as by a camera's own program.

Nothing of the operating system is used but lists of files, so that network shares work too.
"""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from baad.data.decode import UnopenedFile
from baad.data.files import find_images
from baad.errors import DataError, ImageError
from baad.runtime.frame import Frame

EVERY, RARELY = 0.2, 10.0  # seconds between two looks, at least and at most
REST = 2.0  # times as long as a look took is waited before the next one: thousands of files keep no core busy
PATIENCE = 10.0  # seconds without a change after which a picture that cannot be read will not become whole any more
ABSENCE = 300.0  # seconds for which a picture that went away is remembered: one of several shares may be away for some

State = tuple[int, int]  # size, time of the last change in ns
Tried = Literal["", "broken", "locked"]  # not yet; in vain, until it changes; in vain, but what locks it may let go


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

    `read` raises ImageError for a file that is not whole yet. It is tried again when the file has changed, where it
    could not even be opened (UnopenedFile) at every look, and given out with its problem when neither helps for
    `patience` seconds; what is locked is tried on, and given out once more when it opens. A file that is written anew
    is a new picture. Those that `leave` is true of are left aside until they change. A folder below that cannot be
    listed is given out with its problem, once until it can be again. `until`: ends when this is set.

    Raises DataError where the folder is not there; one that goes away later or stands empty for a while, as a network
    share may, is waited for, and what was judged in it is remembered; where it stays away for `patience`, it is given
    out with that problem. Remembered is, for ABSENCE, what went away while other pictures stayed.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder to watch. Make it first, or check the name.")
    done: dict[Path, State] = {}
    missing: dict[Path, float] = {}  # of those done: since when they are away
    reported: dict[Path, State] = {}  # locked, and given out with that problem
    closed = _Closed(folder, now())
    unready: dict[Path, tuple[State, float, Tried]] = {}  # state, since when it was seen or tried, what came of that
    while until is None or not until.is_set():
        started = now()
        found, refused = _look(folder)
        pause = min(max(EVERY, REST * (now() - started)), RARELY)
        for error in closed.list_new(refused, now(), patience):
            if Path(error.filename) == folder or not leave(Path(error.filename)):
                yield _unlisted(error, folder)
        if not found:
            wait(pause)
            continue
        missing = {path: missing.get(path, now()) for path in done if path not in found and not _hides(refused, path)}
        done = {path: state for path, state in done.items() if now() - missing.get(path, now()) < ABSENCE}
        unready = {path: known for path, known in unready.items() if path in found}
        reported = {path: state for path, state in reported.items() if path in found}
        for path, state in found.items():
            if done.get(path) == state:
                continue
            if leave(path):
                done[path] = state
                continue
            known, since, tried = unready.get(path, (None, 0.0, ""))
            if known != state:  # new, or still growing: look again before it is read
                unready[path] = (state, now(), "")
                continue
            given_up = bool(tried) and now() - since >= patience and reported.get(path) != state
            if tried == "broken" and not given_up:
                continue
            answer = _try(path, read, given_up)
            after = _state(path)
            if after != state and not (after is None and _is_whole(answer)):  # written to since: it may be half read
                del unready[path]
                continue
            if isinstance(answer, Frame) and tried == "locked" and not _is_whole(answer):
                reported[path] = state
                yield answer
            elif isinstance(answer, Frame):
                done[path] = state
                unready.pop(path)
                yield answer
            else:
                unready[path] = (state, since if tried else now(), answer)
        wait(pause)


class _Closed:
    """The watched folder and those below it that cannot be listed, each told of once until it can be again."""

    def __init__(self, folder: Path, now: float) -> None:
        self._own, self._listed, self._told = str(folder), now, set[str]()

    def list_new(self, refused: list[OSError], now: float, patience: float) -> list[OSError]:
        """Those that are to be told of: the watched one when it has stayed away for `patience`, others at once."""
        names = {error.filename for error in refused}
        if self._own not in names:  # else nothing is known of those below
            self._listed, self._told = now, self._told & names
        waited_for = {self._own} if now - self._listed < patience else set()
        new = [error for error in refused if error.filename not in self._told | waited_for]
        self._told |= {error.filename for error in new}
        return new


def _try(path: Path, read: Callable[[Path], Frame], given_up: bool) -> Frame | Tried:
    try:
        return read(path)
    except ImageError as error:
        if given_up:
            return Frame(str(path), Path(path.name), None, str(error))
        return "locked" if isinstance(error, UnopenedFile) else "broken"


def _unlisted(error: OSError, folder: Path) -> Frame:
    """What is given out of a folder that cannot be listed."""
    told = f"{error.filename} cannot be listed: {error.strerror}. What comes into it is not judged."
    if Path(error.filename) == folder:
        return Frame(error.filename, Path(folder.name), None, f"{told} It is looked for until it is back.")
    return Frame(error.filename, Path(error.filename).relative_to(folder), None, told)


def _is_whole(answer: Frame | Tried) -> bool:
    """Whether a picture was read, which may have been moved away since."""
    return isinstance(answer, Frame) and answer.pixels is not None


def _hides(refused: list[OSError], path: Path) -> bool:
    """Whether a file may still be there, in a folder that cannot be listed."""
    return any(path.is_relative_to(error.filename) for error in refused)


def _look(folder: Path) -> tuple[dict[Path, State], list[OSError]]:
    """Every picture file below the folder, in natural order, with what changes when it is written to; and the folders
    below that cannot be listed, but for those that were just removed. Where it is the folder itself, that alone."""
    refused: list[OSError] = []
    states = {path: _state(path) for path in find_images(folder, recursive=True, refuse=refused.append)}
    own = [error for error in refused if Path(error.filename) == folder]
    if own:
        return {}, own
    refused = [error for error in refused if not isinstance(error, FileNotFoundError)]
    return {path: state for path, state in states.items() if state is not None}, refused


def _state(path: Path) -> State | None:
    """None for a file that went away. What cannot be looked at, such as a link to itself, is for reading to tell."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return (-1, -1)
    return (status.st_size, status.st_mtime_ns)
