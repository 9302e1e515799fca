"""Annotation file in COCO's format, and its pictures -> Category.

    annotations.json, or annotations/instances_test.json, or test/_annotations.coco.json
    images: id, file_name, height, width;  categories: id, name;  annotations: image_id, category_id, segmentation

A picture with annotations is defective, and their categories are its kind; one without is good, unless it lies in a
folder named for defects. Categories named good, normal or ok mark nothing. Whether a picture is for learning or for
testing is told by its folder, else by the name of the annotation file: train, or test and val; where neither does, good
pictures are learnt from. Pictures that the file does not list are left aside, except good ones in a folder named so.
What several files say of a picture counts together; if one of them is for testing, so is the picture.

Segmentations are polygons, or runs (RLE) as numbers or packed into text. A picture with a defect that has nothing but
a box counts for image figures only.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PureWindowsPath
from typing import Any

from baad.data.decode import show_path
from baad.data.entries import (
    Entry,
    Half,
    defects_of_folders,
    half_of,
    half_of_folders,
    is_named_good,
    join_kinds,
    kind_of_label,
    make_category,
)
from baad.data.files import find_images, find_json, list_folders
from baad.data.folder import PART_FOLDERS, hold_masks, leave_out_masks, walk_outside_part
from baad.data.jsonfile import mentions, read_json, refuse
from baad.data.outlines import check_shape, check_size, to_points
from baad.data.results import leave_out_results
from baad.data.sample import Category, Outlines, Shape
from baad.errors import DataError

LAYOUT = "COCO"
SHOWN = 20  # missing pictures told at once
KEYS = ("images", "annotations", "categories")
LOOKED_FOR = "a JSON file with COCO's images and annotations"


@dataclass
class _Listed:
    """A picture as the annotation file lists it, while its annotations are gathered."""

    path: Path | None
    name: str
    record: dict[str, Any]
    file: Path  # that lists it
    labels: list[str] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    boxed: bool = False


def is_coco(root: Path) -> bool:
    """Whether the folder, annotations/ or another folder in it holds a file of COCO's format."""
    return bool(find_coco(root))


def read_coco(root: Path, part_masks: Path | None = None) -> Category:
    """Read an annotation file, or all those of a folder but those in `part_masks`, with its pictures.

    Raises DataError where one is damaged.
    """
    files = [root] if os.path.isfile(root) else find_coco(root, part_masks)
    folder = root.parent if os.path.isfile(root) else root
    if os.path.isfile(root) and folder.name == "annotations":
        folder = folder.parent
    pictures = find_images(folder, recursive=True)
    plain = leave_out_results(leave_out_masks(pictures, folder), lambda path: None)  # counted with what is not listed
    named = _by_name(pictures) | _by_name(plain)  # a mask or an overlay of the same name is not meant
    listed = [each for file in files for each in _read_file(file, named)]
    gathered = _gather(listed)
    entries = {path: _to_entry(path, folder, listings) for path, listings in gathered.items()}
    missing = [
        f"{show_path(each.file)}: its picture {show_path(each.name)} is not in {show_path(folder)}."
        for each in listed
        if each.path is None
    ]
    boxed = sum(_is_boxed(listings) for listings in gathered.values())
    good = [path for path in plain if path not in entries and is_named_good(path.parent.name)]
    rest = len([path for path in pictures if path not in entries]) - len(good)
    entries |= {path: Entry(path, "good", half_of_folders(path.relative_to(folder).parts[:-1])) for path in good}
    if missing:
        more = f"... and {len(missing) - SHOWN} pictures more. " if len(missing) > SHOWN else ""
        raise DataError("\n".join([*missing[:SHOWN], f"{more}Copy what is missing there, or export anew."]))
    counted = {
        "pictures left aside: the annotations do not list them": rest,
        "pictures have defects with a box alone: they count for image figures only": boxed,
    }
    notes = [f"{number} {what}" for what, number in counted.items() if number]
    return make_category(folder.resolve().name, folder, LAYOUT, entries.values(), notes)


