"""Manifest, a list of pictures in CSV or JSON lines -> Category.

    path,label,mask,group,split
    a/000.png,good,,monday,
    a/001.png,good,,tuesday,test
    b/000.png,scratch,b/000_mask.png,,

Paths are relative to the manifest. Only `path` must be there. `label`: good, normal, ok or 0, else the kind of
defect; without the column a picture is good unless it has a mask or lies in a folder named for defects. `mask`: a
picture, or a labelme file; several are divided by semicolons, or are a list in JSON; of a good picture it does not
count. `group`: pictures taken together, never divided between learning and threshold. `split`: train or test; where it
says nothing a folder named so does, and else good pictures are learnt from.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PureWindowsPath

from baad.data.decode import show_path
from baad.data.entries import (
    Entry,
    Half,
    defects_of_folders,
    half_of,
    half_of_folders,
    kind_of_label,
    make_category,
)
from baad.data.labelme import read_labelme
from baad.data.sample import Category, Mask
from baad.data.table import Row, read_table
from baad.errors import DataError

LAYOUT = "manifest"
NAMES = ("manifest.csv", "manifest.jsonl")
LOOKED_FOR = " or ".join(NAMES)
NUMBERS = {"0": "good", "1": "defect", "0.0": "good", "1.0": "defect"}  # with points: as pandas writes them
EITHER = ("false", "true")  # of "is it good?" or of "is it defective?"
SHOWN = 20  # problems told at once


class _Problem(Exception):
    """What is wrong with a line, and what to do."""


def is_manifest(root: Path) -> bool:
    """Whether the folder holds manifest.csv or manifest.jsonl."""
    return any(os.path.isfile(root / name) for name in NAMES)


def read_manifest(root: Path) -> Category:
    """Read a manifest, or the one in a folder.

    Raises DataError where it cannot be read, and with one line for each line of it that cannot be used.
    """
    if os.path.isdir(root):
        found = [root / name for name in NAMES if os.path.isfile(root / name)]
        if not found:
            return Category(root.resolve().name, root, LAYOUT, ())
        root = found[0]
    entries: list[Entry] = []
    problems: list[str] = []
    seen: dict[Path, int] = {}
    for row in read_table(root, ("path",)):
        try:
            entry = _read_row(row, root.parent)
            if seen.setdefault(entry.path, row.line) != row.line:
                raise _Problem(f"{row['path']} stands in line {seen[entry.path]} already. Remove one of them")
            entries.append(entry)
        except (_Problem, DataError) as problem:
            problems.append(f"{show_path(root)}, line {row.line}: {str(problem).rstrip('.')}.")
    if problems:
        more = [f"... and {len(problems) - SHOWN} lines more"] if len(problems) > SHOWN else []
        raise DataError("\n".join(problems[:SHOWN] + more))
    masked = sum(entry.kind == "good" and bool(entry.masks) for entry in entries)
    notes = [f"{masked} pictures are labelled good and have masks, which do not count"] if masked else []
    entries = [replace(entry, masks=()) if entry.kind == "good" else entry for entry in entries]
    named = root.resolve()
    name = named.parent.name if root.name in NAMES else named.stem
    return make_category(name, root.parent, LAYOUT, entries, notes)


def _read_row(row: Row, base: Path) -> Entry:
    path = _find(row, "path", row["path"], base)
    masks = _read_masks(row, base)
    label = row["label"]
    if not isinstance(label, (str, int, float)):
        raise _Problem(f"the label is {label!r}. Give good, or the kind of defect")
    if label == "" and "label" in row.values:
        raise _Problem("the label is empty. Give good, or the kind of defect")
    if str(label).lower() in EITHER:
        raise _Problem(f"the label is {label!r}, which may mean good or defective. Give good, or the kind of defect")
    if label == "":
        place, home = Path(os.path.normpath(path)), Path(os.path.normpath(base))
        inside = place.relative_to(home).parts[:-1] if place.is_relative_to(home) else ()
        label = "defect" if masks else defects_of_folders(inside) or "good"
    kind = NUMBERS.get(str(label), kind_of_label(str(label)) or "defect")
    return Entry(path, kind, _read_split(row), masks, str(row["group"]))


def _read_split(row: Row) -> Half:
    split = row["split"]
    half = half_of(str(split))
    if split != "" and not half:
        raise _Problem(f"the split is {split!r}. Give train or test, or leave it empty")
    return half or half_of_folders(PureWindowsPath(row["path"]).parent.parts)  # which knows both slashes


def _read_masks(row: Row, base: Path) -> tuple[Mask, ...]:
    value = row["mask"]
    words: Sequence[object] = value if isinstance(value, list) else str(value).split(";")
    masks: list[Mask] = []
    for word in words:
        if word == "" or (isinstance(word, str) and not word.strip()):
            continue
        file = _find(row, "mask", word, base)
        masks.append(read_labelme(file).outlines if file.suffix.lower() == ".json" else file)
    return tuple(masks)


def _find(row: Row, column: str, word: object, base: Path) -> Path:
    """The file that a cell names. Raises _Problem where there is none."""
    if not isinstance(word, str) or not word.strip():
        raise _Problem(f"the {column} is {word!r}. Give the name of a file, relative to the manifest")
    path = base / word.strip().replace("\\", "/")
    if not os.path.isfile(path):
        raise _Problem(f"there is no file {show_path(path)}. Check the {column}, which is relative to the manifest")
    return path
