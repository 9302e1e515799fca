"""What a baseline is to the benchmarks, and what several of them do alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from baad.data.geometry import resize_image
from baad.learn.blocks import count_macs, count_parameters
from baad.learn.pictures import to_images
from baad.learn.resizing import Spreading, enlarging
from baad.progress import Progress
from baad.runtime.session import RawMaps

Describe = Callable[[Tensor], Tensor]  # images [B, 3, H, W] in 0..1 -> features [B, C, h, w]
SMOOTHING = 2.0  # standard deviation in cells of a map of half the side: 4 px


@dataclass(frozen=True, eq=False)
class Normals:
    """Normal pictures uint8 [N, H, W, 3] at the size at which the network sees them, N from 0 for `held_out`."""

    fit: np.ndarray
    held_out: np.ndarray  # of the same product, never learnt from: scales are taken from them


@dataclass(frozen=True)
class Fitted:
    """What a baseline took: training steps (0 where there are none), numbers it keeps, work for one picture."""

    steps: int
    parameters: int
    macs: int  # multiply-accumulates
    mask_steps: int = 0  # of a mask network beside it
    processor_minutes: float | None = None  # of all threads, where that is known
    device: str | None = "cpu"  # that it was fitted on: "cpu", "cuda", "mps", where that is known


class Baseline(Protocol):
    """A detector to compare with. Fitted once, on normal pictures alone."""

    def fit(self, normals: Normals, progress: Progress) -> Fitted: ...

    def score(self, picture: np.ndarray) -> RawMaps:
        """Picture uint8 [H, W, 3], any size -> its map at the network's size or a part of it, and its score."""

    def pool(self, anomaly: np.ndarray) -> float:
        """The picture's score from its map [h, w]."""


def resize_one(picture: np.ndarray, shape: tuple[int, int]) -> Tensor:
    """One picture uint8 [H, W, 3] of any size -> images [1, 3, h, w] in 0..1, where `shape` is (h, w)."""
    return to_images(resize_image(picture, shape)[None])


def enlarge(grid: np.ndarray, shape: tuple[int, int], offset: tuple[float, float]) -> np.ndarray:
    """Values per patch float32 [h, w] -> float32 of `shape`, whole numbers of cells; offset: as in `smooth_grid`, in
    cells of that shape."""
    spreading = Spreading(
        *(
            enlarging(cells, side // cells, aside * cells / side)
            for cells, side, aside in zip(grid.shape, shape, offset)
        )
    )
    return spreading(torch.from_numpy(grid)).numpy()


def smooth_grid(grid: np.ndarray, shape: tuple[int, int], offset: tuple[float, float]) -> np.ndarray:
    """Values per patch float32 [h, w] -> map of half of `shape` (height, width), smoothed by 4 px.

    `offset`: how many px further down and to the right the values lie than what they tell of.
    """
    half = (shape[0] // 2, shape[1] // 2)
    return cv2.GaussianBlur(enlarge(grid, half, (offset[0] / 2, offset[1] / 2)), (0, 0), SMOOTHING)


def features_cost(describe: Describe, shape: tuple[int, int]) -> tuple[int, int]:
    """Parameters and multiply-accumulates of the features of one picture of (height, width); 0, 0 if no network."""
    if not isinstance(describe, nn.Module):
        return 0, 0
    return count_parameters(describe), count_macs(describe, torch.zeros(1, 3, *shape))


def plain_maps(anomaly: np.ndarray, score: float, reconstruction: np.ndarray | None = None) -> RawMaps:
    """The maps of a detector that knows no background: all counts as part."""
    return RawMaps(anomaly, np.ones_like(anomaly), score, reconstruction)
