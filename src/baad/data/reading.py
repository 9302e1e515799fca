"""Folder or list -> Category, whatever its layout. The layout is recognised, or named by the user."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from baad.data import coco, labelme, loco, manifest, mvtec, visa
from baad.data.decode import show_path, text_of_path
from baad.data.entries import is_named_good, may_hold_defects
from baad.data.files import IMAGE_SUFFIXES, find_images, list_folders
from baad.data.folder import LAYOUT as PLAIN
from baad.data.folder import leave_out_masks, read_folder
from baad.data.masks import mask_file
from baad.data.part_masks import find_part_masks
from baad.data.sample import Category
from baad.data.table import TABLES
from baad.data.unread import find_unread
from baad.errors import DataError, SettingError


@dataclass(frozen=True)
class Layout:
    """One way to lay out a category. `looked_for` says in words what `recognise` looks for."""

    recognise: Callable[[Path], bool]
    read: Callable[[Path], Category]
    looked_for: str


LAYOUTS = {  # asked in this order; a plain folder takes what no other wants
    "manifest": Layout(manifest.is_manifest, manifest.read_manifest, f"a manifest ({manifest.LOOKED_FOR})"),
    "mvtec2": Layout(mvtec.is_mvtec_2, mvtec.read_mvtec_2, f"MVTec AD 2's layout ({mvtec.LOOKED_FOR_2})"),
    "loco": Layout(loco.is_loco, loco.read_loco, f"MVTec LOCO's layout ({loco.LOOKED_FOR})"),
    "btad": Layout(mvtec.is_btad, mvtec.read_btad, f"BTAD's layout ({mvtec.LOOKED_FOR_BTAD})"),
    "mvtec": Layout(mvtec.is_mvtec, mvtec.read_mvtec, f"MVTec AD's layout ({mvtec.LOOKED_FOR})"),
    "visa": Layout(visa.is_visa, visa.read_visa, f"VisA's layout ({visa.LOOKED_FOR})"),
    "coco": Layout(coco.is_coco, coco.read_coco, f"COCO annotations ({coco.LOOKED_FOR})"),
    "labelme": Layout(labelme.is_labelme, labelme.read_labelme_folder, f"labelme files ({labelme.LOOKED_FOR})"),
    "folder": Layout(lambda root: True, read_folder, f"good pictures at any depth ({', '.join(IMAGE_SUFFIXES)})"),
}
ANNOTATIONS = {"coco": coco.find_coco, "labelme": labelme.find_labelme}  # told by annotation files alone
ANNOTATED = {"coco": coco.read_coco, "labelme": labelme.read_labelme_folder}  # and where files are of the part
FOLDER_LAYOUTS = ("mvtec2", "loco", "btad", "mvtec", "visa")  # told by the names of folders alone


def read_category(root: Path | str, layout: str = "auto", part_masks: Path | None = None) -> Category:
    """Read a category; its `layout` says what the folder was recognised as.

    `root` is a folder, a manifest, or a COCO file. `layout` is "auto" or a key of LAYOUTS, which then is not
    questioned. With "auto", a folder that seems to hold defective pictures or several categories is refused rather
    than taken for normal pictures. `part_masks` is the user's folder of masks of the part, if any: with "auto",
    annotation files that lie there outline the part, not defects; without such files, what lies there is painted, and
    no picture.

    Raises DataError where the folder is missing, holds no pictures, or is refused; SettingError for another `layout`.
    """
    root = Path(root)
    check_layout(layout)
    if not os.path.exists(root):
        raise DataError(f"{show_path(root)}: there is no such folder. Check the name.")
    if os.path.isdir(root):
        name = layout if layout != "auto" else recognise_layout(root, part_masks)
    else:
        name = _recognise_file(root, layout)
    aside = part_masks if part_masks is not None and _is_inside(part_masks, root) else None
    category = ANNOTATED[name](root, aside) if name in ANNOTATED else LAYOUTS[name].read(root)
    category = replace(category, name=text_of_path(category.name))  # goes into texts that are UTF-8
    if aside is not None and name != "manifest":  # which lists no picture that is none
        category = _leave_out(category, aside)
    if layout == "auto" and name == "folder" and any(_outlines_part(key, root, part_masks) for key in ANNOTATIONS):
        category = replace(category, notes=(*category.notes, "the outlines among them are of the part"))
    if not category.train and not category.test:
        if name == "manifest" and (not os.path.isdir(root) or manifest.is_manifest(root)):
            raise DataError(f"{show_path(root)}: the manifest lists no pictures. Write a line for each.")
        looked_for = [each.looked_for for key, each in LAYOUTS.items() if key == name or layout == "auto"]
        noted = f" ({'; '.join(category.notes)})" if category.notes else ""
        raise DataError(f"{show_path(root)} holds no pictures{noted}. Looked for {'; for '.join(looked_for)}.")
    return category


def check_layout(layout: str) -> None:
    """Raises SettingError unless `layout` is "auto" or a key of LAYOUTS."""
    if layout != "auto" and layout not in LAYOUTS:
        *others, last = ("auto", *LAYOUTS)
        raise SettingError(f"layout is {layout!r}: give {', '.join(others)} or {last}.")


def describe_category(category: Category) -> str:
    """One line: what it was taken for, how many pictures, and what the reader decided."""
    counted = f"{len(category.train)} normal pictures"
    if category.test:
        defective = sum(image.defective for image in category.test)
        counted += f", {len(category.test)} test pictures ({defective} defective)"
    notes = "".join(f"; {note}" for note in category.notes)
    return f"{show_path(category.name)}: {category.layout}, {counted}{notes}"


def searched_places(category: Category) -> set[Path]:
    """The folders in which whatever picture comes to lie, at any depth, belongs to the category from then on."""
    if category.layout == manifest.LAYOUT:  # which names its pictures one by one
        return set()
    if category.layout in (coco.LAYOUT, labelme.LAYOUT, PLAIN):
        return {category.root}
    pictures = [*(image.path for image in category.train), *(image.path for image in category.test)]
    inside = (path.relative_to(category.root) for path in pictures if path.is_relative_to(category.root))
    return {category.root / path.parts[0] for path in inside}  # train, test


def recognise_layout(root: Path, part_masks: Path | None = None) -> str:
    """The key in LAYOUTS for a folder. Raises DataError where taking it for a folder of normals would be a mistake.

    Where all annotation files lie in `part_masks`, they mark no defects, and the folder is none of their layout.
    """
    for name, layout in LAYOUTS.items():
        if name != "folder" and layout.recognise(root) and not _outlines_part(name, root, part_masks):
            if name == "coco":
                _refuse_both(root, part_masks)
            return name
        if name == FOLDER_LAYOUTS[-1]:
            _refuse_several(root)  # before annotation files are looked for below
    _refuse_deep_annotations(root, part_masks)
    _refuse_unread(root, part_masks)
    _refuse_defects(root, part_masks)
    return "folder"


def _outlines_part(name: str, root: Path, part_masks: Path | None) -> bool:
    """Whether the folder has annotation files of that layout, all of them in the folder of masks of the part."""
    if part_masks is None or name not in ANNOTATIONS:
        return False
    files, place = list(ANNOTATIONS[name](root)), part_masks.resolve()
    return bool(files) and all(file.resolve().is_relative_to(place) for file in files)


def _recognise_file(root: Path, layout: str) -> str:
    """The layout of a file: a list of pictures, or COCO annotations. Raises DataError for any other."""
    suffix = root.suffix.lower()
    name = "manifest" if suffix in TABLES else "coco" if suffix == ".json" else ""
    if not name or layout not in ("auto", name):
        raise DataError(
            f"{show_path(root)} is a file. Give the folder that holds the pictures, a manifest "
            f"({', '.join(TABLES)}), or a COCO file (.json)."
        )
    return name


def _refuse_several(root: Path) -> None:
    """A folder of whole categories is not one category."""
    inside = [
        folder.name for folder in list_folders(root) if any(LAYOUTS[name].recognise(folder) for name in FOLDER_LAYOUTS)
    ]
    if inside:
        named = ", ".join(inside[:4]) + (" ..." if len(inside) > 4 else "")
        raise DataError(f"{show_path(root)} holds {len(inside)} categories ({named}). Give one of them.")


def _refuse_deep_annotations(root: Path, part_masks: Path | None) -> None:
    """Defects that a file outlines deeper than `read_coco` looks are not to be learnt as normal."""
    file = coco.find_deeper(root, part_masks)
    if file is not None:
        raise DataError(
            f"{show_path(root)} holds COCO annotations deep inside, {show_path(file)}, which may mark defects. "
            "Give that file, or the folder of its pictures; or the layout 'folder' if all are good after all."
        )


def _refuse_both(root: Path, part_masks: Path | None) -> None:
    """What labelme outlines beside COCO's annotations is not to be learnt as normal."""
    file = next(labelme.find_labelme(root, part_masks), None)
    if file is not None:
        raise DataError(
            f"{show_path(root)} holds COCO annotations, and a labelme file besides, {show_path(file)}. Say which of "
            "them counts, by the layout 'coco' or 'labelme', or take the others away."
        )


