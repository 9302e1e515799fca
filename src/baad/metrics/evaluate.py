"""One pass over a test set: pictures in, Scorecard out. Labels and masks are read here and nowhere upstream."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from baad.data.decode import read_image, text_of_path
from baad.data.geometry import resize_map
from baad.data.masks import read_mask, unite_masks
from baad.data.sample import Category, LabelledImage
from baad.errors import BundleError, DataError
from baad.metrics.intervals import (
    RESAMPLES,
    Interval,
    auroc_interval,
    draw_resamples,
    percentile_interval,
    resample_levels,
)
from baad.metrics.pixels import MapStore, PixelTally, count_pixels, pixel_figures
from baad.metrics.ranking import auroc, average_precision, count_levels, f1_max
from baad.metrics.scorecard import Figures, KindFigures, Scorecard, ScoredImage, summary_lines
from baad.progress import Progress

__all__ = ["Figures", "KindFigures", "Scorecard", "ScoredImage", "evaluate", "summary_lines"]

FEW = 30  # pictures of a kind: of 9 normal ones, bootstrapped 95 % intervals held an AUROC of .99 in 65 % of trials
CHUNK = 125  # resamples of the pixel counts held at once: 5 x 125 x 2,048 numbers


class ScoredMap(Protocol):
    """What a detector returns for a picture: RawMaps of the runtime fits, a baseline's own class may."""

    @property
    def anomaly(self) -> np.ndarray: ...  # float32 [h, w], any size; higher is more anomalous
    @property
    def score(self) -> float: ...


def evaluate(
    score_image: Callable[[Path], ScoredMap],
    category: Category,
    progress: Progress,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    keep_map: Callable[[Path, np.ndarray], None] | None = None,
) -> Scorecard:
    """Score every test picture and compare with the truth.

    Maps are resized to the size of their picture before anything is counted. Pixel figures need masks: defective
    pictures without one are left out of them, and the notes say so. `seed` is the bootstrap's only source of chance.
    `keep_map` is handed each picture and its map, float32 [h, w] of the network's size.

    Raises DataError without test pictures, BundleError where a score or a map is not finite, ImageError and MaskError
    from reading.
    """
    test = tuple(replace(image, kind=text_of_path(image.kind)) for image in category.test)
    category = replace(category, name=text_of_path(category.name), test=test)  # what goes into the Scorecard is UTF-8
    if not test:
        raise DataError(f"{category.name} has no test pictures. Give a category that has normal and defective ones.")
    maps = MapStore(len(test))
    try:
        images, times = _score_all(score_image, category, maps, progress, keep_map)
        tally = _tally_pixels(test, maps, progress) if any(image.masks for image in test) else None
    finally:
        maps.close()
    rng = np.random.default_rng(seed)
    kinds = sorted({image.kind for image in test if image.defective})
    overall = _figures_of(None, images, tally, resamples, rng)
    return Scorecard(
        category=category.name,
        n_normal=sum(not image.defective for image in test),
        n_defective=sum(image.defective for image in test),
        overall=overall,
        kinds=tuple(_figures_of(kind, images, tally, resamples, rng) for kind in kinds),
        images=images,
        ms_per_image=1000 * float(np.median(times)),
        notes=tuple(_notes(test, overall.figures)),
    )


def _score_all(
    score_image: Callable[[Path], ScoredMap],
    category: Category,
    maps: MapStore,
    progress: Progress,
    keep_map: Callable[[Path, np.ndarray], None] | None,
) -> tuple[tuple[ScoredImage, ...], list[float]]:
    """Scores and seconds of all pictures; their maps go to `maps`."""
    scored, times = [], []
    with progress.task("scoring", len(category.test)) as task:
        for index, image in enumerate(category.test):
            started = time.perf_counter()
            result = score_image(image.path)
            times.append(time.perf_counter() - started)
            if not (np.isfinite(result.score) and np.isfinite(result.anomaly).all()):
                raise BundleError(
                    f"{image.path}: the model's answer is not a finite number. Its training went wrong: train it again."
                )
            maps.add(index, result.anomaly)
            if keep_map is not None:
                keep_map(image.path, result.anomaly)
            scored.append(ScoredImage(_name(image.path, category.root), image.kind, float(result.score)))
            task.advance()
    return tuple(scored), times


