"""How good is a recipe, asked without any test picture: held-out normals against the same with held-back defects.

What is chosen is chosen here (settings, losses, network; a baseline's too), over several categories at once; the test
half is read only after that.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from pathlib import Path

import numpy as np

from baad.bench.job import FAILURES, Fit, Job, Workshop, describe_settings, require_names
from baad.bench.rows import Row, read_rows, write_rows
from baad.bench.run import KEYS, is_done, put_rows, require_all, tell_missing
from baad.data.decode import read_image
from baad.data.doctor import check_category, require_usable
from baad.data.geometry import STEP, fit_shape, resize_image, resize_map
from baad.data.reading import read_category
from baad.data.sample import Category
from baad.data.split import split_held_out
from baad.data.spread import spread_evenly
from baad.errors import DataError
from baad.foreground.gate import DECIDE_ON
from baad.learn.foreground_masks import find_foreground
from baad.metrics.ranking import auroc_of, average_precision, count_levels
from baad.metrics.scorecard import show
from baad.progress import Progress
from baad.settings import TrainSettings
from baad.synthesis.heldback import HELDBACK, KINDS, draw_defect

RESULTS = "validation.jsonl"  # apart from results.jsonl of `bench.run`, whose figures are of test pictures
FIGURES = ("image_auroc", "pixel_ap")
EACH = 7  # one normal pixel of so many is kept, and counted for all of them
DRAWS = 3  # of each kind of defect on each picture
DRAWN_AT = 256  # px at which defects are drawn, whatever a recipe's image size: lines keep their width


def run_validation(
    categories: Sequence[Path],
    out: Path,
    settings: TrainSettings,
    progress: Progress,
    models: Path = Path("runs"),
    layout: str = "auto",
    methods: Sequence[str] = ("baad",),
) -> list[Row]:
    """A row per category and method, of the settings' seed, in `out`/validation.jsonl. Test pictures are not read.

    Rows that stand there already are kept, unless their fingerprint says that they were made with something else. Where
    a training fails, or its model cannot be judged, that row is left out, and the others made.

    Raises DataError for two categories of one name, and, before any training, with a line for each picture that cannot
    be learnt from; TrainingError, at the end, where rows were left out.
    """
    rows, read = read_rows(out / RESULTS, (*KEYS, *FIGURES)), [read_category(path, layout) for path in categories]
    require_names(read)
    learnt = [replace(category, test=()) for category in read]
    require_usable(list(chain.from_iterable(check_category(category, progress) for category in learnt)))
    workshop, missing = Workshop(models, progress), []
    for category in read:
        jobs = [Job(category, method, settings) for method in methods]
        told = f"already in {out.name}"
        jobs = [job for job in jobs if not is_done(job, _judged_with(job), rows, f"{job}: {told}", progress)]
        if not jobs:
            continue
        held_out = find_held_out(category, settings, progress)
        for job in jobs:
            made: list[Row] = []  # what stands there was made otherwise
            try:
                made = [validate_detector(workshop.make(job), job, held_out, progress)]
            except FAILURES as error:
                missing.append(tell_missing(str(job), error, progress))
            rows = put_rows(job, made, rows)
            write_rows(out / RESULTS, rows)
            for row in made:
                progress.say(f"{job}: {describe_figures(row)}")
    require_all(missing, out)
    return rows


def describe_figures(row: Row) -> str:
    """The figures of a row in a few words; a dash for one that there is not."""
    return f"image AUROC {show(row['image_auroc'], 3)}, pixel AP {show(row['pixel_ap'], 3)}"


@dataclass(frozen=True)
class HeldOut:
    """Held-out normal pictures, uint8 [H, W, 3] each, and where the part is in them, float32 [N, h, w] in 0..1."""

    pictures: Sequence[np.ndarray]
    parts: np.ndarray


def find_held_out(category: Category, settings: TrainSettings, progress: Progress) -> HeldOut:
    """The pictures that no training with these settings is fitted to. Where the part is does not come from a model, so
    that all recipes are judged on the same defects."""
    split = split_held_out(category.train, settings.held_out, settings.seed)
    pictures = [read_image(image.path) for image in split.held_out]
    return HeldOut(pictures, find_parts(pictures, [image.path for image in split.fit], progress))


def validate_detector(detector: Fit, job: Job, held_out: HeldOut, progress: Progress) -> Row:
    """Figures of one detector over the held-out pictures: each as it is, and DRAWS times with each kind of defect.

    Raises DataError where none can be drawn that could be seen.
    """
    category, settings, pictures = job.category, job.settings, held_out.pictures
    normal: list[float] = []
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    defective_pixels: list[np.ndarray] = []
    normal_pixels: list[np.ndarray] = []
    with progress.task("held-back defects", len(pictures)) as task:
        for index, picture in enumerate(pictures):
            normal.append(detector.score(picture).score)
            for kind, drawn, defect in draw_defects(held_out, index):
                raw = detector.score(drawn)
                found[kind].append(raw.score)
                anomaly = resize_map(raw.anomaly, (defect.shape[0], defect.shape[1]))
                defective_pixels.append(anomaly[defect])
                normal_pixels.append(anomaly[~defect][::EACH])
            task.advance()
    if not defective_pixels:
        raise DataError(
            f"{category.name}: no held-back defect could be drawn that shows on its held-out pictures, so nothing "
            "tells how good a recipe is. Give a category whose pictures show more than one shade."
        )
    kinds = {kind: auroc_of(normal, scores) for kind, scores in found.items() if scores}
    positive, negative = np.concatenate(defective_pixels), np.repeat(np.concatenate(normal_pixels), EACH)
    levels = count_levels(
        np.concatenate([positive, negative]), np.arange(len(positive) + len(negative)) < len(positive)
    )
    return {
        "category": category.name,
        "method": job.method,
        "seed": settings.seed,
        "steps": detector.fitted.steps,
        "n_normal": len(normal),
        "n_defective": sum(map(len, found.values())),
        "image_auroc": round(float(np.mean(list(kinds.values()))), 4),
        "pixel_ap": round(float(average_precision(*levels)), 4),
        "kinds": {kind: round(value, 3) for kind, value in kinds.items()},
        "train_minutes": round(detector.minutes, 2),
        "mask_steps": detector.fitted.mask_steps,
        "settings": describe_settings(settings),
        **_judged_with(job),
    }


def _judged_with(job: Job) -> Row:
    """What a row says of how it was made, and `tested_on` which defects."""
    return {**job.made_with(), "tested_on": f"held-back defects {HELDBACK}"}


def draw_defects(held_out: HeldOut, index: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Of one held-out picture, each time a defect can be seen: its kind, the picture with it, uint8 [H, W, 3], and
    where it is, bool [h, w].

    Defects are drawn at about DRAWN_AT px or less, and what they change is added to the picture as it is, for whatever
    looks at it, whole or in tiles: its own grain stays, so that no recipe finds a defect by the grain that went.
    """
    picture = held_out.pictures[index]
    shape, size = _shape_to_draw([picture]), (picture.shape[0], picture.shape[1])
    part = resize_map(held_out.parts[index], shape) > 0.5
    if not part.any():
        part = np.ones(shape, bool)
    small, other = resize_image(picture, shape), resize_image(held_out.pictures[index - 1], shape)
    for kind, draw in product(KINDS, range(DRAWS)):
        drawn, defect = draw_defect(small, part, other, kind, DRAWS * index + draw)
        if defect.any():
            change = drawn.astype(np.float32) - small  # [h, w, 3]
            enlarged = np.stack([resize_map(channel, size) for channel in np.moveaxis(change, 2, 0)], axis=2)
            yield kind, np.clip(np.rint(picture + enlarged), 0, 255).astype(np.uint8), defect


def find_parts(pictures: Sequence[np.ndarray], others: Sequence[Path], progress: Progress) -> np.ndarray:
    """Where the part is in held-out pictures, float32 [N, h, w] in 0..1, found among them and `others` of the set.

    All ones where no background is found.
    """
    shape = _shape_to_draw(pictures)
    some = [read_image(others[index]) for index in spread_evenly(len(others), DECIDE_ON)]
    seen = np.stack([resize_image(picture, shape) for picture in (*pictures, *some)])
    masks = find_foreground(seen, progress).masks
    return np.ones((len(pictures), *shape), np.float32) if masks is None else masks[: len(pictures)]


def _shape_to_draw(pictures: Sequence[np.ndarray]) -> tuple[int, int]:
    """(height, width) at which defects are drawn on pictures uint8 [H, W, 3]: of about DRAWN_AT px, and hardly more
    than the largest has."""
    largest = max(math.sqrt(picture.shape[0] * picture.shape[1]) for picture in pictures)
    side = STEP * math.ceil(largest / STEP)
    return fit_shape([picture.shape[:2] for picture in pictures], min(DRAWN_AT, side))
