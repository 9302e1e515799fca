"""Where the part is in each training picture: proposed from the PDN's features, or read from the user's masks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from baad.data.geometry import resize_image, resize_map, resize_mask
from baad.data.masks import find_part_masks, read_mask
from baad.data.sample import GoodImage
from baad.errors import DataError
from baad.foreground import gate
from baad.foreground.gate import Gate
from baad.learn.codebook import load_codebook
from baad.learn.pdn import Pdn, load_pdn
from baad.learn.precision import autocast
from baad.progress import Progress
from baad.settings import TrainSettings

PROPOSED_AT = 256  # px
CELL = 4  # px of the network's picture per cell of its mask
ALIKE = 0.9  # overlap (IoU) of a picture's mask with the usual place, in the mean, from which the part lies still


def find_foreground(images: np.ndarray, settings: TrainSettings, progress: Progress) -> Gate:
    """Propose masks for normal pictures uint8 [N, H, W, 3], and let the gate judge them.

    The recipes always see squares of 256 px, for which they are made, whatever the network sees.
    """
    pdn = load_pdn(settings.size)
    shape = images.shape[1:3]
    square = (PROPOSED_AT, PROPOSED_AT)
    squares = images if shape == square else np.stack([resize_image(each, square) for each in images])
    found = gate.find_foreground(
        squares, lambda some: describe_patches(pdn, some), load_codebook(settings.size), progress
    )
    if found.masks is None or squares is images:
        return found
    return replace(found, masks=np.stack([resize_map(mask, shape) for mask in found.masks]))


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
            chunk = torch.from_numpy(images[start : start + 8]).permute(0, 3, 1, 2).float() / 255.0
            found.append(pdn(chunk).permute(0, 2, 3, 1).float().numpy())
    return np.concatenate(found)


def read_foreground(
    folder: Path,
    pictures: Sequence[GoodImage],
    shapes: Sequence[tuple[int, int]],
    wanted: tuple[int, int],
    among: Sequence[GoodImage] = (),
) -> np.ndarray:
    """The user's masks (255 = part) for all pictures, bool [N, H, W] where `wanted` is (H, W).

    `shapes` are the pictures' (H, W); `among` are the pictures that the folder was made for, if there are more of
    them. baad.data.masks.find_part_masks says where a mask lies. Raises DataError where one is missing and MaskError
    where one does not fit its picture.
    """
    found = find_part_masks(folder, [each.path for each in among or pictures])
    missing = [each.path.name for each in pictures if each.path not in found]
    if missing:
        named = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
        raise DataError(
            f"{folder} has no mask for {len(missing)} of {len(pictures)} training pictures ({named}). "
            "Give one STEM.png for each, in sub-folders where the pictures lie in some, or leave --fg-masks away to "
            "have them proposed."
        )
    masks = [resize_mask(read_mask(found[each.path], shape), wanted) for each, shape in zip(pictures, shapes)]
    return np.stack(masks)
