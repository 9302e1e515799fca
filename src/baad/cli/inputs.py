"""The PATH words of a command line: files, folders, patterns, films, cameras, and '-' for a list on standard input."""

import glob
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import TextIO

from baad.data.decode import show_path
from baad.data.files import find_images
from baad.data.folder import hold_masks
from baad.data.results import is_result
from baad.errors import DataError, ImageError, MissingExtra, SettingError
from baad.runtime.detector import Opened, open_picture
from baad.runtime.frame import Frame, place_of
from baad.runtime.video import hide_secrets, is_live, is_remote, is_video, read_frames, require_opencv
from baad.runtime.watch import watch_folder

LONGEST = 65_536  # signs of a line: what is longer is no name
BYTE_ORDER_MARK = "\ufeff"  # with which some programs begin a file in UTF-8


@dataclass(frozen=True)
class Picture:
    """A picture to judge. `place` is where its results go below an output folder: no two pictures share one."""

    path: Path
    place: Path

    @property
    def name(self) -> str:
        """In results and messages."""
        return str(self.path)


@dataclass(frozen=True)
class Remark:
    """What is said in place of a picture. `skipped`: a `name` was given that stands for none."""

    text: str
    skipped: bool
    name: str = ""  # in results


Given = Picture | Frame | Remark


def find_pictures(words: Sequence[str], listed: TextIO, every: int = 1) -> Iterator[Given]:
    """All pictures that the words name, in their order; folders with everything below them, films frame by frame.

    '-' stands for the lines of `listed`, read one by one. A file that is named is given out whether it exists or
    not: reading it will tell. A folder without pictures, a pattern that matches nothing and a film that is not there
    raise DataError before anything is given out; with a list, which may have brought results by then, they are skipped
    with a remark. So is a film or camera that does not open, unless it is all that was named. Overlays and maps in a
    folder, which tell by their mark that they come from an earlier call, are left aside; DataError where nothing else
    was named. `every`: take each n-th frame.
    """
    sources: list[Iterable[Given]] = []
    for word in words:
        found = _find_listed(listed, every) if word == "-" else find_named(word, len(words) == 1, every)
        sources.append(found if "-" in words or _holds_frames(word) else _all_there(found))
    if any(word != "-" and _holds_frames(word) for word in words):
        require_opencv()
    aside: list[str] = []
    nothing = True
    for each in chain.from_iterable(sources):
        if isinstance(each, Remark) and each.skipped and len(words) == 1 and is_video(words[0]):
            raise DataError(each.text)
        if isinstance(each, Remark) and not each.skipped:
            aside += [each.text] if nothing else []
        else:
            nothing = False
        yield each
    if nothing and aside:
        told = "nothing is left to judge. Name files one by one to judge them all the same."
        raise DataError(f"{'; '.join(aside)}: {told}")


def _all_there(found: Iterable[Given]) -> list[Given]:
    """The same, all at once. Raises DataError if a name stands for nothing."""
    listed = list(found)
    for each in listed:
        if isinstance(each, Remark) and each.skipped:
            raise DataError(each.text)
    return listed


def is_endless(words: Sequence[str]) -> bool:
    """Whether the words may name more pictures than can be counted before the first is judged."""
    return any(word == "-" or _holds_frames(word) for word in words)


def require_ends(words: Sequence[str]) -> None:
    """Raise SettingError where a camera or a stream has other words behind it, which would wait until it is gone."""
    for camera, other in pairwise(words):
        if is_live(camera):
            told = f"{hide_secrets(camera)} may go on for ever, and {hide_secrets(other)} behind it would wait"
            raise SettingError(f"{told}. Name the camera last; start one call for each of several.")


def _holds_frames(word: str) -> bool:
    """Whether a word names a camera, or a film that is there, by itself or among what it matches."""
    names = _matches(word) if _is_pattern(word) else [word]
    return any(is_live(name) or is_remote(name) or (is_video(name) and os.path.isfile(name)) for name in names)


def _is_pattern(word: str) -> bool:
    """Whether a word stands for what it matches. The address of a stream may hold a '?', and names one thing."""
    return glob.has_magic(word) and not is_remote(word) and "\0" not in word and not os.path.exists(word)


def _matches(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern, recursive=True))


