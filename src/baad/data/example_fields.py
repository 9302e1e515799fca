"""Distances, noise and blur: what the embedded example is drawn with.

Fields are float32 arrays [H, W]. A distance is negative inside a shape and positive outside, in the unit of the
coordinates. The training synthesis has noise of its own, so that the example cannot flatter it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image

Field = np.ndarray  # float32 [H, W]


def floats(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Numbers as a float32 array, so that fields stay float32."""
    return np.asarray(values, np.float32)


def circle(x: Field, y: Field, radius: float) -> Field:
    """Distance to a circle about the origin."""
    return np.sqrt(x * x + y * y) - np.float32(radius)


def box(x: Field, y: Field, half_width: float, half_height: float, corner: float = 0.0) -> Field:
    """Distance to an upright rectangle about the origin whose corners are rounded with radius `corner`."""
    across = np.abs(x) - np.float32(half_width - corner)
    along = np.abs(y) - np.float32(half_height - corner)
    outside = np.sqrt(np.maximum(across, 0) ** 2 + np.maximum(along, 0) ** 2)
    return outside + np.minimum(np.maximum(across, along), 0) - np.float32(corner)


def capsule(x: Field, y: Field, start: tuple[float, float], end: tuple[float, float], radius: float) -> Field:
    """Distance to a straight bar with round ends."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    from_x, from_y = x - np.float32(start[0]), y - np.float32(start[1])
    share = np.clip((from_x * np.float32(dx) + from_y * np.float32(dy)) / np.float32(dx * dx + dy * dy + 1e-9), 0, 1)
    return np.sqrt((from_x - share * dx) ** 2 + (from_y - share * dy) ** 2) - np.float32(radius)


def polygon(x: Field, y: Field, sides: int, apothem: float, angle: float = 0.0) -> Field:
    """Distance to a regular polygon about the origin (exact at the edges, too small beyond the corners)."""
    reach = None
    for side in range(sides):
        turn = angle + 2 * np.pi * side / sides
        edge = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
        reach = edge if reach is None else np.maximum(reach, edge)
    assert reach is not None
    return reach - np.float32(apothem)


def path(x: Field, y: Field, points: np.ndarray, radius: float) -> Field:
    """Distance to a polyline with round joints. points: [N, 2], N >= 2."""
    nearest = capsule(x, y, tuple(points[0]), tuple(points[1]), 0.0)
    for start, end in pairwise(points[1:]):
        nearest = np.minimum(nearest, capsule(x, y, tuple(start), tuple(end), 0.0))
    return nearest - np.float32(radius)


def blend(first: Field, second: Field, width: float) -> Field:
    """Union of two shapes with a fillet of about `width` where they meet (polynomial smooth minimum)."""
    mix = np.clip(0.5 + 0.5 * (second - first) / np.float32(width), 0, 1)
    return second + (first - second) * mix - np.float32(width) * mix * (1 - mix)


def turned(x: Field, y: Field, angle: float) -> tuple[Field, Field]:
    """Coordinates in a frame that is rotated by `angle`."""
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cosine * x + sine * y, cosine * y - sine * x


def smoothstep(low: float, high: float, value: Field) -> Field:
    """0 below `low`, 1 above `high`, smooth between; `low` > `high` falls instead of rising."""
    share = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return share * share * (3 - 2 * share)


def coverage(distance: Field, pixel: float) -> Field:
    """Share of each pixel inside the shape: 1 inside, 0 outside, graded over one pixel."""
    return np.clip(0.5 - distance / np.float32(pixel), 0, 1)


def edge(distance: Field, width: float) -> Field:
    """Profile of a rounded edge: 0 at the outline, 1 from `width` inwards (a quarter of a circle)."""
    share = np.clip(1 + distance / np.float32(width), 0, 1)
    return np.sqrt(1 - share * share)


def value_noise(shape: tuple[int, int], cell: float | tuple[float, float], rng: np.random.Generator) -> Field:
    """Smooth noise of mean 0 and deviation about 1: a random value every `cell` pixels (rows, columns)."""
    rows, columns = (cell, cell) if isinstance(cell, int | float) else cell
    grid = (max(2, round(shape[0] / rows) + 1), max(2, round(shape[1] / columns) + 1))
    coarse = Image.fromarray(rng.standard_normal(grid, dtype=np.float32))
    return np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), np.float32) * np.float32(1.3)


def fractal(
    shape: tuple[int, int], cell: float, rng: np.random.Generator, octaves: int = 4, gain: float = 0.5
) -> Field:
    """Noise with detail at several sizes, from `cell` pixels down by halves. Deviation about 1."""
    total, weight, power = np.zeros(shape, np.float32), 1.0, 0.0
    for _ in range(octaves):
        if cell < 1:
            break
        total += np.float32(weight) * value_noise(shape, cell, rng)
        power += weight**2
        cell, weight = cell / 2, weight * gain
    return total / np.float32(np.sqrt(power))


def sample(tile: Field, rows: Field, columns: Field) -> Field:
    """Read a tile that repeats in both directions at real-valued places, nearest pixel. A tile: sides powers of two."""
    return tile[rows.astype(np.int32) & (tile.shape[0] - 1), columns.astype(np.int32) & (tile.shape[1] - 1)]


def blur(field: np.ndarray, radius: float) -> np.ndarray:
    """Soften by about `radius` pixels: two passes of a moving mean. field: [H, W] or [H, W, C]."""
    reach = round(radius)
    if reach < 1:
        return field
    for _ in range(2):
        for axis in (0, 1):
            field = _moving_mean(field, reach, axis)
    return field


def _moving_mean(field: np.ndarray, reach: int, axis: int) -> np.ndarray:
    margin = [(0, 0)] * field.ndim
    margin[axis] = (reach + 1, reach)
    padded = np.moveaxis(np.pad(field, margin, mode="edge"), axis, 0)
    width, length = 2 * reach + 1, field.shape[axis]
    if reach <= 2:  # few shifted copies are quicker to add than a running sum
        total = padded[1 : 1 + length].copy()
        for shift in range(2, width + 1):
            total += padded[shift : shift + length]
    else:
        running = np.cumsum(padded, axis=0, dtype=np.float32)
        total = running[width:] - running[:-width]
    total *= np.float32(1 / width)
    return np.moveaxis(total, 0, axis)


def shrink(field: np.ndarray, factor: int) -> np.ndarray:
    """Mean of each `factor` x `factor` block. field: [H, W] or [H, W, C], both sides multiples of `factor`."""
    rows = field[::factor].copy()
    for start in range(1, factor):
        rows += field[start::factor]
    total = rows[:, ::factor].copy()
    for start in range(1, factor):
        total += rows[:, start::factor]
    return total * np.float32(1 / factor**2)


def enlarge(field: Field, shape: tuple[int, int]) -> Field:
    """Bilinear enlargement to `shape`."""
    image = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR), np.float32)
