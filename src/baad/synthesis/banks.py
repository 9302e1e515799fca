"""What is drawn once and cut from ever after: noise for masks, patterns for textures, scenes for backgrounds."""

from dataclasses import dataclass

import cv2
import numpy as np

from baad.synthesis.chance import log_uniform
from baad.synthesis.perlin import equalise, fractal_noise, perlin_noise
from baad.synthesis.scene import draw_scene
from baad.synthesis.texture import draw_palette, draw_pattern


@dataclass(frozen=True)
class Banks:
    """Fields of one size S, uint8. Cuts of them, turned, zoomed and coloured anew, never look the same."""

    noises: np.ndarray  # [N, S, S], equalised: half of the pixels lie below 128
    patterns: np.ndarray  # [T, S, S], grey
    scenes: np.ndarray  # [K, S, S, 3]


def make_banks(
    rng: np.random.Generator, size: int = 256, noises: int = 96, patterns: int = 96, scenes: int = 40
) -> Banks:
    """Draw all banks, about a second's work. Pictures may have any size, whatever `size` (px) is here."""
    drawn = np.stack([draw_pattern(size, rng) for _ in range(patterns)])
    return Banks(
        np.stack([_draw_noise(size, rng) for _ in range(noises)]),
        drawn,
        np.stack([draw_scene(size, rng, drawn) for _ in range(scenes)]),
    )


def cut_noise(banks: Banks, shape: tuple[int, int], rng: np.random.Generator, zoom: float | None = None) -> np.ndarray:
    """Smooth noise, float32 [h, w] in 0..1. `zoom` below 1: the noise is larger than in the bank."""
    field = banks.noises[int(rng.integers(len(banks.noises)))]
    return _cut(field, shape, rng, zoom).astype(np.float32) * np.float32(1 / 255)


def cut_texture(
    banks: Banks, shape: tuple[int, int], rng: np.random.Generator, picture: np.ndarray | None = None
) -> np.ndarray:
    """A coloured texture, uint8 [h, w, 3]; with a picture uint8 [H, W, 3], its colours may come from there."""
    pattern = banks.patterns[int(rng.integers(len(banks.patterns)))]
    texture = draw_palette(rng, picture)[_cut(pattern, shape, rng, None)]
    if rng.random() < 0.25:  # two textures in one
        other = draw_palette(rng, picture)[
            _cut(banks.patterns[int(rng.integers(len(banks.patterns)))], shape, rng, None)
        ]
        share = cut_noise(banks, shape, rng)
        if rng.random() < 0.5:
            share = (share > 0.5).astype(np.float32)
        texture = cv2.blendLinear(texture, other, share, 1 - share)
    return texture


def cut_scene(banks: Banks, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A scene in new colours, uint8 [h, w, 3]."""
    scene = _cut(banks.scenes[int(rng.integers(len(banks.scenes)))], shape, rng, log_uniform(rng, 0.35, 1.0))
    scene = scene[..., rng.permutation(3)]
    levels = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.6, 1.6, 3)  # [256, 3]
    low, high = rng.uniform(0, 90), rng.uniform(140, 255)
    return cv2.LUT(np.ascontiguousarray(scene), (low + (high - low) * levels).astype(np.uint8)[None])


def _cut(field: np.ndarray, shape: tuple[int, int], rng: np.random.Generator, zoom: float | None) -> np.ndarray:
    """A window of a square field, at a random place, flipped, brought to `shape`; uint8 as the field."""
    size, (height, width) = len(field), shape
    zoom = log_uniform(rng, 0.5, 2.0) if zoom is None else zoom * size / max(shape)
    window_height, window_width = (int(np.clip(round(side * zoom), 2, size)) for side in shape)
    top, left = int(rng.integers(size - window_height + 1)), int(rng.integers(size - window_width + 1))
    window = field[top : top + window_height, left : left + window_width]
    flips = int(rng.integers(4))
    window = np.ascontiguousarray(window[:: -1 if flips & 1 else 1, :: -1 if flips & 2 else 1])
    return cv2.resize(window, (width, height), interpolation=cv2.INTER_LINEAR)


def _draw_noise(size: int, rng: np.random.Generator) -> np.ndarray:
    """Perlin noise of 1 to 32 cells a side, each axis its own; a third of it with finer detail."""
    cells = (1 << int(rng.integers(0, 6)), 1 << int(rng.integers(0, 6)))
    if rng.random() < 0.35:
        return equalise(fractal_noise((size, size), cells, 3, rng, 0.6))
    return equalise(perlin_noise((size, size), cells, rng))
