"""Where the part is in each training picture: proposed from the PDN's features, taught or given by the user's masks."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from baad.data.checksum import hash_file
from baad.data.decode import read_image, show_path
from baad.data.geometry import resize_image, resize_map, resize_mask
from baad.data.masks import mask_file, read_mask
from baad.data.part_masks import (
    NOTHING,
    drop_unchanged,
    find_part_masks,
    mark_nothing,
    name_pictures,
    was_refused,
)
from baad.data.sample import GoodImage, Mask
from baad.errors import DataError
from baad.foreground import gate
from baad.foreground.correct import TAUGHT
from baad.foreground.gate import NOBODY, Gate
from baad.foreground.propose import Painted
from baad.foreground.quality import judge_pictures
from baad.learn.codebook import SEEKER, load_codebook
from baad.learn.pdn import Pdn, load_pdn
from baad.learn.pictures import to_images
from baad.learn.precision import autocast
from baad.progress import Progress
from baad.settings import TrainSettings
from baad.synthesis.background import FULL

PROPOSED_AT = 256  # px
CELL = 4  # px of the network's picture per cell of its mask
ALIKE = 0.9  # overlap (IoU) of a picture's mask with the usual place, in the mean, from which the part lies still
SEED = 0  # of the search: the same pictures give the same masks
SAME_ASPECT = 1.05  # times wider or narrower that a picture of the empty scene may be


@dataclass(frozen=True)
class Shown:
    """What the user shows of the part: a folder of masks for some or all pictures, a picture of the empty scene.

    Masks that a folder's masks.json lists as proposed, and nobody has changed since, show nothing if `edited_only`.
    """

    fg_masks: Path | None = None
    empty_scene: Path | None = None
    edited_only: bool = False

    def __bool__(self) -> bool:
        return self.fg_masks is not None or self.empty_scene is not None


def fingerprint_shown(shown: Shown, images: Sequence[GoodImage]) -> str:
    """SHA-256 of the files that show the part of these pictures, and of which shows which; "" without any."""
    if not shown:
        return ""
    names = name_pictures([image.path for image in images])
    masks = {} if shown.fg_masks is None else find_part_masks(shown.fg_masks, list(names))
    pairs = [(names[picture], mask_file(mask)) for picture, mask in masks.items()]
    pairs += [] if shown.empty_scene is None else [("", shown.empty_scene)]
    contents = {file: hash_file(file) for file in {file for _, file in pairs} if file.is_file()}
    return hashlib.sha256(repr([(name, contents.get(file)) for name, file in pairs]).encode()).hexdigest()


@dataclass(frozen=True)
class Seen:
    """Training pictures as the network sees them, uint8 [N, H, W, 3], their files, and the (H, W) of each file."""

    resized: np.ndarray
    files: Sequence[GoodImage]
    shapes: Sequence[tuple[int, int]]


def choose_foreground(
    seen: Seen, further: Sequence[GoodImage], shown: Shown, settings: TrainSettings, progress: Progress
) -> Gate:
    """The user's masks where all pictures have one; else found, with what the user shows of it; or everything, as where
    the user's masks mark no less.

    `further` pictures are not trained on, but their masks, if there are any, teach as well. Raises DataError where
    nothing in the folder of masks belongs to a picture, unless `baad masks` refused to write any, or where none of the
    masks marks anything that is left at the network's size, and the errors of reading masks and pictures.
    """
    if shown.fg_masks is not None and was_refused(shown.fg_masks):
        progress.say(f"{shown.fg_masks} holds no masks: `baad masks` found no background")
        shown = replace(shown, fg_masks=None)
    painted = {} if shown.fg_masks is None else _read_shown(shown.fg_masks, seen, further, shown.edited_only)
    if painted and all(image.path in painted for image in seen.files):
        if shown.empty_scene is not None:
            progress.warn(f"{shown.empty_scene} is not used: every picture has a mask of its own")
        masks = _read_masks(painted, seen)
        area = float(np.median(masks.mean(axis=(1, 2))))
        if area > FULL:
            reason = "most of the masks given mark the whole picture"
            progress.warn(f"{reason}, so they tell no background: the whole picture counts as part")
            return Gate(False, "user", 0.0, reason, None)
        quality = judge_pictures(seen.resized, masks, area)
        reason = f"masks given for all {len(masks)} pictures"
        return Gate(True, "user", 1.0, reason, masks.astype(np.float32), quality, painted=tuple(range(len(masks))))
    if settings.foreground == "off" and not shown:
        return Gate(False, "none", 0.0, "switched off", None)
    found = _find_foreground_with(painted, seen, further, shown, progress)
    if found.accepted:
        taught = found.recipe == TAUGHT
        by = f"learnt from {min(len(painted), gate.DECIDE_ON)} of your masks" if taught else f"found by {found.recipe}"
        if found.confirmed:
            by += ", as your masks confirm"
        elif painted and not taught:
            progress.warn(
                f"nothing learnt from {len(painted)} of your masks: paint pictures that show part and background, and "
                "where the part is as thin as a wire, all of them"
            )
        progress.say(f"foreground: {by}, quality {found.quality:.2f}")
    else:
        progress.warn(f"foreground masks not used ({found.reason}): the whole picture counts as part")
        if found.suggested:
            names = name_pictures([image.path for image in (*seen.files, *further)])
            named = ", ".join(show_path(names[seen.files[index].path]) for index in found.suggested)
            progress.say(f"if there is a background, paint the part in {named}, and give them with --fg-masks")
    return found


def _find_foreground_with(
    painted: Mapping[Path, Mask],
    seen: Seen,
    further: Sequence[GoodImage],
    shown: Shown,
    progress: Progress,
) -> Gate:
    """Find the foreground; further pictures that are painted are looked at too, and left out of the answer."""
    shape, images = seen.resized.shape[1:3], seen.resized
    teachers = [image.path for image in further if image.path in painted]
    if teachers:
        images = np.concatenate([images, np.stack([resize_image(read_image(path), shape) for path in teachers])])
    paths = [*(image.path for image in seen.files), *teachers]
    index = np.array([place for place, path in enumerate(paths) if path in painted], int)
    masks = [_read_one(painted[paths[place]], paths[place], shape) for place in index]
    given = Painted(index, np.stack(masks)) if masks else NOBODY
    scene = None if shown.empty_scene is None else read_empty_scene(shown.empty_scene, seen.shapes)
    found = find_foreground(images, progress, given, scene)
    count = len(seen.files)
    return replace(
        found,
        masks=None if found.masks is None else found.masks[:count],
        per_image=None if found.per_image is None else found.per_image[:count],
        suggested=tuple(place for place in found.suggested if place < count),
        painted=tuple(place for place in found.painted if place < count),
    )


def find_foreground(
    images: np.ndarray,
    progress: Progress,
    painted: Painted = NOBODY,
    empty_scene: np.ndarray | None = None,
) -> Gate:
    """Propose masks for normal pictures uint8 [N, H, W, 3], and let the gate judge them.

    `painted` masks bool [M, H, W]; `empty_scene` uint8 [h, w, 3]. The recipes always see squares of 256 px, for which
    they are made, whatever the network sees.
    """
    pdn = load_pdn(SEEKER)
    shape, square = images.shape[1:3], (PROPOSED_AT, PROPOSED_AT)
    squares = images if shape == square else np.stack([resize_image(each, square) for each in images])
    scene = None if empty_scene is None else resize_image(empty_scene, square)
    given = painted
    if len(painted.index) and shape != square:
        given = Painted(painted.index, np.stack([resize_mask(mask, square) for mask in painted.masks]))
    found = gate.find_foreground(
        squares,
        lambda some: describe_patches(pdn, some),
        load_codebook(),
        progress,
        np.random.default_rng(SEED),
        painted=given,
        empty_scene=scene,
    )
    if found.masks is None or squares is images:
        return found
    masks = np.stack([resize_map(mask, shape) for mask in found.masks])
    if found.painted:
        masks[painted.index] = painted.masks
    return replace(found, masks=masks)


def read_empty_scene(file: Path, shapes: Sequence[tuple[int, int]]) -> np.ndarray:
    """The user's picture of the empty scene, uint8 [H, W, 3]; `shapes` (H, W) are those of the training pictures.

    Raises DataError where its aspect is another one than theirs: it cannot be the same view.
    """
    scene = read_image(file)
    aspect = scene.shape[1] / scene.shape[0]
    ratios = [max(aspect * height / width, width / height / aspect) for height, width in shapes]
    if min(ratios) > SAME_ASPECT:
        height, width = shapes[0]
        raise DataError(
            f"{file} is {scene.shape[1]} x {scene.shape[0]} px, the training pictures are {width} x {height} px: not "
            "the same view. Take the picture of the empty scene with the same camera and the same crop."
        )
    return scene


def find_usual_place(foregrounds: np.ndarray) -> torch.Tensor:
    """Share of the pictures in which each cell is part, [1, 1, H / 4, W / 4], from masks bool [N, H, W].

    One cell of 0 where the part does not lie alike in all of them: then no place is usual.
    """
    share = foregrounds.mean(0, dtype=np.float32)  # [H, W]
    usual = share > 0.5
    overlap = [(mask & usual).sum() / max(1, (mask | usual).sum()) for mask in foregrounds]
    if np.mean(overlap) < ALIKE:
        return torch.zeros(1, 1, 1, 1)
    height, width = (side // CELL for side in share.shape)
    return torch.from_numpy(share.reshape(height, CELL, width, CELL).mean((1, 3)))[None, None]


def describe_patches(pdn: Pdn, images: np.ndarray) -> np.ndarray:
    """The PDN's features of pictures uint8 [N, H, W, 3] -> float32 [N, H / 4, W / 4, C]."""
    found = []
    with torch.no_grad(), autocast():
        for start in range(0, len(images), 8):
            chunk = to_images(images[start : start + 8])
            found.append(pdn(chunk).permute(0, 2, 3, 1).float().numpy())
    return np.concatenate(found)


