"""The files and folders that a verb will write: looked at before its work, which would else be lost at its end."""

import os
from collections.abc import Sequence
from pathlib import Path

from baad.atomic import is_device
from baad.data import coco, labelme, manifest
from baad.data.decode import show_path
from baad.data.files import IMAGE_SUFFIXES
from baad.data.folder import hold_masks
from baad.data.jsonfile import read_mentioned
from baad.data.maps import SHIFTED, map_path
from baad.data.part_masks import MARK
from baad.data.reading import searched_places
from baad.data.results import require_replaceable
from baad.data.sample import Category
from baad.errors import OutputError

ZIP = b"PK\x03\x04"  # how a model file begins, and every zip, docx and xlsx
MODEL_SUFFIX = ".baad"
LONGEST_HEADER = 10_000  # signs of a table's first line
PAGE = "README.md"  # what `baad bench` writes into its folder
PAGE_TITLES = ("Results", "Where the part is", "What the patch features are worth", "Parity", "Speed")
PAGE_MARK = "Written by `baad bench "  # in every such page: a title alone might be anybody's


def require_file(path: Path | str | None, option: str, stream: bool = True, grows: bool = False) -> None:
    """Raise OutputError where no text can be written to `path`, or a picture, labels or a model would be lost to it.

    None is always fine, and "-" for standard output if `stream` allows it. `option` is what the user wrote before it.
    `grows`: a file that is there is not replaced, but gets more lines.
    """
    if path is None or (stream and is_stream(path)):
        return
    _require_regular(Path(path), option, grows)
    suffixes = {Path(name).suffix.lower() for name in (path, os.path.realpath(path))}
    if suffixes & set(IMAGE_SUFFIXES) and os.path.exists(path):
        raise _refuse(path, option, "is a picture, which would be overwritten. Give the name of another file")
    if _begins_like_a_model(Path(path)):
        raise _refuse(path, option, "is a model file, which would be overwritten. Give the name of another file")
    if work := _find_work(Path(path)):
        raise _refuse(path, option, f"holds {work}, which would be lost. Give the name of another file")


def is_stream(path: Path | str | None) -> bool:
    """Whether "-" was given, which stands for standard output."""
    return str(path) == "-"


def require_model(path: Path) -> None:
    """Raise OutputError where no model file can be written to `path`, or another file than a model would be lost."""
    _require_regular(path, "-o")
    if os.path.isfile(path) and os.path.getsize(path) and not _is_model(path):
        raise _refuse(path, "-o", "is there already, and is no model file. Remove it, or give another name")


def require_folder(path: Path | None, option: str) -> None:
    """Raise OutputError where nothing can be written into the folder `path`, which need not exist; None is fine."""
    if path is not None:
        _require_room(path, option)


def require_page_folder(folder: Path | None, option: str) -> None:
    """Raise OutputError as `require_folder` does, or where the README.md in `folder` is no page of `baad bench`, which
    would replace it."""
    require_folder(folder, option)
    page = None if folder is None else folder / PAGE
    if page is not None and os.path.lexists(page) and not _is_page(page):
        raise _refuse(page, option, "is there already, and baad bench did not write it. Give another folder with --out")


def require_apart(folder: Path, category: Category, option: str) -> None:
    """Raise OutputError where what is written into `folder` would be read with the pictures the next time."""
    place = Path(os.path.realpath(folder))
    for searched in map(os.path.realpath, searched_places(category)):
        inside = place.is_relative_to(searched)
        if inside and not hold_masks(place.relative_to(searched).parts):
            problem = "lies among the pictures, and would be taken for pictures. Give another place"
            raise _refuse(folder, option, problem)


def require_home(write: Path, category: Category, option: str) -> None:
    """Raise OutputError where pictures written to a folder of the category's name in `write` would replace others than
    those of an earlier call, or be read with the category's own the next time."""
    home = write / category.name
    require_apart(home, category, option)
    if os.path.isdir(home) and os.listdir(home) and not os.path.isdir(home / SHIFTED):
        raise _refuse(home, option, "is there already, and baad stress did not write it. Give another folder")