def _refuse_unread(root: Path, part_masks: Path | None) -> None:
    """Defects that a file outlines in a format unknown here are not to be learnt as normal."""
    file = find_unread(root, part_masks)
    if file is not None:
        raise DataError(
            f"{show_path(root)} holds annotations in a format that is not read, {show_path(file)}, which may mark "
            "defects. Export them as COCO with images, annotations and categories, or give the layout 'folder' if all "
            "pictures are good after all."
        )


def _refuse_defects(root: Path, part_masks: Path | None) -> None:
    """A folder with a sub-folder named for defects, or with others beside one named good, is not one of normals."""
    pictures = leave_out_masks(find_images(root, recursive=True), root)
    if part_masks is not None and _is_inside(part_masks, root):
        pictures = leave_out_painted(part_masks, pictures)
    places = {path.parent.relative_to(root).parts for path in pictures}
    names = {part for place in places for part in place}
    suspicious = sorted(name for name in names if may_hold_defects(name) or name.lower() == "test")
    for above, good in {(place[:depth], place[depth]) for place in places for depth in range(len(place))}:
        if is_named_good(good):
            beside = {place[len(above)] for place in places if len(place) > len(above) and place[: len(above)] == above}
            suspicious += sorted(beside - {good})
    if suspicious:
        raise DataError(
            f"{show_path(root)} has a folder named {suspicious[0]}, so not all of it can be normal pictures, and it is "
            f"not in {LAYOUTS['mvtec'].looked_for}, nor in another one known. Give the folder with the good pictures "
            "alone, or the layout 'folder' if they are all good after all."
        )