def unpack_runs(text: str) -> tuple[int, ...]:
    """COCO's packed runs -> lengths: 5 bits a sign, lowest first, from the fourth on relative to the last but one.

    Raises ValueError where the text ends amidst a number or holds other signs.
    """
    runs: list[int] = []
    number = bits = 0
    for sign in text:
        chunk = ord(sign) - 48
        if not 0 <= chunk < 64 or bits > 60:
            raise ValueError(f"{sign!r} cannot stand there")
        number |= (chunk & 31) << bits
        bits += 5
        if not chunk & 32:
            number -= (1 << bits) if chunk & 16 else 0
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number = bits = 0
    if bits:
        raise ValueError("it ends amidst a number")
    return tuple(runs)


def find_coco(root: Path, aside: Path | None = None) -> list[Path]:
    """Files of COCO's format in the folder and in those right below it, but the folder `aside`."""
    below = [folder for folder in list_folders(root) if not hold_masks([folder.name], PART_FOLDERS)]
    folders = [each for each in (root, *below) if aside is None or each.resolve() != aside.resolve()]
    return [file for folder in folders for file in find_json(folder) if mentions(file, *KEYS)]


def find_deeper(root: Path, aside: Path | None = None) -> Path | None:
    """A file of COCO's format that lies too deep for `find_coco`, and not in the folder `aside`, if there is one."""
    places = (place for place, _ in walk_outside_part(root, aside))
    deep = (place for place in places if len(place.relative_to(root).parts) > 1)
    return next((file for folder in deep for file in find_json(folder) if mentions(file, *KEYS)), None)


def _by_name(pictures: Sequence[Path]) -> dict[str, list[Path]]:
    named: dict[str, list[Path]] = defaultdict(list)
    for path in pictures:
        named[path.name].append(path)
    return named


def outline_pictures(files: Sequence[Path], pictures: Sequence[Path]) -> dict[Path, Outlines]:
    """All that annotation files outline in some pictures, whatever the categories; boxes alone are no outlines.

    Raises DataError where a file is damaged, or two state other sizes of a picture.
    """
    named = _by_name(pictures)
    listed = [each for file in files for each in _read_file(file, named, all_labels=True) if each.shapes]
    return {path: _unite(listings) for path, listings in _gather(listed).items()}


def _gather(listed: Iterable[_Listed]) -> dict[Path, list[_Listed]]:
    """All that the files say of each picture that is there."""
    gathered: dict[Path, list[_Listed]] = defaultdict(list)
    for each in listed:
        if each.path is not None:
            gathered[each.path].append(each)
    return gathered


def _read_file(file: Path, pictures: dict[str, list[Path]], all_labels: bool = False) -> list[_Listed]:
    """All pictures of one annotation file with their labels and shapes; those named good only with `all_labels`."""
    record = read_json(file)
    images, annotations, categories = (_records(record, key, file) for key in ("images", "annotations", "categories"))
    names = {_number(each, "id", file): str(each.get("name", "defect")) for each in categories}
    bare = {str(each.get("file_name")) for each in images}
    among = any(file.parent / name in pictures.get(name, ()) for name in bare)
    listed = {_number(each, "id", file): _list_picture(each, file, pictures, among) for each in images}
    for each in images:
        name, last = _name_of(each), listed[_number(each, "id", file)].name
        if str(name) != last:
            problem = f"{show_path(str(name))} and {show_path(last)} have the same id, {each['id']}"
            raise refuse(file, problem, "Give each picture its own, in the annotations, too")
    for index, each in enumerate(annotations):
        picture = listed.get(_number(each, "image_id", file))
        if picture is None:
            raise refuse(file, f"annotation {index} is for a picture that the file does not list")
        label = names.get(_number(each, "category_id", file), "defect")
        if all_labels or kind_of_label(label) != "good":
            picture.labels.append(label)
            shape = _read_segmentation(each.get("segmentation"), picture, file, f"annotation {index}")
            picture.boxed = picture.boxed or shape is None
            picture.shapes += [shape] if shape else []
    return list(listed.values())


