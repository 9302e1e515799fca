"""Write to a temporary name, then rename: a reader sees the old file or the whole new one, never half of it."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from baad.errors import OutputError

OPEN_FILES = ("/proc", "/dev/fd")  # where systems show what a program has open
MOST_LINKS = 40  # from one to the next, as in Linux: a ring of links ends, too


@contextmanager
def replacing(path: Path, synced: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without an exception.

    The caller writes a file, or makes a folder, under the temporary name. An exception leaves `path` as it was
    and removes what was written. A link stays, and what it leads to is replaced. No folder can be renamed over
    another: the old one is first renamed aside, to NAME.PID.before, where a process that is killed at that very
    moment leaves it.

    `synced`: wait until the file is on the disk before it gets its name, for what is written once. Without, a power cut
    in the next seconds may leave an empty file of that name.

    Raises OutputError where the folder cannot be written, the disk is full, or `path` is a device or a pipe, or the
    folder that the program runs in.
    """
    path = Path(path)
    whole = Path(os.path.realpath(path))  # where links lead; '.' has no name
    partial = whole.with_name(_name_beside(whole.name, "partial"))
    if _is_here(whole):
        raise OutputError(f"{path} is the folder you are in, which is not replaced. Give the name of another one.")
    if is_device(path):
        raise OutputError(f"{path} is a device or a pipe, which is never replaced. Give the name of a file.")
    try:
        whole.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        yield partial
        if synced:
            with partial.open("rb+") as file:  # Windows syncs nothing that is open for reading alone
                os.fsync(file.fileno())
        if os.path.isdir(partial) and os.path.isdir(whole):
            _replace_folder(partial, whole, whole.with_name(_name_beside(whole.name, "before")))
        else:
            os.replace(partial, whole)
    except BrokenPipeError:  # of another output that the block writes to: nothing is wrong with this one
        raise
    except OSError as error:
        raise _refuse(path, error) from error
    finally:
        _remove(partial)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where it is missing. Raises OutputError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refuse(path, error) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file at once, or not at all. It is on the disk then."""
    with replacing(path, synced=True) as partial:
        partial.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a whole UTF-8 text file at once, or not at all. It is on the disk then."""
    write_bytes(path, content.encode("utf-8"))


def is_device(path: Path | str) -> bool:
    """Whether a path is a device or a pipe, or leads to whatever a program has open, as /dev/stdout and /dev/fd/3 do.

    Behind /dev/stdout there may be a regular file, which is as little to be replaced as the link itself.
    """
    place = Path(os.path.abspath(path))
    for _ in range(MOST_LINKS):
        place = Path(os.path.realpath(place.parent), place.name)
        if any(map(place.is_relative_to, OPEN_FILES)):
            return True
        if not place.is_symlink():
            break
        place = place.parent / os.readlink(place)
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))


def _refuse(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(f"Cannot write {path}: {reason}. Choose a place that is writable and has room.")


def _is_here(path: Path) -> bool:
    """Whether it is the folder that the program runs in, which may be gone."""
    try:
        return path == Path(os.path.realpath(os.curdir))
    except OSError:
        return False


def _replace_folder(new: Path, path: Path, aside: Path) -> None:
    """Put the folder `new` in the place of the folder `path`, which is back there where that fails."""
    _remove(aside)
    try:
        os.rename(path, aside)
        os.rename(new, path)
    except BaseException:
        if os.path.isdir(aside) and not os.path.exists(path):
            os.rename(aside, path)
        raise
    _remove(aside)


def _name_beside(name: str, end: str) -> str:
    """NAME.PID.end; something shorter where file systems, which mostly end at 255 bytes, would not take that."""
    beside = f"{name}.{os.getpid()}.{end}"
    if len(os.fsencode(beside)) <= 255:
        return beside
    return f"{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.{os.getpid()}.{end}"


def _remove(path: Path) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):  # absent, or its parent is a file: the caller's own error says more
            path.unlink()
