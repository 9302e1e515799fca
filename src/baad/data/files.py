"""The files of a folder: which of them are pictures or JSON by their suffix, and in which order they come."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from baad.data.decode import show_path
from baad.errors import DataError

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
UNREAD_SUFFIXES = (".heic", ".heif", ".avif", ".jp2", ".jxl")  # pictures, too: decoding says what to do
SUFFIXES = (*IMAGE_SUFFIXES, *UNREAD_SUFFIXES)


def find_images(
    folder: Path | str, recursive: bool = False, refuse: Callable[[OSError], None] | None = None
) -> list[Path]:
    """Picture files of a folder by their suffix, in natural order (2 before 10); hidden files are left out.

    Pictures in formats that cannot be read are among them, so that none is passed over without a word. Linked folders
    are followed, each once. Raises DataError where the folder is missing or cannot be listed; or calls `refuse` with
    the error, which tells the folder's name, and goes on.
    """
    found: list[Path] = []
    for place, names in walk_folders(folder, refuse or _refuse_folder):
        found += [Path(place, name) for name in names if name.lower().endswith(SUFFIXES)]
        if not recursive:
            break
    return sorted(found, key=natural_order)


def find_json(folder: Path) -> list[Path]:
    """JSON files that lie in the folder itself, by name; hidden ones are left out."""
    _, names = next(walk_folders(folder), ("", []))
    return [Path(folder, name) for name in sorted(names) if name.lower().endswith(".json")]


def walk_folders(
    folder: Path | str, refuse: Callable[[OSError], None] | None = None, aside: Path | None = None
) -> Iterator[tuple[str, list[str]]]:
    """The folder and those below it by name, but `aside`, each with the names of its files; hidden ones are left out.

    Linked folders are followed, each once. `refuse` is called with the error where a folder cannot be listed.
    """
    seen = {os.path.realpath(aside)} if aside is not None else set()
    for place, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        yield place, [name for name in files if not name.startswith(".")]


def list_folders(folder: Path) -> list[Path]:
    """The folders inside a folder by name, hidden ones left out; none where it is missing. Raises DataError."""
    if not os.path.isdir(folder):
        return []
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry) for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        _refuse_folder(error)


def natural_order(path: Path) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Sort key: folder by folder, digits compared as numbers."""
    return tuple(
        tuple((0, int(piece), piece) if piece.isdecimal() else (1, 0, piece) for piece in re.split(r"(\d+)", part))
        for part in path.parts
    )


def _refuse_folder(error: OSError) -> NoReturn:
    raise DataError(
        f"{show_path(error.filename)} cannot be listed: {error.strerror}. Give a folder that is there and readable."
    ) from error