def _list_picture(record: dict[str, Any], file: Path, pictures: dict[str, list[Path]], among: bool) -> _Listed:
    """The picture whose path ends as file_name does: the nearest to the annotation file, if there are several.

    Where the file lies `among` the pictures that it lists, a name without folders is meant of none that lies elsewhere.
    """
    name = _name_of(record)
    ending = tuple(part for part in name.parts if part not in ("/", "\\", ".", ".."))
    found = [path for path in pictures.get(name.name, []) if path.parts[-len(ending) :] == ending]
    if among and len(ending) == 1:
        found = [path for path in found if path.is_relative_to(file.parent)]
    beside = [path for path in found if path == file.parent / name.as_posix()]
    if len(found) > 1 and not beside:
        raise refuse(file, f"{name} may be {found[0]} or {found[1]}", "Give file_name with its folder")
    return _Listed(next(iter(beside or found), None), str(name), record, file)


def _name_of(record: dict[str, Any]) -> PureWindowsPath:
    """What a record of COCO's calls its picture; either slash divides folders."""
    return PureWindowsPath(str(record.get("file_name", "")))


def _read_segmentation(value: object, picture: _Listed, file: Path, name: str) -> Shape | None:
    """The shape of an annotation; None where it has nothing but a box."""
    if value in (None, [], {}):
        return None
    size = check_size(picture.record.get("height"), picture.record.get("width"), file, picture.name)
    if isinstance(value, dict):
        counts = value.get("counts")
        try:
            runs = unpack_runs(counts) if isinstance(counts, str) else tuple(int(length) for length in counts or ())
        except (TypeError, ValueError, OverflowError) as error:
            raise refuse(file, f"the runs of {name} cannot be read ({error})") from error
        if value.get("size") != list(size) or not runs:
            raise refuse(file, f"the runs of {name} are not of the size of {picture.name}")
        return check_shape(Shape(runs=runs), size, file, name)
    rings = tuple(to_points(ring, file, name) for ring in value) if isinstance(value, list) else ()
    if not rings or not all(rings):
        raise refuse(file, f"{name} has no polygon that can be read")
    return check_shape(Shape(rings=rings), size, file, name)


def _to_entry(path: Path, folder: Path, listings: Sequence[_Listed]) -> Entry:
    """One picture: without annotations good, unless it lies in a folder named for defects.

    Its folder tells the half before the files do, and of these one for testing before the others.
    """
    halves = {half_of(each.file.stem) for each in listings}
    told: Half = "test" if "test" in halves else "train" if "train" in halves else ""
    places = path.relative_to(folder).parts[:-1]
    half = half_of_folders(places) or told
    masks = () if _is_boxed(listings) else tuple(_outlines_of(each) for each in listings if each.shapes)
    labels = [label for each in listings for label in each.labels]
    return Entry(path, join_kinds(labels or [defects_of_folders(places) or "good"]), half, masks)


def _is_boxed(listings: Sequence[_Listed]) -> bool:
    """Whether a defect of the picture has nothing but a box."""
    return any(each.boxed for each in listings)


def _outlines_of(listed: _Listed) -> Outlines:
    size = check_size(listed.record.get("height"), listed.record.get("width"), listed.file, listed.name)
    return Outlines(listed.file, size, tuple(listed.shapes))


def _unite(listings: Sequence[_Listed]) -> Outlines:
    """The outlines of one picture in one; raises DataError where the files state other sizes of it."""
    first, *others = map(_outlines_of, listings)
    for other in others:
        if other.shape != first.shape:
            sizes = " and ".join(f"{each.shape[1]} x {each.shape[0]} px" for each in (other, first))
            problem = f"{show_path(listings[0].name)} is {sizes}, here and in {show_path(first.file)}"
            raise refuse(other.file, problem)
    return replace(first, shapes=tuple(shape for each in (first, *others) for shape in each.shapes))


def _records(record: object, key: str, file: Path) -> list[dict[str, Any]]:
    values = record.get(key) if isinstance(record, dict) else None
    if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
        raise refuse(file, f"its {key} are no list of records")
    return values


def _number(record: dict[str, Any], key: str, file: Path) -> int | str:
    value = record.get(key)
    if not isinstance(value, (int, str)):
        raise refuse(file, f"a record has no {key}")
    return value
