"""A folder of masks of the part, for a person to look at, correct and hand back: masks, sheet.png, masks.json."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from baad.atomic import make_folder, replacing, write_text
from baad.data.checksum import hash_file
from baad.data.decode import show_path
from baad.data.geometry import resize_map
from baad.data.jsonfile import mentions
from baad.data.masks import mask_file, read_mask, write_mask
from baad.data.part_masks import (
    LIST,
    MARK,
    SHEET,
    drop_unchanged,
    list_copies,
    list_unchanged,
    name_pictures,
    says_nothing_found,
)
from baad.data.sample import Mask
from baad.errors import OutputError
from baad.foreground.correct import TAUGHT
from baad.foreground.gate import LEAST_QUALITY, Gate
from baad.report.contact_sheet import contact_sheet


def require_no_work_lost(out: Path, places: Mapping[Path, Path], given: Mapping[Path, Mask]) -> None:
    """Raise OutputError where a mask that somebody painted or changed, or a list or sheet of others, would be lost.

    `places`: where each picture's mask goes; `given`: masks that were handed in. Those at their very place stay, and
    copies of an earlier call give way to what is handed in now. So it is where a mask would lie in the sheet's place.
    """
    others = [out / name for name in (LIST, SHEET) if os.path.lexists(out / name)]
    if others and not mentions(out / LIST, MARK):
        raise OutputError(
            f"{others[0]} would be overwritten, and no masks.json there says that `baad masks` wrote it. Choose "
            "another folder with -o."
        )
    if os.path.lexists(out / SHEET) and says_nothing_found(out):
        raise OutputError(
            f"{out / SHEET} would be overwritten, and `baad masks`, which wrote no masks there, wrote no sheet. Choose "
            "another folder with -o."
        )
    if Path(SHEET) in places.values():
        raise OutputError(f"The mask of a picture called {Path(SHEET).stem} would lie where {SHEET} does. Rename it.")
    there: dict[Path, Mask] = {picture: out / place for picture, place in places.items() if os.path.isfile(out / place)}
    handed_in = {os.path.realpath(mask_file(mask)) for mask in given.values()}
    painted, copies = drop_unchanged(out, there), list_copies(out)
    changed = [
        file
        for picture, file in ((picture, mask_file(mask)) for picture, mask in painted.items())
        if os.path.realpath(file) not in handed_in and not (picture in given and file in copies)
    ]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise OutputError(
            f"{changed[0]}{more} would be overwritten, and no proposal of `baad masks` is what it holds. Hand your "
            f"masks in with --fg-masks {out}, or choose another folder with -o."
        )


def write_mask_folder(
    out: Path,
    places: Mapping[Path, Path],
    shapes: Sequence[tuple[int, int]],
    resized: np.ndarray,
    gate: Gate,
    given: Mapping[Path, Mask],
) -> None:
    """Write a mask at each picture's own size, a contact sheet, worst first, and masks.json, which says all.

    `places`: pictures, and where their masks go; shapes: their (H, W); resized: uint8 [N, h, w, 3], as they are shown;
    `given`: the user's own masks, which come to the folder pixel by pixel. After a refusal masks.json alone is written.
    Proposals of an earlier call are removed; what the user painted stays. All is made in a hidden folder first, and
    masks.json comes before the masks: where the program is stopped, no proposal passes for a mask that a user painted.
    """
    names = list(name_pictures(list(places)).values())
    records: list[dict[str, Any]] = [{"image": name} for name in names]
    staged = out / f".{os.getpid()}.partial"
    shutil.rmtree(staged, ignore_errors=True)  # of a process of the same number that was killed
    make_folder(staged)
    try:
        if gate.masks is not None and gate.per_image is not None:
            found = zip(places.items(), shapes, gate.masks, gate.per_image)
            _make_masks(staged, out, records, found, gate, given)
            captions = [f"{show_path(name)}{', yours' * (index in gate.painted)}" for index, name in enumerate(names)]
            qualities = [float(each) for each in gate.per_image]
            contact_sheet(list(resized), list(gate.masks), captions, staged / SHEET, qualities)
        else:
            copies = list_copies(out)  # of an earlier call; still nobody's work
            for record, place in zip(records, places.values()):
                if out / place in copies:
                    digest = hash_file(out / place)
                    record |= {"mask": place.as_posix(), "source": "user", "sha256": digest, "copy": True}
        said = {
            **describe_gate(gate),
            MARK: LEAST_QUALITY,
            "paint_next": [names[index] for index in gate.suggested],
            "images": records,
        }
        _remove_earlier(out)
        write_text(out / LIST, json.dumps(said, indent=2) + "\n")
        for place in (*places.values(), Path(SHEET)):
            if os.path.isfile(staged / place):
                with replacing(out / place) as partial:
                    shutil.move(staged / place, partial)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _make_masks(
    staged: Path,
    out: Path,
    records: Sequence[dict[str, Any]],
    found: Iterable[tuple[tuple[Path, Path], tuple[int, int], np.ndarray, float]],
    gate: Gate,
    given: Mapping[Path, Mask],
) -> None:
    """Write the masks for `out` into `staged`, but those that were painted in `out` itself, and complete the records.

    `found`: a picture with the place of its mask, its shape, the mask, and how good that is.
    """
    copies = list_copies(out)
    for index, ((picture, place), shape, mask, quality) in enumerate(found):
        made = staged / place
        if index not in gate.painted:
            write_mask(made, resize_map(mask, shape) > 0.5)
        elif os.path.realpath(mask_file(given[picture])) != os.path.realpath(out / place):
            write_mask(made, read_mask(given[picture], shape))
            copies.add(out / place)
        else:
            made = out / place
        records[index].update(
            {
                "mask": place.as_posix(),
                "source": _source(index, gate),
                "quality": round(float(quality), 4),
                "area": round(float((mask > 0.5).mean()), 4),
                "sha256": hash_file(made),
            }
        )
        if index in gate.painted and out / place in copies:
            records[index]["copy"] = True  # the user's own lies elsewhere


def _source(index: int, gate: Gate) -> str:
    """Whose mask it is: the user's, learnt from the user's, or proposed."""
    if index in gate.painted:
        return "user"
    return "taught" if gate.recipe == TAUGHT else "proposed"


def describe_gate(gate: Gate) -> dict[str, Any]:
    """What the gate said, as plain values."""
    return {
        "gate": "background" if gate.accepted else "none",  # what was found beside the part
        "recipe": gate.recipe,
        "quality": round(float(gate.quality), 4),
        "reason": gate.reason,
        "tried": {name: round(float(quality), 4) for name, quality in gate.tried},
    }


def _remove_earlier(out: Path) -> None:
    """Remove proposals that an earlier call wrote and nobody changed, those of pictures that are gone, too."""
    for file in list_unchanged(out):
        file.unlink()
    (out / SHEET).unlink(missing_ok=True)
