"""Nearest neighbour: how far is each patch from every patch of the normal pictures? (PatchCore, Roth et al. 2022.)

The protocol: patch features averaged over 3x3 cells on a grid of an eighth of the side, a random sample of the normal
patches as memory, the distance to the nearest one as anomaly map, smoothed; its maximum as image score.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from baad.baselines.baseline import (
    Describe,
    Fitted,
    Normals,
    features_cost,
    plain_maps,
    resize_one,
    smooth_grid,
)
from baad.learn.offset import measure_offset
from baad.learn.pictures import to_images
from baad.progress import Progress
from baad.runtime.session import RawMaps

CELL = 8  # px
CHUNK = 2_048  # remembered patches compared at once


def nearest_distance(patches: Tensor, bank: Tensor) -> Tensor:
    """Distance of each patch to the nearest of the bank: [P, C] and [M, C] -> [P], at least 0."""
    least = torch.full((len(patches),), torch.inf)
    for some in bank.split(CHUNK):  # their distances stay in the processor's cache
        squared = torch.addmm((some**2).sum(1), patches, some.T, alpha=-2.0)  # [P, chunk]
        least = torch.minimum(least, squared.amin(1))
    return (least + (patches**2).sum(1)).clamp(min=0).sqrt()  # what all distances of a patch share comes last


def pool_patches(maps: Sequence[Tensor], cells: tuple[int, int]) -> Tensor:
    """Means over 3x3 neighbours on a grid of so many cells: maps [1, C, h, w] of any strides -> [cells, sum of C].

    What lies beyond the border counts as zeros, as in PatchCore: without them the patches there, fewer and odder than
    others, are what is furthest from all that is remembered.
    """
    means = [F.avg_pool2d(each, 3, 1, 1) for each in maps]
    joined = [F.interpolate(each, means[0].shape[-2:], mode="bilinear", align_corners=False) for each in means]
    return F.adaptive_avg_pool2d(torch.cat(joined, dim=1), cells)[0].flatten(1).T


def to_maps(features: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """What a network describes images by, one map or several -> a list of float32 maps."""
    return [each.float() for each in ([features] if isinstance(features, Tensor) else features)]


class NearestNeighbour:
    """Memory bank of normal patches over any patch features.

    `raw`: a teacher's own maps, whose channels are each divided by their deviation over the normal patches, and whose
    cells are taken for the places they tell of, as in PatchCore. What was distilled keeps its proportions: the
    components that a student could not learn would count like the others.
    """

    def __init__(self, describe: Describe, memory: int = 20_000, seed: int = 0, raw: bool = False) -> None:
        self._describe, self._memory, self._raw = describe, memory, raw
        self._rng = np.random.default_rng([seed, 11])

    def fit(self, normals: Normals, progress: Progress) -> Fitted:
        """Remember a random sample of the pictures' patches."""
        self._shape = normals.fit.shape[1:3]
        self._cells = (self._shape[0] // CELL, self._shape[1] // CELL)
        self._offset = (0.0, 0.0) if self._raw else measure_offset(self._describe)
        per_picture = -(-self._memory // len(normals.fit)) * 2
        kept = []
        with progress.task("remembering", len(normals.fit)) as task:
            for picture in normals.fit:
                patches = self._patches(to_images(picture[None]))  # [h * w, C]
                chosen = self._rng.choice(len(patches), min(per_picture, len(patches)), replace=False)
                kept.append(patches[torch.from_numpy(chosen)])
                task.advance()
        patches = torch.cat(kept)
        self._mean = patches.mean(0)
        self._std = patches.std(0) + 1e-6 if self._raw else torch.ones_like(self._mean)
        chosen = self._rng.choice(len(patches), min(self._memory, len(patches)), replace=False)
        self._bank = (patches[torch.from_numpy(chosen)] - self._mean) / self._std  # [memory, C]
        parameters, macs = features_cost(self._describe, self._shape)
        macs += self._cells[0] * self._cells[1] * self._bank.numel()
        return Fitted(0, parameters + self._bank.numel(), macs)

    def score(self, picture: np.ndarray) -> RawMaps:
        """Picture uint8 [H, W, 3] -> anomaly map float32, half the side of the normal pictures, at least 0."""
        patches = (self._patches(resize_one(picture, self._shape)) - self._mean) / self._std  # [h * w, C]
        grid = nearest_distance(patches, self._bank).reshape(self._cells).numpy()  # [h, w]
        anomaly = smooth_grid(grid, self._shape, self._offset)
        return plain_maps(anomaly, self.pool(anomaly))

    def pool(self, anomaly: np.ndarray) -> float:
        return float(anomaly.max())

    def _patches(self, images: Tensor) -> Tensor:
        """Patch features of one image [1, 3, H, W] on a grid of an eighth of its side: [h * w, C]."""
        with torch.no_grad():
            return pool_patches(to_maps(self._describe(images)), self._cells)
