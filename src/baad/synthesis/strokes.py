"""Thin things: scratches, cracks, hairs. Drawn large and shrunk, so that a line may be half a pixel wide.

Each function returns a box float32 [h, w] in 0..1, 1 on the middle of the line. `size` is about the length in px.
"""

from itertools import pairwise

import cv2
import numpy as np

from baad.synthesis.banks import Banks, cut_noise
from baad.synthesis.chance import log_uniform

FINE = 4  # drawn this many times larger
Line = tuple[np.ndarray, np.ndarray]  # points float [N, 2] (x, y) in px, width at each in px


def draw_scratch(size: float, soft: float, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """One straight to curved stroke, or a few beside each other, often interrupted."""
    count = 1 if rng.random() < 0.6 else int(rng.integers(2, 6))
    heading, bend = rng.uniform(0, 2 * np.pi), float(rng.choice((0.0, 0.02, 0.08))) * rng.uniform(0.3, 1.5)
    width = log_uniform(rng, 0.7, 4.0)
    lines = []
    for _ in range(count):
        start = rng.normal(0, size * 0.12, 2) if count > 1 else np.zeros(2)
        length = size * (rng.uniform(0.5, 1.0) if count > 1 else 1.0)
        lines.append(_wander(start, heading + rng.normal(0, 0.06), length, bend, width * rng.uniform(0.6, 1.0), rng))
    weight = _draw_lines(lines)
    if rng.random() < 0.5:  # the tool jumped
        weight = weight * np.clip(cut_noise(banks, weight.shape, rng, rng.uniform(0.15, 0.8)) * 4 - 0.8, 0, 1)
    return cv2.GaussianBlur(weight, (0, 0), 0.5 + soft) if soft > 0.5 else weight


def draw_crack(size: float, soft: float, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """A jagged line that changes its width and forks, or a net of them."""
    width = log_uniform(rng, 0.7, 3.0)
    heading, jagged = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.7)
    main = _wander(np.zeros(2), heading, size, jagged, width, rng, step=max(2.0, size / 25))
    lines = [main]
    for _ in range(int(rng.choice((0, 0, 1, 2, 4)))):
        parent_points, parent_widths = lines[int(rng.integers(len(lines)))]
        fork = int(rng.integers(len(parent_points) * 3 // 4 + 1))
        turn = heading + rng.choice((-1, 1)) * rng.uniform(0.4, 1.3)
        length = size * log_uniform(rng, 0.12, 0.5)
        thinner = max(0.6, parent_widths[fork] * rng.uniform(0.5, 0.9))
        lines.append(_wander(parent_points[fork], turn, length, jagged, thinner, rng, step=max(2.0, size / 30)))
    weight = _draw_lines(lines)
    return cv2.GaussianBlur(weight, (0, 0), 0.4 + 0.6 * soft) if soft > 0.6 else weight


def draw_fibre(size: float, soft: float, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """A hair or thread of even width that winds and curls."""
    curl = rng.uniform(0.08, 0.35)
    width = log_uniform(rng, 0.8, 3.5)
    points, widths = _wander(np.zeros(2), rng.uniform(0, 2 * np.pi), size * 1.3, curl, width, rng, steady=True)
    return _draw_lines([(points, np.full_like(widths, width))])


def _wander(
    start: np.ndarray,
    heading: float,
    length: float,
    jagged: float,
    width: float,
    rng: np.random.Generator,
    step: float = 3.0,
    steady: bool = False,
) -> Line:
    """A walk from `start`; each step turns by about `jagged` rad, or bends steadily by a turn that slowly changes."""
    count = int(np.clip(length / step, 2, 80))
    turns = rng.normal(0, jagged, count)
    if steady or jagged < 0.15:
        bend = rng.normal(0, jagged) if not steady else 0.0
        headings = heading + bend * np.arange(count) + np.cumsum(cv2.GaussianBlur(turns, (1, 0), 2.0).ravel()[:count])
    else:
        headings = heading + 0.5 * np.cumsum(turns * rng.choice((0.3, 1.0), count)) * 0.5 + turns
    steps = np.stack([np.cos(headings), np.sin(headings)], axis=1) * (length / count)
    points = np.concatenate([[start], start + np.cumsum(steps, axis=0)])
    taper = np.interp(np.linspace(0, 1, count + 1), [0, 0.15, 0.6, 1], [0.5, 1, rng.uniform(0.7, 1), 0.3])
    return points, np.maximum(width * taper * rng.uniform(0.8, 1.2, count + 1), 0.5)


def _draw_lines(lines: list[Line]) -> np.ndarray:
    """Lines into the smallest box that holds them, with a margin, float32 [h, w] in 0..1."""
    everything = np.concatenate([points for points, _ in lines])
    corner = np.floor(everything.min(axis=0)) - 4
    width, height = (np.ceil(everything.max(axis=0)) - corner + 5).astype(int)
    fine = FINE if width * height < 120 * 120 else 2
    canvas = np.zeros((height * fine, width * fine), np.uint8)
    for points, widths in lines:
        corners = np.rint((points - corner) * fine).astype(int)
        for (here, there), across in zip(pairwise(corners), widths):
            cv2.line(canvas, here, there, 255, max(1, round(across * fine)), cv2.LINE_8)
    return cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) * np.float32(1 / 255)
