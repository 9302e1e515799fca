"""The PATH words of a command line: files, folders, patterns, and '-' for a list on standard input."""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from baad.data.decode import find_images, show_path
from baad.errors import DataError


@dataclass(frozen=True)
class Picture:
    """A picture to judge. `place` is where its results go below an output folder: no two pictures share one."""

    path: Path
    place: Path


def find_pictures(words: Sequence[str], listed: TextIO) -> Iterator[Picture]:
    """All pictures that the words name, in their order; folders with everything below them.

    '-' stands for the lines of `listed`, read one by one. A file that is named is given out whether it exists or
    not: reading it will tell. Raises DataError for a folder without pictures and a pattern that matches nothing.
    """
    for word in words:
        if word == "-":
            for line in listed:
                if line.strip():
                    yield from find_named(line.rstrip("\r\n"), alone=False)
        else:
            yield from find_named(word, alone=len(words) == 1)


def find_named(word: str, alone: bool) -> Iterator[Picture]:
    """The pictures of one word. `alone`: places of a folder's pictures need not begin with the folder's own name."""
    path = Path(word)
    if path.is_dir():
        pictures = find_images(path, recursive=True)
        if not pictures:
            raise DataError(f"{show_path(path)} holds no pictures. Give a folder with PNG, JPEG, TIFF or BMP files.")
        for picture in pictures:
            yield Picture(picture, picture.relative_to(path) if alone else place_of(picture))
    elif glob.has_magic(word) and not path.exists():
        matches = sorted(glob.glob(word, recursive=True))
        if not matches:
            raise DataError(f"Nothing matches {word}. Check the pattern, or give a folder.")
        for match in matches:
            yield from find_named(match, alone=False)
    else:
        yield Picture(path, place_of(path))


def place_of(path: Path) -> Path:
    """A path below an output folder: '/a/b.png' and 'a/b.png' -> 'a/b.png'; '..' is resolved first."""
    if ".." in path.parts:
        path = path.resolve()
    return path.relative_to(path.anchor)