def _read_shown(folder: Path, seen: Seen, further: Sequence[GoodImage], edited_only: bool) -> dict[Path, Mask]:
    """Which pictures the user gives a mask for, and where it stands."""
    paths = [image.path for image in (*seen.files, *further)]
    found = find_part_masks(folder, paths)
    if not found:
        first = show_path(name_pictures(paths)[paths[0]])
        raise DataError(
            f"{folder} has no mask for any of the {len(paths)} training pictures, such as {first}. Give "
            "STEM.png or STEM.json for at least one, in sub-folders where the pictures lie in some, or leave "
            "--fg-masks away to have them proposed."
        )
    if mark_nothing(found.values()):
        raise DataError(f"{folder}: {NOTHING[0]}. {NOTHING[1]}.")
    return drop_unchanged(folder, found) if edited_only else found


def _read_masks(painted: Mapping[Path, Mask], seen: Seen) -> np.ndarray:
    """The masks of all pictures, bool [N, H, W]. Raises MaskError where one does not fit its picture, DataError where
    nothing is left of any."""
    wanted = seen.resized.shape[1:3]
    masks = [
        resize_mask(read_mask(painted[image.path], shape), wanted) for image, shape in zip(seen.files, seen.shapes)
    ]
    if not any(mask.any() for mask in masks):
        raise DataError(
            f"What the masks mark as part is too thin to be seen at {wanted[1]} x {wanted[0]} px, as the network sees "
            "the pictures. Give a larger image_size, or tile_px."
        )
    return np.stack(masks)


def _read_one(mask: Mask, picture: Path, wanted: tuple[int, int]) -> np.ndarray:
    return resize_mask(read_mask(mask, read_image(picture).shape[:2]), wanted)
