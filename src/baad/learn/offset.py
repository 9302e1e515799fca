"""How far from what it sees a network tells of it: strided convolutions look to one side of the cells they fill."""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

SIDE = 128  # px of the drawn pictures
PICTURES = 16
COARSE = (1.0, 3.0, 8.0)  # px, of the noise that they show
SPOT = 4.0  # px, standard deviation of what is changed in them
CHANGE = 0.3  # of the range from black to white
FINEST = 4  # steps to a pixel: the pictures tell no more


@torch.no_grad()
def measure_offset(describe: Callable[[Tensor], Tensor]) -> tuple[float, float]:
    """How many px further down and to the right features tell of a change than it lies, to a quarter of a px.

    describe: images [B, 3, H, W] in 0..1 -> features [B, C, h, w]. A spot is darkened in drawn pictures; the centre of
    the features' squared change is compared with the centre of the spot. 0 where nothing changes.
    """
    rng = np.random.default_rng(0)
    found = [_measure(describe, _draw_noise(rng), rng.uniform(0.4, 0.6, 2) * SIDE) for _ in range(PICTURES)]
    told = [each for each in found if np.isfinite(each).all()]
    down, right = np.mean(told, axis=0) if told else (0.0, 0.0)
    return round(float(down) * FINEST) / FINEST, round(float(right) * FINEST) / FINEST


def _measure(describe: Callable[[Tensor], Tensor], picture: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Centre of the features' change minus that of the picture's, [2] in px; NaN where they do not change."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    spot = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / (2.0 * SPOT**2))[..., None]
    changed = picture * (1.0 - CHANGE * spot)
    before, after = (
        describe(torch.from_numpy(each).permute(2, 0, 1)[None].float())[0].double() for each in (picture, changed)
    )
    moved = (after - before).square().sum(0).numpy()
    return _centre(moved) - _centre((changed - picture).sum(axis=2))


def _centre(weights: np.ndarray) -> np.ndarray:
    """Centre of mass of [h, w] over SIDE x SIDE px, [2] in px; NaN where there is no mass."""
    places = [(np.arange(size) + 0.5) * SIDE / size for size in weights.shape]
    total = weights.sum() or np.nan
    return np.array([(weights.sum(axis=1) * places[0]).sum(), (weights.sum(axis=0) * places[1]).sum()]) / total


def _draw_noise(rng: np.random.Generator) -> np.ndarray:
    """Mostly grey noise of several coarsenesses, float64 [SIDE, SIDE, 3] in 0..1."""
    layers = [sigma * cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE, 3)), (0, 0), sigma) for sigma in COARSE]
    noise = sum(layers, np.zeros((SIDE, SIDE, 3)))
    mixed = noise.mean(axis=2, keepdims=True) + 0.3 * noise
    return np.clip(0.5 + 0.15 * (mixed - mixed.mean()) / mixed.std(), 0.0, 1.0)