def watch_pictures(words: Sequence[str]) -> Iterator[Frame]:
    """The pictures that come into the one folder that the words name; no overlays and maps of BAAD's.

    Raises SettingError for anything else than one folder.
    """
    if len(words) != 1:
        raise SettingError(f"--watch takes one folder, and {len(words)} names came. Give the folder alone.")
    if is_live(words[0]) or is_remote(words[0]) or words[0] == "-":
        raise SettingError(f"--watch takes a folder, and {hide_secrets(words[0])} is none. Leave --watch out.")
    folder = Path(words[0])

    def read(path: Path) -> Frame:
        pixels, notes = open_picture(path)
        return Frame(str(path), path.relative_to(folder), pixels, notes=notes)

    yield from watch_folder(folder, read, is_result)


def open_given(each: Given) -> Opened:
    """What `Detector.stream` makes of what the words name. Raises ImageError for a remark: it is no picture."""
    if isinstance(each, Remark):
        raise ImageError(each.text)
    return open_picture(each.path if isinstance(each, Picture) else each)


def _find_listed(listed: TextIO, every: int) -> Iterator[Given]:
    read = _line_reader(listed)
    for number, line in enumerate(iter(read, "")):
        if len(line) == LONGEST and not line.endswith("\n"):
            told = f"standard input has a line of over {LONGEST:,} signs, which is no name. It is read no further."
            yield Remark(told, skipped=True)
            return
        name = (line if number else line.removeprefix(BYTE_ORDER_MARK)).rstrip("\r\n")
        if is_live(name):
            told = f"{hide_secrets(name)} on standard input: name a camera on the command line, it has no end"
            yield Remark(f"{told}.", skipped=True, name=hide_secrets(name))
        elif name.strip():
            yield from find_named(name, False, every)


def _line_reader(listed: TextIO) -> Callable[[], str]:
    """What reads the next line, or LONGEST signs of it; "" at the end.

    Standard input is read past Python's own buffer: a thread that waits in it would keep the program from ending.
    """
    try:
        number = listed.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return partial(listed.readline, LONGEST)
    own = open(number, encoding=listed.encoding, errors=listed.errors, closefd=False)  # noqa: SIM115  # ends with us
    return partial(own.readline, LONGEST)


def find_named(word: str, alone: bool, every: int = 1) -> Iterator[Given]:
    """The pictures of one word. `alone`: places of a folder's pictures need not begin with the folder's own name."""
    path = Path(word)
    if os.path.isdir(path):
        yield from _find_below(path, alone)
    elif _is_pattern(word):
        matches = _matches(word)
        if not matches:
            told = f"Nothing matches {show_path(word)}. Check the pattern, or give a folder."
            yield Remark(told, skipped=True, name=word)
        for match in matches:
            yield from find_named(match, False, every)
    elif is_video(word):
        yield from _find_frames(word, every)
    else:
        yield Picture(path, place_of(path))


def _find_frames(word: str, every: int) -> Iterator[Frame | Remark]:
    """The frames of a film or camera, or why there are none."""
    try:
        yield from read_frames(word, every)
    except (DataError, MissingExtra) as error:
        yield Remark(str(error), skipped=True, name=hide_secrets(word))


def _find_below(folder: Path, alone: bool) -> Iterator[Picture | Remark]:
    """The pictures of a folder, at any depth; masks, told by the names of their folders, and results are left aside."""
    try:
        found = find_images(folder, recursive=True)
    except DataError as error:
        yield Remark(str(error), skipped=True, name=str(folder))
        return
    if not found:
        told = f"{show_path(folder)} holds no pictures. Give a folder with PNG, JPEG, TIFF or BMP files."
        yield Remark(told, skipped=True, name=str(folder))
    aside: Counter[str] = Counter()
    for path in found:
        masks = [place for place in path.relative_to(folder).parts[:-1] if hold_masks([place])]
        if masks:
            aside[f"masks, in {min(masks)}"] += 1
        elif is_result(path):
            aside["results of an earlier call"] += 1
        else:
            yield Picture(path, path.relative_to(folder) if alone else place_of(path))
    for what, count in sorted(aside.items()):
        yield Remark(f"{show_path(folder)}: {count} left aside, {what}", skipped=False)
