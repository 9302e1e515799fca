"""The PATH words of a command line: files, folders, patterns, and '-' for a list on standard input."""

import glob
import os
from collections import Counter
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


def find_pictures(words: Sequence[str], listed: TextIO, results: Sequence[Path] = ()) -> Iterator[Picture | Remark]:
    """All pictures that the words name, in their order; folders with everything below them.

    '-' stands for the lines of `listed`, read one by one. A file that is named is given out whether it exists or
    not: reading it will tell. A folder without pictures, and a pattern that matches nothing, raise DataError; with a
    list, which may have brought results by then, they are skipped with a remark. What lies in a folder of `results`
    inside a folder of pictures comes from an earlier call, and is left aside.
    """
    for word in words:
        found = _find_listed(listed, results) if word == "-" else find_named(word, len(words) == 1, results)
        for each in found:
            if "-" not in words and isinstance(each, Remark) and each.skipped:
                raise DataError(each.text)
            yield each


def _find_listed(listed: TextIO, results: Sequence[Path]) -> Iterator[Picture | Remark]:
    while line := listed.readline(LONGEST):
        if len(line) == LONGEST and not line.endswith("\n"):
            told = f"standard input has a line of over {LONGEST:,} signs, which is no name. It is read no further."
            yield Remark(told, skipped=True)
            return
        if line.strip():
            yield from find_named(line.rstrip("\r\n"), False, results)


def find_named(word: str, alone: bool, results: Sequence[Path]) -> Iterator[Picture | Remark]:
    """The pictures of one word. `alone`: places of a folder's pictures need not begin with the folder's own name."""
    path = Path(word)
    if not word:
        yield Remark("A name is empty. Give a picture, or . for the folder you are in.", skipped=True)
    elif os.path.isdir(path):
        yield from _find_below(path, alone, results)
    elif glob.has_magic(word) and not os.path.exists(path) and "\0" not in word:
        matches = sorted(glob.glob(word, recursive=True))
        if not matches:
            yield Remark(f"Nothing matches {show_path(word)}. Check the pattern, or give a folder.", skipped=True)
        for match in matches:
            yield from find_named(match, False, results)
    else:
        yield Picture(path, place_of(path))


def _find_below(folder: Path, alone: bool, results: Sequence[Path]) -> Iterator[Picture | Remark]:
    """The pictures of a folder, at any depth; masks, told by the names of their folders, and results are left aside."""
    try:
        found = find_images(folder, recursive=True)
    except DataError as error:
        yield Remark(str(error), skipped=True)
        return
    if not found:
        told = f"{show_path(folder)} holds no pictures. Give a folder with PNG, JPEG, TIFF or BMP files."
        yield Remark(told, skipped=True)
    earlier = [place for place in map(os.path.abspath, results) if _is_below(place, os.path.abspath(folder))]
    aside: Counter[str] = Counter()
    for path in found:
        masks = set(path.relative_to(folder).parts[:-1]) & set(MASK_FOLDERS)
        if masks:
            aside[f"masks, in {min(masks)}"] += 1
        elif any(_is_below(os.path.abspath(path), place) for place in earlier):
            aside["results of an earlier call"] += 1
        else:
            yield Picture(path, path.relative_to(folder) if alone else place_of(path))
    for what, count in sorted(aside.items()):
        yield Remark(f"{show_path(folder)}: {count} left aside, {what}", skipped=False)


def _is_below(path: str, folder: str) -> bool:
    """Whether an absolute path lies in a folder, at any depth."""
    return path.startswith(os.path.join(folder, ""))


def place_of(path: Path) -> Path:
    """A path below an output folder: '/a/b.png' and 'a/b.png' -> 'a/b.png'; '..' is resolved first."""
    if ".." in path.parts:
        path = path.resolve()
    return path.relative_to(path.anchor)
