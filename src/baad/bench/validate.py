"""How good is a recipe, asked without any test picture: held-out normals against the same with held-back defects.

What is chosen is chosen here (settings, losses, network; a baseline's too), over several categories at once; the test
half is read only after that.
"""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from baad.bench.job import Detector, Job, Workshop, require_names
from baad.bench.rows import Row, put_last, read_rows, write_rows
from baad.data.decode import read_image
from baad.data.geometry import fit_shape, resize_image, resize_map, resize_mask
from baad.data.reading import read_category
from baad.data.split import split_held_out
from baad.foreground.gate import DECIDE_ON, spread_over
from baad.learn.foreground_masks import find_foreground
from baad.metrics.ranking import auroc, average_precision, count_levels
from baad.progress import Progress
from baad.settings import TrainSettings
from baad.synthesis.heldback import KINDS, draw_defect

RESULTS, KEYS = "results.jsonl", ("category", "method", "seed")
DRAWS = 3  # of each kind of defect on each picture


def run_validation(
    categories: Sequence[Path],
    out: Path,
    settings: TrainSettings,
    progress: Progress,
    models: Path = Path("runs"),
    layout: str = "auto",
    methods: Sequence[str] = ("baad",),
) -> list[Row]:
    """A row per category and method, of the settings' seed, in `out`/results.jsonl. Test pictures are not read.

    Rows that stand there already are kept, unless their fingerprint says that they were made with something else.

    Raises DataError for two categories of one name.
    """
    rows, read = read_rows(out / RESULTS, KEYS), [read_category(path, layout) for path in categories]
    require_names(read)
    workshop = Workshop(models, progress)
    for job in [Job(category, method, settings) for category in read for method in methods]:
        made_with = job.made_with()
        before = [row for row in rows if job.describes(row)]
        if any(row.get("fingerprint") == made_with["fingerprint"] for row in before):
            progress.say(f"{job}: already in {out.name}")
            continue
        if before:
            progress.say(f"{job}: in {out.name} with other settings; run again")
        row = validate_detector(workshop.make(job), job, progress)
        rows = put_last(rows, row | made_with, KEYS)
        write_rows(out / RESULTS, rows)
        progress.say(f"{job}: image AUROC {row['image_auroc']:.3f}, pixel AP {row['pixel_ap']:.3f}")
    return rows


def validate_detector(detector: Detector, job: Job, progress: Progress) -> Row:
    """Figures of one detector over its own held-out pictures: each as it is, and DRAWS times with each kind of defect.

    Defects are drawn at about `image_size` px and laid on the picture as it is, for whatever looks at it, whole or in
    tiles. All recipes are judged on the same ones: where the part is does not come from the model.
    """
    category, settings = job.category, job.settings
    split = split_held_out(category.train, settings.held_out, settings.seed)
    pictures = [read_image(image.path) for image in split.held_out]
    parts = find_parts(pictures, [image.path for image in split.fit], settings, progress)
    normal: list[float] = []
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    defective_pixels: list[np.ndarray] = []
    normal_pixels: list[np.ndarray] = []
    with progress.task("held-back defects", len(pictures)) as task:
        for index, picture in enumerate(pictures):
            normal.append(detector.score(picture).score)
            shape = fit_shape([picture.shape[:2]], settings.image_size)
            part = resize_map(parts[index], shape) > 0.5
            if not part.any():
                part = np.ones(shape, bool)
            small, other = resize_image(picture, shape), resize_image(pictures[index - 1], shape)
            for kind, draw in product(KINDS, range(DRAWS)):
                drawn, defect = draw_defect(small, part, other, kind, DRAWS * index + draw)
                if not defect.any():
                    continue
                size = (picture.shape[0], picture.shape[1])
                there = resize_mask((drawn != small).any(axis=2), size)[..., None]
                raw = detector.score(np.where(there, resize_image(drawn, size), picture))
                found[kind].append(raw.score)
                anomaly = resize_map(raw.anomaly, shape)
                defective_pixels.append(anomaly[defect])
                normal_pixels.append(anomaly[~defect][::7])
            task.advance()
    kinds = {kind: _auroc(normal, scores) for kind, scores in found.items() if scores}
    positive, negative = np.concatenate(defective_pixels), np.concatenate(normal_pixels)
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
    }


def find_parts(
    pictures: Sequence[np.ndarray], others: Sequence[Path], settings: TrainSettings, progress: Progress
) -> np.ndarray:
    """Where the part is in held-out pictures, float32 [N, h, w] in 0..1, found among them and `others` of the set.

    All ones where no background is found.
    """
    shape = fit_shape([picture.shape[:2] for picture in pictures], settings.image_size)
    some = [read_image(others[index]) for index in spread_over(np.arange(len(others)), DECIDE_ON)]
    seen = np.stack([resize_image(picture, shape) for picture in (*pictures, *some)])
    masks = find_foreground(seen, progress).masks
    return np.ones((len(pictures), *shape), np.float32) if masks is None else masks[: len(pictures)]


def _auroc(normal: Sequence[float], defective: Sequence[float]) -> float:
    scores = np.array([*normal, *defective])
    return float(auroc(*count_levels(scores, np.arange(len(scores)) >= len(normal))))
