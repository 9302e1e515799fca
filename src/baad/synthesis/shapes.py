"""Outlines of what can go wrong on a surface: lumps, patches of noise, chips, spots, rings.

Each function draws into a box of its own: float32 [h, w], 0 outside and 1 where the shape is fully there. `size` is
about its diameter in px, from 3 up. `soft` is the share of the way from edge to middle over which it fades in: 0 is
a sharp edge, one pixel wide; 1 a cone.
"""

import cv2
import numpy as np

from baad.synthesis.banks import Banks, cut_noise
from baad.synthesis.chance import log_uniform


def draw_blob(size: float, soft: float, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """A roundish to long lump with an edge from smooth to ragged."""
    stretch = log_uniform(rng, 0.35, 1.0)
    ragged = rng.choice((0.0, 0.3, 0.6, 0.9, 1.3)) if size > 6 else 0.0
    margin = 1.0 + 0.6 * float(ragged)
    depth = 1.0 - _radius(size, stretch, margin, rng)
    if ragged:
        depth += np.float32(ragged) * (cut_noise(banks, depth.shape, rng, log_uniform(rng, 0.2, 1.0)) - 0.5)
        depth[[0, -1]] = 0.0
        depth[:, [0, -1]] = 0.0
    return fade(depth, soft, size * stretch / 2)


def draw_patch(size: float, soft: float, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """What Perlin noise leaves above a level: islands, arms and holes, sometimes one piece, sometimes many."""
    side = size * rng.uniform(1.0, 1.5)
    stretch = log_uniform(rng, 0.3, 1.0)
    sides = (side, side * stretch) if rng.random() < 0.5 else (side * stretch, side)
    shape = (max(5, round(sides[0])), max(5, round(sides[1])))
    noise = cut_noise(banks, shape, rng, log_uniform(rng, 0.25, 1.0))
    if rng.random() < 0.35:  # union or intersection of two, as GLASS has it
        other = cut_noise(banks, shape, rng, log_uniform(rng, 0.25, 1.0))
        noise = np.maximum(noise, other) if rng.random() < 0.5 else np.minimum(noise, other) * np.float32(1.3)
    y, x = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None], np.linspace(-1, 1, shape[1], dtype=np.float32)
    rim = np.maximum(np.abs(y), np.abs(x)) ** 4 if rng.random() < 0.5 else (x * x + y * y)
    return fade(noise - np.float32(rng.uniform(0.3, 0.65)) - rim * np.float32(0.7), soft * 0.4, min(shape) / 6)


def draw_chip(size: float, soft: float, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """Straight edges and corners: chips, labels, tape, things fallen on the part."""
    corners = int(rng.integers(3, 8))
    turns = np.sort(rng.uniform(0, 2 * np.pi, corners))
    if rng.random() < 0.4:
        opening = rng.uniform(0.2, 1.3)
        turns = rng.uniform(0, 2 * np.pi) + np.array([opening, np.pi - opening, np.pi + opening, -opening])
    reach = size / 2 * rng.uniform(0.7, 1.0, len(turns))
    half = round(size / 2) + 2
    points = np.stack([np.cos(turns), np.sin(turns)], axis=1) * reach[:, None] + half
    canvas = np.zeros((2 * half + 1, 2 * half + 1), np.uint8)
    cv2.fillPoly(canvas, [np.rint(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    weight = canvas.astype(np.float32) * np.float32(1 / 255)
    return cv2.blur(weight, (3, 3)) if soft > 0.3 else weight


def draw_spots(size: float, soft: float, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """A few to many specks within `size`: pits, pores, splashes, dust."""
    speck = log_uniform(rng, 1.2, max(1.6, size / 6))  # radius
    count = int(np.clip(log_uniform(rng, 2, 24) * min(1.0, size / 20), 2, (size / speck) ** 2 * 0.3 + 2))
    half = round(size / 2 + speck) + 2
    canvas = np.zeros((2 * half + 1, 2 * half + 1), np.uint8)
    for _ in range(count):
        turn, away = rng.uniform(0, 2 * np.pi), size / 2 * rng.random() ** 0.7
        radius = speck * log_uniform(rng, 0.5, 1.4)
        centre = (round((half + away * np.cos(turn)) * 16), round((half + away * np.sin(turn)) * 16))
        axes = (max(10, round(radius * 16)), max(10, round(radius * rng.uniform(0.5, 1.0) * 16)))
        grey = 255 if rng.random() < 0.7 else int(rng.integers(90, 256))
        cv2.ellipse(canvas, centre, axes, np.degrees(turn), 0, 360, grey, -1, cv2.LINE_AA, 4)
    weight = canvas.astype(np.float32) * np.float32(1 / 255)
    return cv2.GaussianBlur(weight, (0, 0), max(0.4, speck * soft * 0.5)) if soft > 0.2 else weight


def draw_ring(size: float, soft: float, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """The edge of a dried drop, a print of a cup or a tool: all around or in part."""
    stretch = rng.uniform(0.5, 1.0)
    radius = _radius(size, stretch, 1.3, rng)
    radius += np.float32(rng.choice((0.0, 0.3))) * (cut_noise(banks, radius.shape, rng, 0.3) - 0.5)
    half_width = max(log_uniform(rng, 0.04, 0.3), 1.2 / max(size * stretch / 2, 1.0))
    weight = fade(1 - np.abs(radius - 0.85) / np.float32(half_width), 0.5 + soft / 2, 2.0)
    if rng.random() < 0.5:
        weight *= np.clip(cut_noise(banks, weight.shape, rng, 0.3) * 3 - 1, 0, 1)
    return weight


def draw_veil(size: float, soft: float, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """A wide change without an edge: from one side, from the middle, or in clouds."""
    side = max(9, round(size))
    shape = (side, max(9, round(side * rng.uniform(0.4, 1.0))))
    bell = np.outer(*(np.sin(np.linspace(0, np.pi, length, dtype=np.float32)) for length in shape))
    bell = np.clip(bell, 0.0, 1.0)
    if rng.random() < 0.5:
        return bell * cut_noise(banks, shape, rng, log_uniform(rng, 0.1, 0.4))
    ramp = np.linspace(0, 1, shape[1], dtype=np.float32) ** np.float32(rng.uniform(0.5, 2.0))
    return np.sqrt(bell) * np.rot90(ramp[None], 2 * int(rng.integers(2)))


def fade(depth: np.ndarray, soft: float, radius: float) -> np.ndarray:
    """Depth (0 at the edge, 1 in the middle, `radius` px apart) to a weight in 0..1 that is full at depth `soft`."""
    return np.clip(depth * np.float32(1.0 / max(soft, 1.0 / max(radius, 1.0))), 0.0, 1.0)


def _radius(size: float, stretch: float, margin: float, rng: np.random.Generator) -> np.ndarray:
    """Distance from the middle, 1 on an ellipse of `size` by `size` x `stretch` px at a random angle."""
    half = round(size / 2 * margin) + 1
    along = np.arange(-half, half + 1, dtype=np.float32)
    off_y, off_x = rng.uniform(-0.5, 0.5, 2)
    y, x = along[:, None] + np.float32(off_y), along + np.float32(off_x)
    turn = rng.uniform(0, np.pi)
    cosine, sine = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    a, b = np.float32(max(size / 2, 0.8)), np.float32(max(size * stretch / 2, 0.8))
    return np.sqrt(((x * cosine + y * sine) / a) ** 2 + ((y * cosine - x * sine) / b) ** 2)
