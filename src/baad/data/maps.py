"""Anomaly map <-> TIFF of one page, float16 or float32, at the size of the original picture.

Uncompressed and single-channel: what the public evaluation scripts of the MVTec data sets read.
"""

import os
from pathlib import Path
from typing import Literal

import numpy as np
import tifffile

from baad.atomic import replacing
from baad.data.decode import show_path
from baad.data.results import MARK, require_replaceable
from baad.data.sample import Category
from baad.errors import DataError, InputError, OutputError

SHIFTED = "shifted"  # the folder of changed pictures that `baad stress --write` makes


def write_map(path: Path | str, values: np.ndarray, dtype: Literal["float16", "float32"] = "float32") -> None:
    """Write a map [H, W] of any finite range, whole or not at all, marked as a result.

    Raises OutputError where the place cannot be written or holds what is no result, the map is not [H, W], or a value
    is not finite in `dtype` (float16 ends at 65504).
    """
    if dtype not in ("float16", "float32"):
        raise OutputError(f"Maps are written as float16 or float32, not as {dtype}.")
    if values.ndim != 2:
        raise OutputError(f"{show_path(path)}: a map has shape (height, width), not {values.shape}.")
    with np.errstate(over="ignore"):
        stored = values.astype(dtype)
    if not np.isfinite(stored).all():
        remedy = " Write it as float32." if dtype == "float16" and np.isfinite(values).all() else ""
        raise OutputError(f"{show_path(path)}: the map has values that are not finite in {dtype}.{remedy}")
    require_replaceable(Path(path))
    with replacing(Path(path)) as partial:
        tifffile.imwrite(partial, stored, photometric="minisblack", software=MARK)


def map_path(folder: Path, category: Category, picture: Path) -> Path:
    """Where the map of a picture belongs: FOLDER/object/test/defect/id.tiff, as the evaluation scripts look for it.

    The place of the picture in its category is kept, so that MVTec AD 2's come to lie in test_public.
    """
    return folder / category.name / place_in(category, picture).with_suffix(".tiff")


def require_own_maps(folder: Path, category: Category) -> None:
    """Raise DataError where two test pictures would share a map, as a.jpg and a.png would."""
    owners: dict[Path, Path] = {}
    for image in category.test:
        place = map_path(folder, category, image.path)
        other = owners.setdefault(place, image.path)
        if other != image.path:
            shown = f"{show_path(other)} and {show_path(image.path)} would share the map {show_path(place)}"
            raise DataError(f"{shown}. Rename one of them.")


def place_in(category: Category, picture: Path) -> Path:
    """Where a picture lies below its category's folder: test/defect/id.png; all of its path where it lies elsewhere.

    '..', which a manifest may hold, is resolved first: no place leads out of the folder that it is taken in.
    """
    root, path = category.root, picture
    if not path.is_relative_to(root) or os.pardir in path.relative_to(root).parts:
        root, path = root.resolve(), path.parent.resolve() / path.name
    return path.relative_to(root) if path.is_relative_to(root) else path.relative_to(path.anchor)


def read_map(path: Path | str, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Read a map -> float32 [h, w] of finite values.

    Raises InputError where the file is missing, damaged, holds no single map, one that would fit its picture of `shape`
    (H, W) better if it were turned, or a value that is no finite number.
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            pages, values = len(tiff.pages), tiff.pages.first.asarray()
    except FileNotFoundError as error:
        raise InputError(f"{show_path(path)}: there is no such map. Check the name.") from error
    except Exception as error:  # a damaged file may raise anything
        raise InputError(f"{show_path(path)}: this is no map that can be read ({error}). Write it again.") from error
    if values.ndim != 2 or pages != 1:
        raise InputError(f"{show_path(path)}: a map has one page of one channel; this has {pages}, {values.shape}.")
    if shape is not None and _is_turned(values.shape, shape):
        told = f"the map is {values.shape[1]} x {values.shape[0]} px, its picture {shape[1]} x {shape[0]} px"
        raise InputError(f"{show_path(path)}: {told}. Write it height first, as the picture is.")
    with np.errstate(over="ignore"):
        read = values.astype(np.float32)
    if not np.isfinite(read).all():
        raise InputError(f"{show_path(path)}: the map has values that are no finite numbers. Write it again.")
    return read


def _is_turned(shape: tuple[int, ...], picture: tuple[int, int]) -> bool:
    """Whether one of two shapes is high and the other wide; a map of a few cells may be square."""
    height, width = shape
    return (height - width) * (picture[0] - picture[1]) < 0
