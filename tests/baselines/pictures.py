"""Tiny normal pictures for the trained baselines: a bright disc with a dark core on grey, a little moved."""

import numpy as np


def draw_discs(count: int, shape: tuple[int, int] = (64, 96), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [N, H, W, 3] and where the disc is, bool [N, H, W]."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    pictures, parts = [], []
    for _ in range(count):
        y, x = rng.uniform(-3, 3, 2) + np.array(shape) / 2
        radius = np.hypot(rows - y, columns - x)
        grey = np.where(radius < 22, 190, 70) - np.where(radius < 10, 90, 0)
        pictures.append(np.clip(grey[..., None] + rng.normal(0, 4, (*shape, 3)), 0, 255).astype(np.uint8))
        parts.append(radius < 22)
    return np.stack(pictures), np.stack(parts)
