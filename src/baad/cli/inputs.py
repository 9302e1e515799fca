"""The PATH words of a command line: files, folders, patterns, and '-' for a list on standard input."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from baad.data.decode import find_images, show_path
from baad.data.folder import MASK_FOLDERS
from baad.errors import DataError

LONGEST = 65_536  # signs of a line: what is longer is no name


@dataclass(frozen=True)
class Picture:
    """A picture to judge. `place` is where its results go below an output folder: no two pictures share one."""

    path: Path
    place: Path


@dataclass(frozen=True)
class Remark:
    """What is said in place of a picture. `skipped`: a name was given that stands for none."""

    text: str
    skipped: bool


def find_pictures(words: Sequence[str], listed: TextIO) -> Iterator[Picture | Remark]:
    """All pictures that the words name, in their order; folders with everything below them.

    '-' stands for the lines of `listed`, read one by one. A file that is named is given out whether it exists or
    not: reading it will tell. A folder without pictures, and a pattern that matches nothing, raise DataError; with a
    list, which may have brought results by then, they are skipped with a remark.
    """
    for word in words:
        found = _find_listed(listed) if word == "-" else find_named(word, alone=len(words) == 1)
        for each in found:
            if "-" not in words and isinstance(each, Remark) and each.skipped:
                raise DataError(each.text)
            yield each


def _find_listed(listed: TextIO) -> Iterator[Picture | Remark]:
    while line := listed.readline(LONGEST):
        if len(line) == LONGEST and not line.endswith("\n"):
            told = f"standard input has a line of over {LONGEST:,} signs, which is no name. It is read no further."
            yield Remark(told, skipped=True)
            return
        if line.strip():
            yield from find_named(line.rstrip("\r\n"), alone=False)


def find_named(word: str, alone: bool) -> Iterator[Picture | Remark]:
    """The pictures of one word. `alone`: places of a folder's pictures need not begin with the folder's own name."""
    path = Path(word)
    if not word:
        yield Remark("A name is empty. Give a picture, or . for the folder you are in.", skipped=True)
    elif os.path.isdir(path):
        yield from _find_below(path, alone)
    elif glob.has_magic(word) and not os.path.exists(path) and "\0" not in word:
        matches = sorted(glob.glob(word, recursive=True))
        if not matches:
            yield Remark(f"Nothing matches {show_path(word)}. Check the pattern, or give a folder.", skipped=True)
        for match in matches:
            yield from find_named(match, alone=False)
    else:
        yield Picture(path, place_of(path))


def _find_below(folder: Path, alone: bool) -> Iterator[Picture | Remark]:
    """The pictures of a folder, at any depth; masks, told by the names of their folders, are left aside."""
    try:
        found = find_images(folder, recursive=True)
    except DataError as error:
        yield Remark(str(error), skipped=True)
        return
    pictures = [path for path in found if not set(path.relative_to(folder).parts[:-1]) & set(MASK_FOLDERS)]
    if len(pictures) < len(found):
        places = sorted({part for path in found for part in path.relative_to(folder).parts} & set(MASK_FOLDERS))
        told = f"{show_path(folder)}: {len(found) - len(pictures)} masks left aside, in {' and '.join(places)}"
        yield Remark(told, skipped=False)
    elif not found:
        told = f"{show_path(folder)} holds no pictures. Give a folder with PNG, JPEG, TIFF or BMP files."
        yield Remark(told, skipped=True)
    for path in pictures:
        yield Picture(path, path.relative_to(folder) if alone else place_of(path))


def place_of(path: Path) -> Path:
    """A path below an output folder: '/a/b.png' and 'a/b.png' -> 'a/b.png'; '..' is resolved first."""
    if ".." in path.parts:
        path = path.resolve()
    return path.relative_to(path.anchor)
