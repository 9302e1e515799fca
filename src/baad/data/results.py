"""The mark in overlays and maps of BAAD: it tells them from pictures of others, which they never replace."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from baad.data.decode import show_path
from baad.errors import OutputError

MARK = "BAAD result"  # as the software that wrote a PNG or TIFF file
SUFFIXES = (".png", ".tiff")  # of what is marked
HEAD = 1024  # bytes, in which the mark lies


def is_result(path: Path) -> bool:
    """Whether a file is an overlay or a map of an earlier call; False where it cannot be read. Reads its head alone."""
    if path.suffix.lower() not in SUFFIXES or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb", buffering=0) as file:
            return MARK.encode() in file.read(HEAD)
    except OSError:
        return False


def leave_out_results(files: Iterable[Path], tell: Callable[[Path], object]) -> list[Path]:
    """The files without those of earlier calls, which `tell` is told of. 100,000 PNG files take two seconds."""
    kept = []
    for path in files:
        if is_result(path):
            tell(path)
        else:
            kept.append(path)
    return kept


def note_results(results: Sequence[Path]) -> tuple[str, ...]:
    """What a category's notes say of results among its pictures."""
    return (f"{len(results)} overlays and maps of BAAD left aside",) if results else ()


def require_replaceable(path: Path) -> None:
    """Raise OutputError where a file lies at `path` that is no result of an earlier call, and would be lost.

    An empty one holds nothing to lose: a power cut leaves such, results are not synced one by one.
    """
    if os.path.exists(path) and not is_result(path) and not (os.path.isfile(path) and os.path.getsize(path) == 0):
        raise OutputError(
            f"{show_path(path)} is there already, is no result of BAAD, and would be lost. Give another folder."
        )
