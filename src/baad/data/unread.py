"""Annotations in formats that are not read: found, so that the defects which they mark are not learnt as normal.

Pascal VOC's and CVAT's XML, YOLO's text files, and JSON of Label Studio, of VIA, or like COCO's but without all it
needs. What lies in folders of masks of the part outlines no defects.
"""

import os
import re
from pathlib import Path

from baad.data.coco import KEYS as COCO
from baad.data.files import SUFFIXES, walk_folders
from baad.data.folder import PART_FOLDERS, hold_masks
from baad.data.jsonfile import mentions
from baad.data.labelme import KEYS as LABELME

HEAD = 65_536  # bytes of a file that are looked at
ROOTS = (b"<annotation>", b"<annotation ", b"<annotations>", b"<annotations ")  # of Pascal VOC and CVAT
MARKS = ("annotations", "shape_attributes", "polygonlabels", "brushlabels", "rectanglelabels")  # any of these keys
BOX = re.compile(r"\d+(\s+-?\d*\.?\d+(e-?\d+)?){4,}", re.IGNORECASE)  # YOLO: class, then a box or a polygon


def find_unread(root: Path, aside: Path | None = None) -> Path | None:
    """A file that annotates pictures in a format that is not read, at any depth but in the folder `aside`; None where
    there is none."""
    folders = [
        (Path(place), names)
        for place, names in walk_folders(root, aside=aside)
        if not hold_masks(Path(place).relative_to(root).parts, PART_FOLDERS)
    ]
    files = [folder / name for folder, names in folders for name in sorted(names)]
    stems = {file.stem for file in files if file.suffix.lower() in SUFFIXES}
    return next((file for file in files if _annotates(file, stems)), None)


def _annotates(file: Path, pictures: set[str]) -> bool:
    """Whether a file annotates pictures by what it holds; a text file only if it is named as one of the `pictures`."""
    suffix = file.suffix.lower()
    if suffix == ".json":
        read = mentions(file, *COCO) or mentions(file, *LABELME)
        return not read and any(mentions(file, key) for key in MARKS)
    if suffix == ".xml":
        return any(root in _read_head(file) for root in ROOTS)
    if suffix == ".txt" and file.stem in pictures:
        lines = _read_head(file).decode("utf-8", "replace").splitlines()[:20]  # the last one may be cut
        return bool(lines) and all(BOX.fullmatch(line.strip()) for line in lines)
    return False


def _read_head(file: Path) -> bytes:
    """The first bytes of a file; none where it is no regular file, or cannot be read."""
    try:
        if not os.path.isfile(file):  # a pipe would keep us waiting
            return b""
        with file.open("rb") as stream:
            return stream.read(HEAD)
    except OSError:
        return b""
