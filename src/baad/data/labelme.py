"""Pictures with a labelme file beside each that has defects -> Category.

    000.png, 000.json      a defective picture and its outlines; the labels are the kinds of defect
    001.png                no file, or one without outlines: a normal picture

Outlines labelled good, normal or ok mark nothing. A folder named test or val holds test pictures; elsewhere good
pictures are learnt from and defective ones are for testing. Polygons, rectangles, turned ones too, circles,
lines, points and labelme's own masks are read.
"""

import base64
import binascii
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from baad.data.decode import open_samples, show_path
from baad.data.entries import Entry, defects_of_folders, half_of_folders, join_kinds, kind_of_label, make_category
from baad.data.files import find_images
from baad.data.folder import leave_out_masks, walk_outside_part
from baad.data.jsonfile import mentions, read_json, refuse
from baad.data.outlines import check_shape, check_size, to_points, to_runs
from baad.data.results import leave_out_results, note_results
from baad.data.sample import Category, Outlines, Point, Shape
from baad.errors import ImageError

LAYOUT = "labelme"
LOOKED_FOR = "pictures with labelme's JSON files beside them"
KEYS = ("shapes", "imagePath")
CORNERS = 64  # of the ring that stands for a circle


@dataclass(frozen=True)
class Annotation:
    """What a labelme file says: its picture, the labels of its defects, and their outlines."""

    picture: str
    labels: tuple[str, ...]
    outlines: Outlines


def is_labelme(root: Path) -> bool:
    """Whether a labelme file lies anywhere in the folder."""
    return next(find_labelme(root), None) is not None


def read_labelme_folder(root: Path, part_masks: Path | None = None) -> Category:
    """Read a folder of pictures with labelme files; those in `part_masks` outline the part, and are left out.

    Raises DataError for a file that is damaged, for two of one picture, and for one that outlines defects of a picture
    which is there, but not where the file says.
    """
    files = find_images(root, recursive=True)
    plain, results = leave_out_masks(files, root), list[Path]()
    pictures = leave_out_results(plain, results.append)
    by_place = {path.with_suffix(""): path for path in pictures}
    there = {os.path.normpath(path): path for path in pictures}
    found: dict[Path, Annotation] = {}
    lonely: list[tuple[Path, str, Annotation]] = []
    for file in find_labelme(root, part_masks):
        annotation = read_labelme(file)
        named = PureWindowsPath(annotation.picture).as_posix()  # labelme on Windows writes backslashes
        picture = there.get(os.path.normpath(file.parent / named)) or by_place.get(file.with_suffix(""))
        if picture is None:
            lonely.append((file, named, annotation))
        elif picture in found:
            other = show_path(found[picture].outlines.file)
            problem = f"it says that it is for {show_path(picture)}, as {other} does"
            raise refuse(file, problem, "Correct its imagePath, or remove it")
        else:
            found[picture] = annotation
    _refuse_misplaced(lonely, [path for path in pictures if path not in found])
    entries = [_to_entry(path, root, found.get(path)) for path in pictures]
    counted = {"labelme files have no picture": len(lonely), "masks left aside": len(files) - len(plain)}
    notes = [*(f"{number} {what}" for what, number in counted.items() if number), *note_results(results)]
    return make_category(root.resolve().name, root, LAYOUT, entries, notes)


def read_labelme(file: Path, all_labels: bool = False) -> Annotation:
    """Read one labelme file. Shapes labelled good, normal or ok are left out, unless `all_labels` are wanted.

    Raises DataError where the file is damaged or no labelme file.
    """
    record = read_json(file)
    shapes = record.get("shapes") if isinstance(record, dict) else None
    if not isinstance(shapes, list):
        raise refuse(file, "it is no labelme file", "Save it in labelme")
    size = check_size(record.get("imageHeight"), record.get("imageWidth"), file, "its picture")
    labels, drawn = [], []
    for number, shape in enumerate(shapes):
        label = shape.get("label") if isinstance(shape, dict) else None
        if not isinstance(label, str):
            raise refuse(file, f"shape {number} has no label", "Give it one in labelme")
        if all_labels or kind_of_label(label) != "good":
            labels.append(label)
            drawn.append(check_shape(_read_shape(shape, size, file, f"shape {number}"), size, file, f"shape {number}"))
    return Annotation(str(record.get("imagePath") or ""), tuple(labels), Outlines(file, size, tuple(drawn)))


