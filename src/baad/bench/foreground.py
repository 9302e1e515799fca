"""Are the masks right? Proposals on training pictures, and the mask head on test pictures, against the true outlines.

For each category, a number of masks that a user might have painted, and a seed: find the part as `baad train` does,
train the mask head on what was found, compare. The true outlines (foreground/ in the category) judge, and play the
user who paints; nothing else sees them. Then the gate: what it says of drawn sets of all kinds.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

import baad
from baad.bench.drawn_sets import DrawnSet, draw_sets
from baad.bench.foreground_table import DRAWN, RESULTS, write_table
from baad.bench.job import place_outlines, require_names
from baad.bench.made_with import DIGITS, RECIPE, describe_making, hash_tested, hash_weights
from baad.bench.mask_training import train_mask_head
from baad.bench.rows import Row, put_last, read_rows
from baad.data.decode import read_image
from baad.data.doctor import check_category, require_usable
from baad.data.geometry import resize_image, resize_map, resize_mask
from baad.data.maps import place_in
from baad.data.masks import read_mask
from baad.data.reading import read_category
from baad.data.sample import Category
from baad.data.spread import spread_evenly
from baad.errors import SettingError
from baad.foreground.gate import LEAST_QUALITY, NOBODY, Gate
from baad.foreground.propose import Painted, extend_masks
from baad.foreground.refine import overlap
from baad.learn.batches import Material, batches
from baad.learn.codebook import SEEKER, hash_codebook
from baad.learn.foreground_masks import PROPOSED_AT, describe_patches, find_foreground
from baad.learn.machine import using_machine
from baad.learn.network import Baad
from baad.learn.pdn import load_pdn
from baad.learn.pictures import Pictures, read_pictures, to_images
from baad.learn.train import batch_plan, new_model
from baad.progress import Progress, Silence
from baad.settings import TrainSettings
from baad.synthesis.banks import make_banks

TEST_PICTURES = 120  # at most, spread over those with an outline
CHUNK = 16
KEYS = ("category", "user_masks", "seed")


@dataclass(frozen=True)
class Trial:
    """One row to be: what the user painted, and with what chance."""

    user_masks: int
    seed: int


@dataclass(frozen=True)
class Subject:
    """A category as the trials see it. Outlines: picture's place in its list -> the true outline's file."""

    name: str
    pictures: Pictures
    outlines: dict[int, Path]
    test: list[tuple[Path, Path]]  # picture and true outline


@dataclass(frozen=True)
class Found:
    """What the search said, and what it took: wall seconds and processor seconds, per picture."""

    gate: Gate
    painted: np.ndarray
    seconds: float
    busy: float


def run_foreground(
    categories: Sequence[Path],
    out: Path,
    settings: TrainSettings,
    progress: Progress,
    seeds: int = 3,
    user_masks: Sequence[int] = (0, 1, 3),
    layout: str = "auto",
) -> list[Row]:
    """Rows in `out`/results.jsonl, the gate's word on drawn sets in `out`/drawn.jsonl, tables in `out`/README.md.

    Rows that stand there already are kept where they were made with the same settings, networks and pictures.
    `settings.steps` are those of the mask head. Raises SettingError where a user is to paint all pictures that have an
    outline, or more, and DataError for two categories of one name, or one whose pictures cannot be learnt from.
    """
    read = [read_category(path, layout) for path in categories]
    require_names(read)
    for category in read:
        require_usable(check_category(category, progress))
    plans = [plan_trials(category, user_masks, seeds) for category in read]
    rows, drawn = read_rows(out / RESULTS, KEYS), read_rows(out / DRAWN, ("set",))
    write = partial(write_table, out)
    with using_machine(settings):
        for category, wanted in zip(read, plans):
            made_with = describe_row(category, settings)
            mine = [row for row in rows if row["category"] == category.name]
            done = {(row["user_masks"], row["seed"]) for row in mine if is_alike(row, made_with)}
            left = [trial for trial in wanted if (trial.user_masks, trial.seed) not in done]
            for row in run_category(category, left, settings, progress):
                rows = put_last(rows, row | made_with, KEYS)
                write(rows, drawn)
                progress.say(f"{row['category']}, {row['user_masks']} masks, seed {row['seed']}: {describe(row)}")
        seeker: dict[str, Any] = {"pdn_sha256": hash_weights(SEEKER), "codebook_sha256": hash_codebook()[:DIGITS]}
        seeker |= {"level": LEAST_QUALITY, "code": RECIPE}
        done = {row["set"] for row in drawn if is_alike(row, seeker)}
        for each in draw_sets():
            if each.name not in done:
                row = judge_drawn(each) | seeker | {"version": baad.__version__}
                drawn = put_last(drawn, row, ("set",))
                write(rows, drawn)
                progress.say(f"{each.name}: {describe(drawn[-1])}")
    write(rows, drawn)
    return rows


def describe_row(category: Category, settings: TrainSettings) -> dict[str, Any]:
    """What a row says of how it is made: the true outlines play the user, and judge."""
    outlines = place_outlines(category)
    made_with = describe_making(category, settings, outlines if outlines.is_dir() else None)
    return {**made_with, "tested_on": hash_tested(category)}


def is_alike(row: Mapping[str, Any], made_with: Mapping[str, Any]) -> bool:
    """Whether a row was made with the same, whatever the version is called."""
    return all(row.get(key) == value for key, value in made_with.items() if key != "version")


def plan_trials(category: Category, user_masks: Sequence[int], seeds: int) -> list[Trial]:
    """All trials of a category; where it has no outlines, nobody can paint, and no head is trained: one will do."""
    outlines = sum(place_outline(category, image.path).is_file() for image in category.train)
    if not outlines:
        return [Trial(0, 0)]
    if max(user_masks, default=0) >= outlines:
        raise SettingError(
            f"--user-masks {max(user_masks)}: {category.name} has outlines of {outlines} training pictures, and some "
            "must be left to judge. Give fewer."
        )
    return [Trial(count, seed) for count in user_masks for seed in range(seeds)]


def describe(row: Row) -> str:
    """A row in a few words."""
    figures = [f"{name} {row[name]:.3f}" for name in ("quality", "iou_train", "iou_test") if row.get(name) is not None]
    return f"{row['gate']} by {row['recipe']}, {', '.join(figures)}"


def run_category(
    category: Category, trials: Sequence[Trial], settings: TrainSettings, progress: Progress
) -> Iterator[Row]:
    """The rows of one category. Without user masks the search has no chance in it, so it is done once."""
    if not trials:
        return
    subject = read_subject(category, settings, progress)
    alone: Found | None = None
    for trial in trials:
        found = alone if trial.user_masks == 0 else None
        found = found or search(subject, trial, progress)
        alone = found if trial.user_masks == 0 else alone
        yield measure(subject, trial, found, settings, progress)


def read_subject(category: Category, settings: TrainSettings, progress: Progress) -> Subject:
    """Training pictures in memory, and where the true outlines are."""
    files = [image.path for image in category.train]
    outlines = {index: place for index, file in enumerate(files) if (place := place_outline(category, file)).is_file()}
    test = [(image.path, image.foreground) for image in category.test if image.foreground is not None]
    pictures = read_pictures(category.train, settings.image_size, progress)
    return Subject(
        category.name, pictures, outlines, [test[index] for index in spread_evenly(len(test), TEST_PICTURES)]
    )


def place_outline(category: Category, picture: Path) -> Path:
    """Where the true outline of a training picture would be, which a list may name outside of the category's folder."""
    return category.root / "foreground" / place_in(category, picture).with_suffix(".png")


