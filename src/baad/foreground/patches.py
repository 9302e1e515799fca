"""Patch features on the grids that the recipes compare them on."""

import cv2
import numpy as np

from baad.data.spread import spread_evenly

ENOUGH = 20_000  # cells whose principal axes are those of all
SHARED_CELLS = 32  # cells a side where patches of different pictures, and generic patches, are compared


def pool_patches(features: np.ndarray, cells: int = SHARED_CELLS) -> np.ndarray:
    """Average features onto a `cells` x `cells` grid, then over 3x3 neighbours.

    [N, h, w, C] -> float32 [N, cells, cells, C]; h and w multiples of `cells`, or equal to it. The average over
    neighbours makes a patch's description one of part and surroundings (as PatchCore, Roth et al. 2022).
    """
    count, height, width, channels = features.shape
    if height % cells or width % cells:
        raise ValueError(f"features lie on a {height} x {width} grid: both sides must be multiples of {cells}")
    blocks = features.reshape(count, cells, height // cells, cells, width // cells, channels)
    pooled = blocks.mean(axis=(2, 4), dtype=np.float32)  # [N, cells, cells, C]
    return _mean_3x3(pooled)


def _mean_3x3(maps: np.ndarray) -> np.ndarray:
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) / np.float32(9.0)


def principal_axes(vectors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean [C] and the `count` axes [C, count] of largest variance of float32 [P, C]; at most C axes.

    Of many vectors 20,000 are looked at, spread over all.
    """
    vectors = vectors[spread_evenly(len(vectors), ENOUGH)]
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    _, axes = np.linalg.eigh(centred.T @ centred)
    return mean, np.ascontiguousarray(axes[:, ::-1][:, :count])


def lab_cells(images: np.ndarray, cells: int) -> np.ndarray:
    """Blurred CIE Lab on a grid: uint8 [N, S, S, 3] -> float32 [N, cells, cells, 3], L in 0..100."""
    found = np.empty((len(images), cells, cells, 3), np.float32)
    for index, image in enumerate(images):
        small = cv2.resize(image, (cells, cells), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
        found[index] = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), (0, 0), 0.8)
    return found


def describe_cells(images: np.ndarray, features: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Reduced features and blurred Lab side by side: float32 [N, h, w, axes + 3], colour last."""
    reduced = (features - mean) @ axes  # [N, h, w, d]
    return np.concatenate([reduced, lab_cells(images, features.shape[1])], axis=-1).astype(np.float32)