def find_labelme(root: Path, aside: Path | None = None) -> Iterator[Path]:
    """labelme files at any depth, by name, but in hidden folders, in those of the part, and in the folder `aside`."""
    for place, names in walk_outside_part(root, aside):
        named = (place / name for name in sorted(names) if name.lower().endswith(".json"))
        yield from (file for file in named if mentions(file, *KEYS))


def _refuse_misplaced(lonely: Sequence[tuple[Path, str, Annotation]], pictures: Sequence[Path]) -> None:
    """Raises DataError where a file without a picture outlines defects in one that may lie elsewhere: among `pictures`,
    which have no file, one is called so, whatever its suffix."""
    named = {path.stem for path in pictures}
    for file, picture, annotation in lonely:
        meant = [stem for stem in (Path(picture).stem, file.stem) if stem in named]
        if annotation.labels and meant:
            problem = (
                f"it outlines defects, has no picture beside it, and may be meant of a picture {show_path(meant[0])}"
            )
            raise refuse(file, f"{problem} elsewhere", "Lay it beside its picture, or take it out of the folder")


def _to_entry(path: Path, root: Path, annotation: Annotation | None) -> Entry:
    """A picture without outlines is good, unless it lies in a folder named for defects."""
    places = path.relative_to(root).parts[:-1]
    half = half_of_folders(places)
    if annotation and annotation.labels:
        return Entry(path, join_kinds(annotation.labels), half, (annotation.outlines,))
    return Entry(path, defects_of_folders(places) or "good", half)


def _read_shape(shape: dict[str, Any], size: tuple[int, int], file: Path, name: str) -> Shape:
    kind = shape.get("shape_type") or "polygon"
    points = to_points(shape.get("points"), file, name)
    if not points:
        raise refuse(file, f"{name} has no points", "Draw it again in labelme")
    if kind in ("polygon", "rotation", "oriented_rectangle"):
        if len(points) < 3:
            raise refuse(file, f"{name} is a {kind} of {len(points)} points, which encloses nothing", "Draw it again")
        return Shape(rings=(points,))
    if kind == "rectangle" and len(points) == 4:
        return Shape(rings=(points,))
    if kind in ("rectangle", "circle", "mask") and len(points) == 2:
        (ax, ay), (bx, by) = points
        if kind == "rectangle":
            return Shape(rings=(((ax, ay), (bx, ay), (bx, by), (ax, by)),))
        if kind == "circle":
            return Shape(rings=(_draw_circle(ax, ay, math.hypot(bx - ax, by - ay)),))
        return Shape(runs=_read_bitmap(shape.get("mask"), points[0], size, file, name))
    if kind in ("line", "linestrip", "point", "points"):
        return Shape(line=points)
    raise refuse(file, f"{name} is a {kind} of {len(points)} points, which is not known", "Draw it as a polygon")


def _draw_circle(x: float, y: float, radius: float) -> tuple[Point, ...]:
    turns = [2 * math.pi * corner / CORNERS for corner in range(CORNERS)]
    return tuple((x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns)


def _read_bitmap(text: object, corner: Point, size: tuple[int, int], file: Path, name: str) -> tuple[int, ...]:
    """A PNG in base64, laid on the picture with its first pixel at `corner` -> runs."""
    try:
        content = base64.b64decode(str(text), validate=True)
        marked = open_samples(content, file).values != 0
    except (binascii.Error, ValueError, ImageError) as error:
        raise refuse(file, f"the mask of {name} cannot be read", "Draw it again in labelme") from error
    marked = marked.any(axis=2) if marked.ndim == 3 else marked
    canvas = np.zeros(size, bool)
    if not all(-side <= place <= side for place, side in zip(corner, size[::-1])):  # NaN fails as well
        raise refuse(file, f"the mask of {name} lies outside its picture", "Draw it again in labelme")
    x, y = round(corner[0]), round(corner[1])
    marked = marked[max(0, -y) :, max(0, -x) :]
    window = canvas[max(0, y) : max(0, y) + marked.shape[0], max(0, x) : max(0, x) + marked.shape[1]]
    window |= marked[: window.shape[0], : window.shape[1]]
    return to_runs(canvas)
