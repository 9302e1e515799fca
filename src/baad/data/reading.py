"""Folder -> Category, whatever its layout. The layout is recognised, or named by the user."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from baad.data.decode import IMAGE_SUFFIXES, find_images, list_folders, show_path
from baad.data.folder import read_folder
from baad.data.mvtec import LOOKED_FOR, is_mvtec, read_mvtec
from baad.data.sample import Category
from baad.errors import DataError, SettingError


@dataclass(frozen=True)
class Layout:
    """One way to lay out a category. `looked_for` says in words what `recognise` looks for."""

    recognise: Callable[[Path], bool]
    read: Callable[[Path], Category]
    looked_for: str


LAYOUTS = {  # asked in this order; a plain folder takes what no other wants
    "mvtec": Layout(is_mvtec, read_mvtec, f"MVTec AD's layout ({LOOKED_FOR})"),
    "folder": Layout(lambda root: True, read_folder, f"good pictures at any depth ({', '.join(IMAGE_SUFFIXES)})"),
}
GOOD_FOLDERS = {"good", "normal", "ok"}
DEFECT_FOLDERS = {
    *("anomaly", "anomalies", "anomalous", "bad", "broken", "damaged", "defect", "defective", "defects"),
    *("faulty", "ko", "ng", "nok", "test"),
}


def read_category(root: Path | str, layout: str = "auto") -> Category:
    """Read a category; its `layout` says what the folder was recognised as.

    `layout` is "auto" or a key of LAYOUTS, which then is not questioned. With "auto", a folder that seems to hold
    defective pictures or several categories is refused rather than taken for normal pictures.

    Raises DataError where the folder is missing, holds no pictures, or is refused; SettingError for another `layout`.
    """
    root = Path(root)
    if layout != "auto" and layout not in LAYOUTS:
        raise SettingError(f"layout is {layout!r}: give auto, {' or '.join(LAYOUTS)}.")
    if not os.path.exists(root):
        raise DataError(f"{show_path(root)}: there is no such folder. Check the name.")
    if not os.path.isdir(root):
        raise DataError(f"{show_path(root)} is a file. Give the folder that holds the pictures.")
    name = layout if layout != "auto" else recognise_layout(root)
    category = LAYOUTS[name].read(root)
    if not category.train and not category.test:
        looked_for = [each.looked_for for key, each in LAYOUTS.items() if key == name or layout == "auto"]
        raise DataError(f"{show_path(root)} holds no pictures. Looked for {'; and for '.join(looked_for)}.")
    return category


def recognise_layout(root: Path) -> str:
    """The key in LAYOUTS for a folder. Raises DataError where taking it for a folder of normals would be a mistake."""
    for name, layout in LAYOUTS.items():
        if name != "folder" and layout.recognise(root):
            return name
    _refuse_several(root)
    _refuse_defects(root)
    return "folder"


def _refuse_several(root: Path) -> None:
    """A folder of whole categories is not one category."""
    inside = [folder.name for folder in list_folders(root) if is_mvtec(folder)]
    if inside:
        named = ", ".join(inside[:4]) + (" ..." if len(inside) > 4 else "")
        raise DataError(f"{show_path(root)} holds {len(inside)} categories ({named}). Give one of them.")


def _refuse_defects(root: Path) -> None:
    """A folder with a sub-folder named for defects, or with others beside one named good, is not one of normals."""
    places = {path.parent.relative_to(root) for path in find_images(root, recursive=True)}
    names = {part for place in places for part in place.parts}
    suspicious = sorted(name for name in names if name.lower() in DEFECT_FOLDERS)
    for good in (place for place in places if place.name.lower() in GOOD_FOLDERS):
        suspicious += sorted(place.name for place in places if place.parent == good.parent and place != good)
    if suspicious:
        raise DataError(
            f"{show_path(root)} has a folder named {suspicious[0]}, so not all of it can be normal pictures, and it is "
            f"not in {LAYOUTS['mvtec'].looked_for}. Give the folder with the good pictures alone, or the layout "
            "'folder' if they are all good after all."
        )