def require_maps_apart(maps: Path, category: Category, option: str) -> None:
    """Raise OutputError where the map of a test picture below `maps` would be taken for a picture the next time, or
    would take the place of a file that is no result."""
    searched = {os.path.realpath(place) for place in searched_places(category)}
    places = [map_path(maps, category, image.path) for image in category.test]
    for folder in dict.fromkeys(place.parent for place in places):
        real = Path(os.path.realpath(folder))
        if searched & {str(place) for place in (real, *real.parents)}:
            problem = "lies among the pictures, and maps there would be taken for pictures. Give another place"
            raise _refuse(folder, option, problem)
    for place in places:
        require_replaceable(place)


def require_different(first: Path | str | None, second: Path | str | None, options: str) -> None:
    """Raise OutputError where both name the same file."""
    if first and second and os.path.realpath(first) == os.path.realpath(second):
        raise OutputError(f"{options} both name {show_path(first)}. Give each a file of its own.")


def require_same_table(path: Path, columns: Sequence[str], option: str) -> None:
    """Raise OutputError where a table that will be gone on with has other columns, as one of an older version has."""
    if not os.path.isfile(path) or not os.path.getsize(path):
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        found = file.readline(LONGEST_HEADER).rstrip("\r\n")
    if found != ",".join(columns):
        raise _refuse(path, option, "was begun with other columns, and goes on. Give the name of another file")


def _require_regular(path: Path, option: str, grows: bool = False) -> None:
    if is_stream(path):
        raise _refuse(path, option, "is standard output, where this is not written. Give the name of a file")
    if str(path).startswith("-"):
        raise OutputError(f"{option} is {path}, which looks like an option. Give the name of a file.")
    if os.path.isdir(path):
        raise _refuse(path, option, "is a folder. Give the name of a file")
    if is_device(path):
        raise _refuse(path, option, "is a device or a pipe. Give the name of a file")
    if grows and os.path.isfile(path):
        if not os.access(path, os.W_OK):
            raise _refuse(path, option, "is read-only for you. Give the name of another file")
        return
    _require_room(Path(os.path.realpath(path)).parent if os.path.islink(path) else path.parent, option)


def _require_room(folder: Path, option: str) -> None:
    """The folder, or the first one above it that exists, must be a folder and take files."""
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not os.path.isdir(there):
        raise _refuse(there, option, "is not a folder, so nothing can be written into it. Give another place")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _refuse(there, option, "does not take files: it is read-only for you. Give another place")


def _begins_like_a_model(path: Path) -> bool:
    try:
        return os.path.isfile(path) and path.open("rb").read(len(ZIP)) == ZIP
    except OSError:
        return False


def _find_work(path: Path) -> str:
    """What of somebody's work a file holds: a manifest by its name, annotations in COCO's or labelme's format, drawn
    zones, or the list beside masks of `baad masks` that tells which were painted; nothing for any other."""
    keys = read_mentioned(path)
    if (os.path.isfile(path) and path.name in manifest.NAMES) or keys(*coco.KEYS) or keys(*labelme.KEYS):
        return "labels of pictures"
    return "zones or painted masks" if keys("zones", "polygon") or keys(MARK) else ""


def _is_model(path: Path) -> bool:
    """Whether a file is a model, or was one by its beginning and its name: a damaged one may be replaced."""
    from baad.bundle import is_bundle

    return _begins_like_a_model(path) and (path.suffix.lower() == MODEL_SUFFIX or is_bundle(path))


def _is_page(path: Path) -> bool:
    """Whether `baad bench` wrote the file, by its first heading and what it says of itself."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return False
    return text.startswith(tuple(f"# {title}\n" for title in PAGE_TITLES)) and PAGE_MARK in text


def _refuse(path: Path | str, option: str, problem: str) -> OutputError:
    return OutputError(f"{option}: {show_path(path)} {problem}.")