def _tally_pixels(test: tuple[LabelledImage, ...], maps: MapStore, progress: Progress) -> PixelTally:
    """Pixel counts of all pictures whose truth is known to the pixel."""
    tally = PixelTally(maps.fit_bins())
    with progress.task("measuring pixels", len(test)) as task:
        for index, image in enumerate(test):
            task.advance()
            if image.defective and not image.masks:
                continue
            shape = read_image(image.path).shape[:2]
            defect = unite_masks(image.masks, shape) if image.masks else np.zeros(shape, bool)
            part = read_mask(image.foreground, shape) if image.foreground and not image.defective else None
            anomaly = resize_map(maps.read(index), shape)
            tally.add(index, image.kind, count_pixels(tally.bins, anomaly, defect, part))
    return tally


def _figures_of(
    kind: str | None,
    images: tuple[ScoredImage, ...],
    tally: PixelTally | None,
    resamples: int,
    rng: np.random.Generator,
) -> KindFigures:
    """Figures and intervals of one kind of defect, or of all kinds (None), against all normals."""
    chosen = np.array([kind is None or not image.defective or image.kind == kind for image in images])
    defective = np.array([image.defective for image in images])
    scores = np.array([image.score for image in images])[chosen]
    drawn = draw_resamples(defective[chosen], resamples, rng)  # [B, chosen]
    values = _image_figures(*count_levels(scores, defective[chosen]))
    spread = _image_figures(*resample_levels(scores, defective[chosen], drawn))
    counts = tally.total(kind) if tally else None
    if tally and counts:
        weights = np.zeros((resamples, len(images)), np.float32)
        weights[:, chosen] = drawn
        values |= pixel_figures(counts)
        parts = [pixel_figures(tally.resampled(weights[i : i + CHUNK])) for i in range(0, resamples, CHUNK)]
        spread |= {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    known = {name: float(value) for name, value in values.items() if np.isfinite(value)}
    intervals = {name: percentile_interval(spread[name]) for name in known}
    n_defective = int(defective[chosen].sum())
    if "image_auroc" in known:
        intervals["image_auroc"] = auroc_interval(known["image_auroc"], int((~defective).sum()), n_defective)
    return KindFigures(
        kind=kind or "all",
        n_defective=n_defective,
        figures=Figures(**known),
        intervals={name: interval for name, interval in intervals.items() if isinstance(interval, Interval)},
    )


def _image_figures(positives: np.ndarray, negatives: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "image_auroc": auroc(positives, negatives),
        "image_ap": average_precision(positives, negatives),
        "image_f1_max": f1_max(positives, negatives),
    }


def _notes(test: tuple[LabelledImage, ...], figures: Figures) -> list[str]:
    """What a reader of the figures must know about the test set."""
    defective = [image for image in test if image.defective]
    unmasked = [image for image in defective if not image.masks]
    counted = {"normal": len(test) - len(defective), "defective": len(defective)}
    notes = []
    if figures.image_auroc is None:
        missing = "normal" if defective else "defective"
        notes.append(f"no {missing} test pictures: figures that compare the two are left out")
    if defective and len(unmasked) == len(defective):
        notes.append("no defect masks: pixel figures are left out")
    elif unmasked:
        notes.append(f"{len(unmasked)} of {len(defective)} defective pictures have no mask: left out of pixel figures")
    outlined = sum(image.foreground is not None for image in test if not image.defective)
    if figures.background_fpr is not None and outlined < len(test) - len(defective):
        notes.append(f"background and part FPR from {outlined} normal pictures with the part's outline")
    few = [f"{n} {kind}" for kind, n in counted.items() if n < FEW]
    if few and figures.image_auroc is not None:
        told = "near 1, the intervals of figures other than image AUROC are too narrow"
        notes.append(f"{' and '.join(few)} test pictures are few: {told}")
    return notes


def _name(path: Path, root: Path) -> str:
    """Path below the category's folder, or the file's name alone where it lies elsewhere."""
    return text_of_path(path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name)