def search(subject: Subject, trial: Trial, progress: Progress) -> Found:
    """Find the part in the training pictures, with masks of some that are drawn by chance."""
    rng = np.random.default_rng([trial.seed, trial.user_masks])
    painted, index = NOBODY, np.zeros(0, int)
    if trial.user_masks:
        index = np.sort(rng.choice(sorted(subject.outlines), trial.user_masks, replace=False))
        masks = [resize_mask(read_outline(subject, place), subject.pictures.input_shape) for place in index]
        painted = Painted(index, np.stack(masks))
    began, busy = time.monotonic(), time.process_time()
    gate = find_foreground(subject.pictures.resized, progress, painted)
    count = len(subject.pictures.resized)
    return Found(gate, index, (time.monotonic() - began) / count, (time.process_time() - busy) / count)


def measure(subject: Subject, trial: Trial, found: Found, settings: TrainSettings, progress: Progress) -> Row:
    """One row: figures of the masks, and of a head that is trained on them. After a refusal everything is part."""
    gate = found.gate
    row: Row = {
        "category": subject.name,
        "seed": trial.seed,
        "user_masks": trial.user_masks,
        "has_background": bool(subject.outlines),
        "gate": "background" if gate.accepted else "none",
        "recipe": gate.recipe,
        "quality": round(float(gate.quality), 4),
        "iou_train": None,
        "iou_test": None,
        "iou_test_proposal": None,
        "n_train": len(subject.pictures.resized),
        "n_test": len(subject.test),
        "tried": {name: round(float(quality), 4) for name, quality in gate.tried},
        "search_seconds": round(found.seconds, 4),
        "search_processor_seconds": round(found.busy, 4),
        "head_steps": settings.steps,
        "head_processor_minutes": None,
    }
    if not subject.outlines:
        return row
    masks = gate.masks if gate.masks is not None else everything(subject.pictures.resized)
    judged = [place for place in subject.outlines if place not in found.painted]
    row["iou_train"] = mean_overlap((masks[place], read_outline(subject, place)) for place in judged)
    if gate.masks is None or gate.proposal is None:
        row["iou_test"] = row["iou_test_proposal"] = mean_overlap(see_test(subject, everything))
        return row
    busy = time.process_time()
    head = train_head(subject.pictures, gate.masks, replace(settings, seed=trial.seed), progress)
    row["head_processor_minutes"] = round((time.process_time() - busy) / 60.0, 2)
    row["iou_test"] = mean_overlap(see_test(subject, partial(see_with_head, head)))
    row["iou_test_proposal"] = mean_overlap(see_test(subject, partial(see_with_proposal, gate)))
    return row


