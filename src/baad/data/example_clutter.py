"""What lies about around the example's parts: cables, tools, paper, washers. Drawn over a lit surface."""

from collections.abc import Callable

import numpy as np

from baad.data.example_fields import (
    Field,
    blur,
    box,
    capsule,
    circle,
    coverage,
    edge,
    floats,
    path,
    polygon,
    smoothstep,
    turned,
)
from baad.data.example_light import Light

Shape = tuple[Field, np.ndarray, Field]  # distance in px, colour [S, S, 3] or [3], height in px


def scatter(scene: np.ndarray, light: Light, rng: np.random.Generator, count: int) -> np.ndarray:
    """Lay `count` random things on a lit scene, linear [S, S, 3], then put it slightly out of focus."""
    size = scene.shape[0]
    axis = np.arange(size, dtype=np.float32) * np.float32(256 / size)
    x, y = np.meshgrid(axis, axis)
    scene = scene.copy()
    for _ in range(count):
        thing = THINGS[int(rng.integers(len(THINGS)))]
        angle = float(rng.uniform(0, 2 * np.pi))
        local_x, local_y = turned(x - np.float32(rng.uniform(0, 256)), y - np.float32(rng.uniform(0, 256)), angle)
        _lay(scene, thing(local_x, local_y, rng), light, rng)
    return blur(scene, float(rng.choice((0, 0, 1, 1, 2)) * size / 256))


def _lay(scene: np.ndarray, shape: Shape, light: Light, rng: np.random.Generator) -> None:
    """Composite one thing with its shading and its soft shadow onto `scene`, in place."""
    distance, color, height = shape
    scale = scene.shape[0] / 256
    throw = float(np.clip(height.max(), 2, 14))
    near = distance < 2.5 * throw + 2
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if rows.size < 3 or columns.size < 3:
        return
    where = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    distance, height = distance[where], height[where] * np.float32(scale)
    to_x, to_y, to_z = light.direction
    shift = (-round(to_y / to_z * throw * scale), -round(to_x / to_z * throw * scale))
    shadow = smoothstep(throw * 0.6, -throw * 0.4, _shifted(distance, shift))
    slope_y, slope_x = np.gradient(height)
    length = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    lean = slope_x * np.float32(to_x) + slope_y * np.float32(to_y)
    facing = np.maximum((np.float32(to_z) - lean) * length, 0)
    half = float(np.sqrt(to_x**2 + to_y**2 + (to_z + 1) ** 2))
    shine = np.maximum((np.float32(to_z + 1) - lean) * length / np.float32(half), 0) ** 40
    lit = (light.ambient + 0.9 * light.strength * facing)[..., None] * (color[where] if color.ndim == 3 else color)
    lit = (lit + (np.float32(rng.uniform(0.05, 0.5)) * shine)[..., None]) * floats(light.tint)
    cover = coverage(distance, 1.2)[..., None]
    below = scene[where] * (1 - 0.7 * shadow)[..., None]
    scene[where] = below + cover * (lit - below)


def _shifted(field: Field, shift: tuple[int, int]) -> Field:
    """The field moved by whole pixels, its border repeated."""
    rows = np.clip(np.arange(field.shape[0]) - shift[0], 0, field.shape[0] - 1)
    columns = np.clip(np.arange(field.shape[1]) - shift[1], 0, field.shape[1] - 1)
    return field[rows[:, None], columns[None]]


def _color(rng: np.random.Generator, value: tuple[float, float] = (0.05, 0.6)) -> np.ndarray:
    wheel = 0.5 + 0.5 * np.cos(2 * np.pi * (rng.uniform() + np.array([0, 1 / 3, 2 / 3])))
    saturation = rng.uniform(0, 0.85)
    return floats(rng.uniform(*value) * (1 - saturation + saturation * wheel))


def _cable(x: Field, y: Field, rng: np.random.Generator) -> Shape:
    """A cable in a loose bend."""
    along = np.linspace(-190, 190, 9)
    bend = np.cumsum(np.cumsum(rng.normal(0, 7, 9)))
    radius = float(rng.uniform(2.5, 7))
    distance = path(x, y, np.stack([along, bend - bend[4]], axis=1), radius)
    return distance, _color(rng, (0.02, 0.5)), radius * edge(distance, radius)