def _is_inside(folder: Path, root: Path) -> bool:
    place, whole = folder.resolve(), root.resolve()
    return place != whole and place.is_relative_to(whole)


def leave_out_painted(part_masks: Path, files: Sequence[Path]) -> list[Path]:
    """The files that are no masks of the part: those outside of the folder of such masks, and, where outlines lie in it
    as well, those inside that no picture outside has for its mask."""
    place = os.path.join(os.path.realpath(part_masks), "")
    outside = [file for file in files if not os.path.realpath(file).startswith(place)]
    if not any(list(find(part_masks)) for find in ANNOTATIONS.values()):
        return outside
    masks = {os.path.realpath(mask_file(mask)) for mask in find_part_masks(part_masks, outside).values()}
    return [file for file in files if os.path.realpath(file) not in masks]


def _leave_out(category: Category, part_masks: Path) -> Category:
    """The category without the user's painted masks of the part."""
    files = [image.path for image in category.train] + [image.path for image in category.test]
    kept = set(leave_out_painted(part_masks, files))
    train = tuple(image for image in category.train if image.path in kept)
    test = tuple(image for image in category.test if image.path in kept)
    notes = (f"{len(files) - len(kept)} masks of the part left aside",) if len(kept) < len(files) else ()
    return replace(category, train=train, test=test, notes=(*category.notes, *notes))
