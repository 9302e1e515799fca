"""The normal pictures of a training: read, brought to one shape, and held in memory."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from baad.data.checksum import name_content
from baad.data.decode import read_image
from baad.data.geometry import fit_shape, resize_image
from baad.data.sample import GoodImage
from baad.data.spread import spread_evenly
from baad.progress import Progress
from baad.runtime.detector import name_colour

MEASURED = 30  # pictures that tell the aspect that all are brought to


@dataclass(frozen=True)
class Pictures:
    """The normal pictures in memory: uint8 [N, H, W, 3] as the network sees them, and the original (H, W) of each."""

    resized: np.ndarray
    shapes: tuple[tuple[int, int], ...]
    colours: tuple[str, ...]  # "grey", "colour" or both: what the pictures are
    fingerprint: str  # SHA-256 over the pictures in order, as they were resized first
    files: tuple[str, ...]  # what each file holds, by `name_content`

    @property
    def grey(self) -> bool:
        """Whether every picture is grey."""
        return self.colours == ("grey",)

    @property
    def input_shape(self) -> tuple[int, int]:
        """(height, width) at which the network sees every picture."""
        return self.resized.shape[1], self.resized.shape[2]


def read_pictures(images: Sequence[GoodImage], size: int, progress: Progress, square: bool = False) -> Pictures:
    """Read all pictures, and resize them to the aspect that they have in common, or to a square."""
    measured = [images[index] for index in spread_evenly(len(images), MEASURED)]
    shapes_of_some = [(size, size)] if square else [read_image(image.path).shape[:2] for image in measured]
    wanted = fit_shape(shapes_of_some, size)
    resized = np.empty((len(images), *wanted, 3), np.uint8)  # filled, not stacked, which would take twice the memory
    shapes, colours, files, digest = [], set(), [], hashlib.sha256()
    with progress.task("reading pictures", len(images)) as task:
        for number, image in enumerate(images):
            picture = read_image(image.path)
            resized[number] = resize_image(picture, wanted)
            shapes.append((picture.shape[0], picture.shape[1]))
            colours.add(name_colour(picture))
            files.append(name_content(image.path))
            digest.update(resized[number].tobytes())
            task.advance()
    return Pictures(resized, tuple(shapes), tuple(sorted(colours)), digest.hexdigest(), tuple(files))


def to_images(pictures: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Pictures uint8 [B, H, W, 3] -> images float32 [B, 3, H, W] in 0..1."""
    return torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 255.0


def to_image(picture: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """One picture uint8 [H, W, 3] -> float32 [1, 3, H, W] in 0..1.

    Not `to_images(picture[None])`, which lies otherwise in memory: convolutions may then sum in another order.
    """
    return torch.from_numpy(picture).to(device).permute(2, 0, 1)[None].float() / 255.0