def _washer(x: Field, y: Field, rng: np.random.Generator) -> Shape:
    """A washer, nut or ring of metal."""
    radius = float(rng.uniform(6, 22))
    outer = polygon(x, y, 6, radius) if rng.uniform() < 0.4 else circle(x, y, radius)
    distance = np.maximum(outer, -circle(x, y, radius * float(rng.uniform(0.4, 0.65))))
    grey = np.float32(rng.uniform(0.2, 0.6)) * floats([[1, 1, 1], [1, 0.75, 0.4]])[int(rng.integers(2))]
    return distance, grey, 3 * edge(distance, 2.5)


def _pen(x: Field, y: Field, rng: np.random.Generator) -> Shape:
    """A pen or screwdriver: a shaft and a thicker handle."""
    length, thin = float(rng.uniform(50, 130)), float(rng.uniform(1.5, 3.5))
    thick = thin * float(rng.uniform(1.3, 3.5))
    shaft = capsule(x, y, (-length / 2, 0), (length / 2, 0), thin)
    handle = capsule(x, y, (length * 0.1, 0), (length / 2, 0), thick)
    height = np.maximum(thin * edge(shaft, thin), thick * edge(handle, thick))
    color = np.where((handle < 0)[..., None], _color(rng), floats([0.5, 0.5, 0.52]))
    return np.minimum(shaft, handle), color, height


def _paper(x: Field, y: Field, rng: np.random.Generator) -> Shape:
    """A slip of paper or a label with lines of print."""
    width, height = float(rng.uniform(20, 75)), float(rng.uniform(15, 50))
    distance = box(x, y, width, height, 1.0)
    line = np.float32(rng.uniform(5, 9))
    words = (rng.uniform(size=(64, 64)) < 0.7)[
        np.floor(y / line).astype(np.int32) & 63, (x * np.float32(0.3)).astype(np.int32) & 63
    ]
    inked = words & (np.abs(y / line % 1 - 0.5) < 0.22) & (distance < -6)
    color = np.where(inked[..., None], floats([0.08]), _color(rng, (0.5, 0.9)))
    return distance, color, 1.0 * smoothstep(0.0, -1.0, distance)


def _wrench(x: Field, y: Field, rng: np.random.Generator) -> Shape:
    """An open-ended spanner."""
    length, head = float(rng.uniform(60, 120)), float(rng.uniform(11, 18))
    bar = box(x, y, length / 2, head * 0.38, 3)
    jaw = np.maximum(circle(x - length / 2, y, head), -box(x - length / 2 - head * 0.5, y, head * 0.8, head * 0.42))
    ring = np.maximum(circle(x + length / 2, y, head * 0.85), -circle(x + length / 2, y, head * 0.5))
    distance = np.minimum(np.minimum(bar, jaw), ring)
    distance = np.maximum(distance, -circle(x + length / 2, y, head * 0.5))
    return distance, np.float32(rng.uniform(0.25, 0.6)) * floats([1, 1, 1.02]), 4 * edge(distance, 3)


def _case(x: Field, y: Field, rng: np.random.Generator) -> Shape:
    """A box or tin with a rounded rim."""
    corner = float(rng.uniform(2, 14))
    distance = box(x, y, float(rng.uniform(18, 60)), float(rng.uniform(16, 45)), corner)
    lid = np.abs(distance + 7) - 1
    color = _color(rng) * (1 - 0.4 * coverage(lid, 1.2))[..., None]
    return distance, color, 9 * edge(distance, 5)


def _roll(x: Field, y: Field, rng: np.random.Generator) -> Shape:
    """A roll of tape seen from above."""
    radius = float(rng.uniform(16, 36))
    ring = np.abs(circle(x, y, radius)) - radius * 0.28
    grooves = 0.9 + 0.1 * np.sin(np.sqrt(x**2 + y**2) * np.float32(2.2))
    return ring, _color(rng) * grooves[..., None], 8 * edge(ring, 3)


THINGS: tuple[Callable[[Field, Field, np.random.Generator], Shape], ...] = (
    _cable, _cable, _washer, _washer, _pen, _paper, _wrench, _case, _roll,
)  # fmt: skip