def train_head(pictures: Pictures, masks: np.ndarray, settings: TrainSettings, progress: Progress) -> Baad:
    """A network whose mask head alone has learnt, from masks float32 [N, H, W] of all training pictures."""
    gate = Gate(True, "", 1.0, "", masks)
    banks = make_banks(np.random.default_rng([settings.seed, 5]))
    material = Material(pictures.resized, masks > 0.5, banks, pictures.grey)
    stream = batches(material, batch_plan(settings, gate), 0, settings.steps)
    return train_mask_head(new_model(settings, pictures.resized, gate.accepted), stream, settings, progress)


def see_test(subject: Subject, see: Callable[[np.ndarray], np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Seen and true parts of the test pictures. `see`: uint8 [B, H, W, 3], as the network sees it -> [B, H, W]."""
    for start in range(0, len(subject.test), CHUNK):
        some = subject.test[start : start + CHUNK]
        pictures = [read_image(picture) for picture, _ in some]
        seen = see(np.stack([resize_image(picture, subject.pictures.input_shape) for picture in pictures]))
        yield from zip(seen, [read_mask(outline, picture.shape[:2]) for picture, (_, outline) in zip(pictures, some)])


def everything(pictures: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, 3] -> masks float32 [N, H, W] of pictures without a background."""
    return np.ones(pictures.shape[:3], np.float32)


def see_with_head(model: Baad, pictures: np.ndarray) -> np.ndarray:
    """What the mask head says, float32 [B, H, W] in 0..1."""
    images = to_images(pictures)
    images = images.to(next(model.parameters()).device)
    with torch.no_grad():
        logits = model.mtrs.see_part(model.pdn(images))
        seen = F.interpolate(torch.sigmoid(logits), size=images.shape[-2:], mode="bilinear", align_corners=False)
    return seen[:, 0].cpu().numpy()


def see_with_proposal(gate: Gate, pictures: np.ndarray) -> np.ndarray:
    """What the recipe says that was taken, float32 [B, H, W] in 0..1."""
    if gate.proposal is None:
        raise ValueError("the gate took no proposal")
    squares = np.stack([resize_image(picture, (PROPOSED_AT, PROPOSED_AT)) for picture in pictures])
    masks = extend_masks(gate.proposal, squares, describe_patches(load_pdn(SEEKER), squares))
    shape = (pictures.shape[1], pictures.shape[2])
    return np.stack([resize_map(mask, shape) for mask in masks])


def judge_drawn(drawn: DrawnSet) -> Row:
    """What the gate says of a drawn set, and how right the best proposal is."""
    gate = find_foreground(drawn.images, Silence())
    iou = None
    if drawn.truth is not None and gate.proposal is not None:
        iou = mean_overlap(zip(gate.proposal.masks, drawn.truth))
    return {
        "set": drawn.name,
        "kind": drawn.kind,
        "has_background": drawn.truth is not None,
        "gate": "background" if gate.accepted else "none",
        "recipe": gate.recipe,
        "quality": round(float(gate.quality), 4),
        "iou_train": iou,
        "tried": {name: round(float(quality), 4) for name, quality in gate.tried},
    }


def read_outline(subject: Subject, place: int) -> np.ndarray:
    """The true outline of a training picture, bool [H, W] at the picture's own size."""
    return read_mask(subject.outlines[place], subject.pictures.shapes[place])


def mean_overlap(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> float | None:
    """Mean IoU of masks [h, w] in 0..1, enlarged to the size of their truth bool [H, W]; None where there are none."""
    found = []
    for seen, truth in pairs:
        whole = resize_map(seen, (truth.shape[0], truth.shape[1])) > 0.5
        found.append(overlap(whole, truth))
    return round(float(np.mean(found)), 4) if found else None
