"""Annotations in formats that are not read: found, so that the defects which they mark are not learnt as normal.

Pascal VOC's and CVAT's XML, YOLO's text files, and JSON of Label Studio, of VIA, or like COCO's but without all it
needs. What lies in folders of masks of the part outlines no defects.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from baad.data.coco import KEYS as COCO
from baad.data.files import SUFFIXES
from baad.data.folder import walk_outside_part
from baad.data.jsonfile import mentions
from baad.data.labelme import KEYS as LABELME

HEAD = 65_536  # bytes of a file that are looked at
FILLED = rb'"annotations"\s*:\s*[\[{]\s*[^\]}\s]'  # in JSON: annotations, and some
KEYS = (b'"shape_attributes"', b'"polygonlabels"', b'"brushlabels"', b'"rectanglelabels"')  # of VIA and Label Studio
VOC, CVAT = (rb"<annotation[\s>].*<object[\s>]", rb"<annotations[\s>].*<(image|track)[\s>]")
LINES = 20  # of a text file


def find_unread(root: Path, aside: Path | None = None) -> Path | None:
    """A file that annotates pictures in a format that is not read, at any depth but in the folder `aside`; None where
    there is none. One that annotates nothing, as files beside good pictures may, is none."""
    files = [folder / name for folder, names in walk_outside_part(root, aside) for name in sorted(names)]
    stems = {file.stem for file in files if file.suffix.lower() in SUFFIXES}
    return next((file for file in files if _annotates(file, stems)), None)


def _annotates(file: Path, pictures: set[str]) -> bool:
    """Whether a file annotates pictures by what it holds; a text file only if it is named as one of the `pictures`."""
    suffix = file.suffix.lower()
    if suffix == ".json":
        read = mentions(file, *COCO) or mentions(file, *LABELME)
        content = b"" if read else _read(file)
        return bool(re.search(FILLED, content)) or any(key in content for key in KEYS)
    if suffix == ".xml":
        content = _read(file, HEAD)
        return any(re.search(pattern, content, re.DOTALL) for pattern in (VOC, CVAT))
    if suffix == ".txt" and file.stem in pictures:
        text = _read(file, HEAD).decode("utf-8-sig", "replace")
        whole = text.splitlines()[: -1 if len(text) >= HEAD else None]  # the last one may be cut
        lines = [line.split() for line in whole if line.strip()][:LINES]
        return bool(lines) and all(map(_is_yolo, lines))
    return False


def _is_yolo(words: Sequence[str]) -> bool:
    """Whether a line is a class and a box or a polygon, in shares of the picture."""
    return len(words) >= 5 and words[0].isdecimal() and all(map(_is_share, words[1:]))


def _is_share(word: str) -> bool:
    try:
        return 0 <= float(word) <= 1
    except ValueError:
        return False


def _read(file: Path, most: int = -1) -> bytes:
    """What a file holds, or the beginning of it; nothing where it is no regular file, or cannot be read."""
    try:
        if not os.path.isfile(file):  # a pipe would keep us waiting
            return b""
        with file.open("rb") as stream:
            return stream.read(most)
    except OSError:
        return b""
