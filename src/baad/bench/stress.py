"""Background-only changes through a detector, or through a folder of any other detector's maps: a row a change.

The normal test pictures are changed in every family of `synthesis.shifts` and at five severities, through the part's
outline. No defect is touched, so whatever falls is the background's doing. Needs no PyTorch.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from baad.atomic import make_folder, replacing
from baad.data.decode import read_image
from baad.data.geometry import resize_map
from baad.data.maps import SHIFTED, place_in, read_map, require_own_maps
from baad.data.masks import read_mask, unite_masks, write_mask
from baad.data.sample import Category, LabelledImage
from baad.errors import DataError
from baad.metrics.background import split_zones
from baad.metrics.evaluate import ScoredMap
from baad.metrics.scorecard import show
from baad.metrics.stress import (
    Defects,
    NormalCounts,
    Zones,
    count_normal,
    score_area,
    stress_row,
    summarise_defects,
)
from baad.progress import Progress
from baad.runtime.session import RawMaps
from baad.runtime.tiles import Scorer
from baad.synthesis.shifts import FAMILIES, SEVERITIES, has_background, shift_background, view_background
from baad.verdict.zones import border_width, widen

CLEAN, ALL, TRAINED, UNSEEN = "clean", "all", "trained", "unseen"  # rows beside those of the families
CHANGES = {
    *((CLEAN, 0), (TRAINED, 0), (UNSEEN, 0), (ALL, 0)),
    *((family, severity) for family in FAMILIES for severity in SEVERITIES),
}  # what `run_stress` gives a row of
SeePart = Callable[[np.ndarray], np.ndarray]  # picture uint8 [H, W, 3] -> where the part is seen, bool [H, W]


@dataclass(frozen=True)
class Examined:
    """What is put to the test.

    `score`: the place of a picture and the picture uint8 [H, W, 3] -> map and score. `see_part`: the detector's own
    foreground. `outline`: the outline to work through where the data has none.
    """

    score: Callable[[Path, np.ndarray], ScoredMap]
    see_part: SeePart
    outline: SeePart


@dataclass(frozen=True)
class Shifted:
    """A changed normal picture; `place` as in the folder that `write_shifted` fills."""

    image: LabelledImage
    family: str
    severity: int
    place: Path
    picture: np.ndarray
    part: np.ndarray


def foreground_of(session: Scorer) -> SeePart:
    """Where a model sees the part."""

    def see(picture: np.ndarray) -> np.ndarray:
        return resize_map(session.run(picture).foreground, (picture.shape[0], picture.shape[1])) > 0.5

    return see


def examine_model(session: Scorer, outline: SeePart | None = None) -> Examined:
    """A model of BAAD's; `outline`: another model's eyes for pictures without an outline."""
    see = foreground_of(session)
    return Examined(lambda place, picture: session.run(picture), see, outline or see)


def examine_maps(folder: Path, category: Category, see_part: SeePart) -> Examined:
    """Maps as TIFF below `folder`, named as the pictures of `write_shifted` are. A picture's score is its map's
    highest thousandth, in the mean. `see_part` is that by which the pictures were changed. Raises DataError where two
    test pictures would share a map, InputError for a map that is missing or cannot be used."""
    require_own_maps(folder, category)

    def score(place: Path, picture: np.ndarray) -> ScoredMap:
        anomaly = read_map(folder / category.name / place.with_suffix(".tiff"), picture.shape[:2])
        highest = score_area(anomaly, np.ones(anomaly.shape, bool))
        return RawMaps(anomaly, np.ones((1, 1), np.float32), highest)

    return Examined(score, see_part, see_part)


def run_stress(
    examined: Examined, category: Category, progress: Progress, method: str, seed: int = 0
) -> list[dict[str, Any]]:
    """Rows with the same flat keys: unchanged, each family and severity, then families pooled.

    Raises DataError without normal or defective test pictures, or where no normal picture has a background.
    """
    normals = require_background(category, examined.outline)
    defects = look_at_defects(examined, category, progress)
    clean = [_count(examined, place_in(category, image.path), image, defects) for image in normals]
    found: dict[tuple[str, int], list[NormalCounts]] = {}
    with progress.task("changed backgrounds", len(normals) * len(FAMILIES) * len(SEVERITIES)) as task:
        for shifted in shift_all(normals, category, examined.outline, seed):
            counts = _count_picture(examined, shifted.place, shifted.picture, shifted.part, defects)
            found.setdefault((shifted.family, shifted.severity), []).append(counts)
            task.advance()
    outlined = sum(image.foreground is not None for image in normals)
    named = {"method": method, "category": category.name}
    told = {"true_outlines": round(outlined / len(normals), 4)}

    def row(family: str, severity: int, resembles: str, counts: list[NormalCounts]) -> dict[str, Any]:
        head = {**named, "family": family, "severity": severity, "resembles": resembles, **told}
        return stress_row(counts, defects, **head)

    def pool(name: str, wanted: Callable[[str], bool]) -> dict[str, Any]:
        counts = [count for (family, _), group in found.items() if wanted(family) for count in group]
        return row(name, 0, "", counts)

    rows = [row(CLEAN, 0, "", clean)]
    rows += [row(name, level, FAMILIES[name].resembles, counts) for (name, level), counts in sorted(found.items())]
    rows.append(pool(TRAINED, lambda family: bool(FAMILIES[family].resembles)))
    rows.append(pool(UNSEEN, lambda family: not FAMILIES[family].resembles))
    return [*rows, pool(ALL, lambda family: True)]


def write_shifted(category: Category, outline: SeePart, out: Path, progress: Progress, seed: int = 0) -> int:
    """Write all that another detector must score, in a folder named after the category -> how many pictures.

    test/... holds copies of the test pictures, shifted/FAMILY-SEVERITY/test/... the changed ones, outline/test/... the
    outlines they were changed through. Raises DataError where two test pictures would share a file.
    """
    require_own_maps(out, category)
    normals, home = require_background(category, outline), out / category.name
    make_folder(home / SHIFTED)  # first: a later call knows the folder of an earlier one by it
    with progress.task("writing", len(category.test) + len(normals) * len(FAMILIES) * len(SEVERITIES)) as task:
        for image in category.test:
            with replacing(home / place_in(category, image.path)) as partial:
                shutil.copyfile(image.path, partial)
            task.advance()
        for shifted in shift_all(normals, category, outline, seed):
            with replacing((home / shifted.place).with_suffix(".png")) as partial:
                Image.fromarray(shifted.picture).save(partial, format="PNG")
            if (shifted.family, shifted.severity) == (next(iter(FAMILIES)), SEVERITIES[0]):
                place = place_in(category, shifted.image.path).with_suffix(".png")
                write_mask(home / "outline" / place, shifted.part)
            task.advance()
    return len(category.test) + len(normals) * len(FAMILIES) * len(SEVERITIES)


def shift_all(normals: list[LabelledImage], category: Category, outline: SeePart, seed: int = 0) -> Iterator[Shifted]:
    """Every normal picture in every family and severity; another lends its background where one is asked for."""
    for index, image in enumerate(normals):
        picture, part = _read(image, outline)
        lender, lent_part = _read(normals[(index + 1) % len(normals)], outline)
        view = view_background(picture, part, view_background(lender, lent_part).scene if len(normals) > 1 else None)
        for family, severity in ((family, severity) for family in FAMILIES for severity in SEVERITIES):
            place = Path(SHIFTED) / f"{family}-{severity}" / place_in(category, image.path)
            changed = shift_background(picture, view, family, severity, seed * 100_003 + index)
            yield Shifted(image, family, severity, place, changed, part)


def look_at_defects(examined: Examined, category: Category, progress: Progress) -> Defects:
    """Score the defective pictures as they are, and set the working points on their defect pixels."""
    scores, background_scores, on_part, outside = [], [], [], []
    defective = [image for image in category.test if image.defective]
    with progress.task("defective pictures", len(defective)) as task:
        for image in defective:
            picture, part = _read(image, examined.outline)
            shape = part.shape
            scored = examined.score(place_in(category, image.path), picture)
            anomaly, defect = resize_map(scored.anomaly, shape), unite_masks(image.masks, shape)
            seen = examined.see_part(picture)
            background = split_zones(part)[1] & ~widen(defect, border_width(shape))
            scores.append(float(scored.score))
            background_scores.append(score_area(anomaly, background) if image.masks else float("nan"))
            on_part.append(anomaly[defect & seen])
            outside.append(anomaly[defect & ~seen])
            task.advance()
    return summarise_defects(scores, background_scores, np.concatenate(on_part), np.concatenate(outside))


def require_both(category: Category) -> list[LabelledImage]:
    """The normal test pictures. Raises DataError where there are none, or no defective ones."""
    normals = [image for image in category.test if not image.defective]
    if not normals or len(normals) == len(category.test):
        raise DataError(
            f"{category.root} needs normal and defective test pictures for a stress test: test/good and test/<defect>."
        )
    return normals


def require_background(category: Category, outline: SeePart) -> list[LabelledImage]:
    """The normal test pictures that have a background to change. Raises DataError where there are none."""
    normals = require_both(category)
    chosen = [image for image in normals if has_background(_read(image, outline)[1])]
    if not chosen:
        raise DataError(
            f"{category.name} has no background to change: the part fills its pictures, or the model does not know "
            "it. Give outlines of the part in foreground/test/good, or baad stress a model that finds it as --outlines."
        )
    return chosen


def _read(image: LabelledImage, outline: SeePart) -> tuple[np.ndarray, np.ndarray]:
    """The picture and where its part is: the true outline, or the predicted one and a little more."""
    picture = read_image(image.path)
    shape = (picture.shape[0], picture.shape[1])
    if image.foreground is not None:
        return picture, read_mask(image.foreground, shape)
    return picture, widen(outline(picture), border_width(shape))


def _count(examined: Examined, place: Path, image: LabelledImage, defects: Defects) -> NormalCounts:
    return _count_picture(examined, place, *_read(image, examined.outline), defects)


def _count_picture(
    examined: Examined, place: Path, picture: np.ndarray, part: np.ndarray, defects: Defects
) -> NormalCounts:
    scored = examined.score(place, picture)
    return count_normal(
        resize_map(scored.anomaly, part.shape), Zones(*split_zones(part)), float(scored.score), defects.thresholds
    )


SHOWN = {
    "image_auroc": "AUROC",
    "background_auroc": "from background",
    "background_fpr_70": "background FPR",
    "part_fpr_70": "part FPR",
    "background_alarms_70": "pictures alarmed",
}


def stress_lines(rows: list[dict[str, Any]]) -> list[str]:
    """The rows as lines of plain text, each family in the mean over its severities; rates at pixel recall .7."""
    names = list(dict.fromkeys(row["family"] for row in rows))
    lines = ["  ".join([f"{'change':<12}", *(f"{title:>16}" for title in SHOWN.values())])]
    for name in names:
        group = [row for row in rows if row["family"] == name]
        values = [[row[key] for row in group if row[key] is not None] for key in SHOWN]
        cells = [show(float(np.mean(each)) if each else None) for each in values]
        lines.append("  ".join([f"{name:<12}", *(f"{cell:>16}" for cell in cells)]))
    first = rows[0]
    if first["outside_share"] is not None:
        found = ", ".join(f"{show(first[f'outside_recall_{at}'])} at {at} %" for at in ("50", "70", "90"))
        lines.append(
            f"defect pixels where the model sees no part: {show(first['outside_share'])} of all; found: {found}"
        )
    return lines
