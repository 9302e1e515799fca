"""Layout of VisA -> Category: an object as published, with or without the published split.

    split_csv/1cls.csv                  beside the object's folder: object, split, label, image, mask
    candle/Data/Images/Normal/0000.JPG
    candle/Data/Images/Anomaly/000.JPG
    candle/Data/Masks/Anomaly/000.png   any non-zero value = defect

Without the split, every tenth normal picture is for testing, as many as the published split takes.

Source: Zou et al., "SPot-the-Difference Self-Supervised Pre-training", ECCV 2022.
"""

import os
from pathlib import Path

from baad.data.decode import show_path
from baad.data.entries import Entry, half_of, make_category
from baad.data.files import find_images
from baad.data.mvtec import read_kind
from baad.data.results import leave_out_results, note_results
from baad.data.sample import Category
from baad.data.table import Row, read_table
from baad.errors import DataError

LAYOUT = "VisA"
SPLIT = Path("split_csv", "1cls.csv")
LOOKED_FOR = "Data/Images/Normal, with split_csv/1cls.csv beside the folder if there is one"
LABELS, HALVES = ("normal", "anomaly"), ("train", "test")
EVERY = 10  # normal pictures, of which one is for testing


def is_visa(root: Path) -> bool:
    """Whether the folder holds Data/Images/Normal or Data/Images/Anomaly."""
    return any(os.path.isdir(root / "Data" / "Images" / kind) for kind in ("Normal", "Anomaly"))


def read_visa(root: Path) -> Category:
    """Read an object of VisA. Raises DataError for a split that is damaged or names pictures which are not there."""
    root = root.resolve() if root.name in ("", "..") else root
    split = root.parent / SPLIT
    if os.path.isfile(split):
        entries = _read_split(split, root.name)
        if entries:
            return make_category(root.name, root, LAYOUT, entries, ["split by split_csv/1cls.csv"])
    images, masks = root / "Data" / "Images", root / "Data" / "Masks" / "Anomaly"
    results: list[Path] = []
    found = find_images(images / "Normal") if os.path.isdir(images / "Normal") else []
    normals = leave_out_results(found, results.append)
    entries = [Entry(path, "good", "" if (index + 1) % EVERY else "test") for index, path in enumerate(normals)]
    if os.path.isdir(images / "Anomaly"):
        defective = read_kind(images / "Anomaly", masks, "anomaly", results.append)
        entries += [Entry(image.path, "anomaly", "test", image.masks) for image in defective]
    split_by = [f"no {SPLIT.as_posix()}: one normal picture in {EVERY} is for testing"] if entries else []
    return make_category(root.name, root, LAYOUT, entries, [*split_by, *note_results(results)])


def _read_split(split: Path, name: str) -> list[Entry]:
    """The lines of one object; paths are relative to the folder that holds all objects."""
    problems: list[str] = []
    rows = [row for row in read_table(split, ("object", "split", "label", "image", "mask")) if row["object"] == name]
    entries = [_read_row(row, split.parent.parent, problems) for row in rows]
    if problems:
        raise DataError("\n".join(f"{show_path(split)}, {problem}" for problem in problems[:20]))
    return entries


def _read_row(row: Row, base: Path, problems: list[str]) -> Entry:
    path = base / str(row["image"])
    if not os.path.isfile(path):
        problems.append(f"line {row.line}: there is no picture {path}. Copy the data set again, or remove the split.")
    for column, known in (("label", LABELS), ("split", HALVES)):
        if row[column] not in known:
            told = f"the {column} is {row[column]!r}. Give {' or '.join(known)}, as published, or remove the split."
            problems.append(f"line {row.line}: {told}")
    kind = "good" if row["label"] == "normal" else "anomaly"
    masks = (base / str(row["mask"]),) if row["mask"] and kind != "good" else ()
    return Entry(path, kind, half_of(str(row["split"])), masks)
