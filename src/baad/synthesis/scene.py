"""Drawn scenes to put behind a part: overlapping textured things under uneven light, none of them a photograph."""

import cv2
import numpy as np

from baad.synthesis.chance import log_uniform
from baad.synthesis.texture import draw_colours, draw_palette, draw_pattern

FILLS = 10  # textures that the things of one scene share


def draw_scene(size: int, rng: np.random.Generator, patterns: np.ndarray | None = None) -> np.ndarray:
    """A scene that never was, uint8 [S, S, 3]. `patterns` uint8 [T, S, S]: textures to choose from, else drawn."""
    if patterns is None:
        patterns = np.stack([draw_pattern(size, rng) for _ in range(FILLS)])
    fills = [_colour(patterns[int(rng.integers(len(patterns)))], rng) for _ in range(FILLS)]
    colours = draw_colours(8, rng)
    scene = fills[0].copy()
    count = int(log_uniform(rng, 4, 120))
    largest = rng.uniform(0.2, 0.6) * size
    for step in range(count):
        radius = max(2.0, largest * 0.06 ** (step / count * rng.uniform(0.6, 1.0)))
        outline = draw_outline(rng.uniform(-0.1, 1.1, 2) * size, radius, rng)
        if rng.random() < 0.5:
            colour = np.clip(colours[int(rng.integers(8))] + rng.normal(0, 15, 3), 0, 255).tolist()
            cv2.fillPoly(scene, [outline], colour, cv2.LINE_AA)
        else:
            fill_outline(scene, outline, fills[int(rng.integers(1, FILLS))])
        if rng.random() < 0.15:
            shade = [int(value) for value in rng.integers(0, 256, 3)]
            cv2.polylines(scene, [outline], True, shade, int(rng.integers(1, 4)), cv2.LINE_AA)
    return _photograph(scene, rng)


def _colour(pattern: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A pattern in colours, turned and of a random fineness, uint8 [S, S, 3]."""
    size = len(pattern)
    window = max(8, round(size * rng.uniform(0.3, 1.0)))
    top, left = rng.integers(0, size - window + 1, 2)
    cut = np.rot90(pattern[top : top + window, left : left + window], int(rng.integers(4)))
    return draw_palette(rng)[cv2.resize(np.ascontiguousarray(cut), (size, size), interpolation=cv2.INTER_LINEAR)]


def draw_outline(centre: np.ndarray, radius: float, rng: np.random.Generator) -> np.ndarray:
    """Corners of a rectangle, bar, polygon, disc or lump, int32 [N, 2] (x, y) in px around `centre` (x, y)."""
    turn = rng.uniform(0, 2 * np.pi)
    kind = rng.random()
    if kind < 0.35:  # a bar or box
        turns = turn + np.array([0.6, np.pi - 0.6, np.pi + 0.6, -0.6])
        reach = np.full(4, 1.0)
        stretch = np.array([1.0, log_uniform(rng, 0.08, 1.0)])
    elif kind < 0.65:
        turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        reach, stretch = np.full(24, 1.0), np.array([1.0, rng.uniform(0.4, 1.0)])
    else:
        turns = np.linspace(0, 2 * np.pi, int(rng.integers(5, 24)), endpoint=False)
        reach, stretch = rng.uniform(0.5, 1.0, len(turns)), np.array([1.0, rng.uniform(0.3, 1.0)])
    own = radius * reach[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1) * stretch
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.rint(centre + own @ np.array([[cosine, sine], [-sine, cosine]])).astype(np.int32)


def fill_outline(scene: np.ndarray, outline: np.ndarray, fill: np.ndarray) -> None:
    """Lay a texture of the scene's size into an outline; changes `scene`, which belongs to the caller's drawing."""
    left, top = np.clip(outline.min(axis=0), 0, scene.shape[1::-1])
    right, bottom = np.clip(outline.max(axis=0) + 1, 0, scene.shape[1::-1])
    if right <= left or bottom <= top:
        return
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(inside, [outline - np.array([left, top], np.int32)], 1)
    box = scene[top:bottom, left:right]
    box[inside > 0] = fill[top:bottom, left:right][inside > 0]


def _photograph(scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light from one side, a lens that may be out of focus, a noisy sensor."""
    size = len(scene)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / np.float32(size)
    turn, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.7)
    light = 1.0 + np.float32(slope) * ((x - 0.5) * np.float32(np.cos(turn)) + (y - 0.5) * np.float32(np.sin(turn)))
    taken = scene.astype(np.float32) * light[..., None]
    if rng.random() < 0.7:
        taken = cv2.GaussianBlur(taken, (0, 0), log_uniform(rng, 0.4, 5.0))
    taken += rng.normal(0, rng.uniform(0, 5), (size, size, 1)).astype(np.float32)
    return np.clip(np.rint(taken), 0, 255).astype(np.uint8)
