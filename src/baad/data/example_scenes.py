"""What the example's parts lie on: another surface in every picture, in linear light [S, S, 3].

Nothing here is a defect. The test half uses surfaces that the training half never shows.
"""

from collections.abc import Callable

import numpy as np

from baad.data.example_fields import Field, circle, coverage, floats, fractal, smoothstep, turned, value_noise
from baad.data.example_light import Light

Surface = Callable[[int, np.random.Generator], tuple[np.ndarray, Field]]  # -> colour [S, S, 3], height [S, S] in px


def draw_surface(size: int, light: Light, rng: np.random.Generator, unseen: bool) -> np.ndarray:
    """A lit surface. unseen: one of those kept for the test half."""
    surfaces = UNSEEN if unseen else SEEN
    color, height = surfaces[int(rng.integers(len(surfaces)))](size, rng)
    to_x, to_y, _ = light.direction
    slope_y, slope_x = np.gradient(height)
    shade = np.clip(1 - 0.8 * (slope_x * to_x + slope_y * to_y), 0.25, 1.9)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    fall = 1 + 0.25 * (axis[None] * np.float32(to_x) + axis[:, None] * np.float32(to_y))
    bright = float(rng.uniform(0.75, 1.15)) * light.strength
    return np.asarray(color * (shade * fall * np.float32(bright))[..., None] * floats(light.tint), np.float32)


def _axes(size: int, rng: np.random.Generator, zoom: tuple[float, float] = (0.8, 1.3)) -> tuple[Field, Field]:
    """Coordinates about the picture's middle at a random angle, shift and zoom, in units of 256th of a picture."""
    axis = (np.arange(size, dtype=np.float32) / size - 0.5) * np.float32(256 / rng.uniform(*zoom))
    x, y = np.meshgrid(axis + np.float32(rng.uniform(-60, 60)), axis + np.float32(rng.uniform(-60, 60)))
    return turned(x, y, float(rng.uniform(0, 2 * np.pi)))


def _hue(rng: np.random.Generator, saturation: float, value: float) -> np.ndarray:
    """A random colour in linear light, [3]."""
    wheel = 0.5 + 0.5 * np.cos(2 * np.pi * (rng.uniform() + np.array([0, 1 / 3, 2 / 3])))
    return floats(value * (1 - saturation + saturation * wheel))


def _mix(first: np.ndarray, second: np.ndarray, share: Field) -> np.ndarray:
    share = np.clip(share, 0, 1)[..., None]
    return first * (1 - share) + second * share


def _wood(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """Planks with grain along them."""
    x, y = _axes(size, rng)
    plank = np.floor(y / np.float32(rng.uniform(45, 110)))
    phase = (plank * 37.7).astype(np.float32)
    warp = 9 * np.sin(x / 70 + phase) + 5 * np.sin(x / 31 + phase * 1.7 + y / 40)
    rings = 0.5 + 0.5 * np.sin((y + warp) / np.float32(rng.uniform(1.6, 3.5)) + 3 * np.sin(y / 17 + phase))
    fiber = value_noise((size, size), (1.2, 3.0), rng)
    light_wood = floats([0.52, 0.33, 0.17]) * np.float32(rng.uniform(0.45, 1.15))
    dark_wood = light_wood * floats([0.5, 0.42, 0.36])
    color = _mix(light_wood, dark_wood, 0.7 * rings**2 + 0.10 * fiber + 0.12 * np.sin(phase * 5))
    joint = np.abs(y - (plank + 0.5) * 0 - np.round(y / 80) * 80)
    return color * (0.35 + 0.65 * smoothstep(0.5, 2.0, joint))[..., None], 0.3 * rings


def _cloth(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """Woven cloth with stripes and folds."""
    x, y = _axes(size, rng)
    pitch = np.float32(rng.uniform(1.3, 2.4))
    weave = np.sin(x / pitch) * np.sin(y / pitch)
    base, stripe = _hue(rng, rng.uniform(0, 0.8), rng.uniform(0.1, 0.7)), _hue(rng, 0.7, rng.uniform(0.1, 0.6))
    period = np.float32(rng.uniform(14, 40))
    bars = smoothstep(0.55, 0.65, np.sin(x / period * 3)) + rng.integers(2) * smoothstep(
        0.55, 0.65, np.sin(y / period * 3)
    )
    folds = 9 * value_noise((size, size), size / rng.uniform(2, 5), rng)
    return _mix(base, stripe, 0.5 * bars + 0.12 * weave), folds + 0.35 * weave


def _steel(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """A brushed and scored metal bench: the colours of the part itself."""
    x, y = _axes(size, rng)
    brushed = value_noise((size, size), (0.9, 30.0) if rng.uniform() < 0.5 else (30.0, 0.9), rng)
    cloud = fractal((size, size), size / 3, rng)
    grey = np.float32(rng.uniform(0.2, 0.55)) * floats([0.98, 1.0, 1.03])
    color = grey * (1 + 0.16 * brushed + 0.16 * cloud)[..., None]
    for _ in range(int(rng.integers(3, 12))):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-120, 120)
        line = np.abs(x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) - np.float32(offset))
        color *= (1 + np.float32(rng.uniform(-0.4, 0.6)) * smoothstep(1.0, 0.2, line))[..., None]
    return color, np.zeros((size, size), np.float32)


def _concrete(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """Concrete, plaster or cardboard: clouds, specks and pores."""
    base = floats([[0.42, 0.41, 0.39], [0.5, 0.37, 0.24], [0.22, 0.22, 0.24]][int(rng.integers(3))])
    clouds = fractal((size, size), size / 4, rng, octaves=6, gain=0.65)
    specks = np.maximum(value_noise((size, size), 2.2, rng) - 1.5, 0)
    color = base * (1 + 0.16 * clouds - 0.35 * specks)[..., None]
    return color, 0.7 * clouds


def _gravel(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """Pebbles packed side by side (cells about jittered points)."""
    x, y = _axes(size, rng)
    pitch = np.float32(rng.uniform(9, 20))
    column, row = np.floor(x / pitch).astype(np.int32), np.floor(y / pitch).astype(np.int32)
    jitter = rng.uniform(0.1, 0.9, (64, 64, 2)).astype(np.float32)
    tone = rng.uniform(0.35, 1.1, (64, 64)).astype(np.float32)
    nearest, second, shade = (np.full((size, size), value, np.float32) for value in (1e9, 1e9, 0.0))
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            cell = jitter[(row + down) & 63, (column + right) & 63]
            gap = (x / pitch - column - right - cell[..., 0]) ** 2 + (y / pitch - row - down - cell[..., 1]) ** 2
            closer = gap < nearest
            second = np.where(closer, nearest, np.minimum(second, gap))
            shade = np.where(closer, tone[(row + down) & 63, (column + right) & 63], shade)
            nearest = np.minimum(nearest, gap)
    border = np.sqrt(second) - np.sqrt(nearest)
    base = floats([0.45, 0.41, 0.36]) * np.float32(rng.uniform(0.6, 1.2)) * _hue(rng, 0.25, 1.2)
    color = base * (shade * (0.25 + 0.75 * smoothstep(0.0, 0.25, border)))[..., None]
    return color, 5 * smoothstep(0.0, 0.8, border) * pitch / 14


def _print(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """A printed page: lines of words, a frame, a bar code."""
    x, y = _axes(size, rng)
    line = np.float32(rng.uniform(9, 15))
    row = np.floor(y / line).astype(np.int32) & 255
    word = np.repeat(rng.uniform(size=(256, 128)) < 0.8, 8, axis=1) & (rng.uniform(size=(256, 1024)) < 0.85)
    inked = word[row, (x * np.float32(0.45)).astype(np.int32) & 1023] & (np.abs(y / line % 1 - 0.5) < 0.23)
    gaps = rng.uniform(size=256) < 0.25
    inked &= ~gaps[row]
    bars = (rng.uniform(size=64) < 0.5)[(x * np.float32(0.6)).astype(np.int32) & 63] & (np.abs(y + 70) < 22)
    soft = fractal((size, size), 30, rng)
    paper = _hue(rng, 0.12, rng.uniform(0.6, 0.85)) * (1 + 0.03 * soft)[..., None]
    ink = _hue(rng, 0.5, 0.06)
    return _mix(paper, ink, 0.85 * (inked | bars).astype(np.float32)), 0.5 * soft


def _mat(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """A cutting mat or graph paper: a grid in two strengths."""
    x, y = _axes(size, rng)
    pitch = np.float32(rng.uniform(8, 16))
    fine = np.minimum(np.abs(x / pitch - np.round(x / pitch)), np.abs(y / pitch - np.round(y / pitch))) * pitch
    wide = pitch * 5
    bold = np.minimum(np.abs(x / wide - np.round(x / wide)), np.abs(y / wide - np.round(y / wide))) * wide
    base = _hue(rng, 0.75, rng.uniform(0.08, 0.3))
    ink = base * 0.4 + np.float32(0.45)
    color = _mix(base, ink, 0.45 * coverage(fine - 0.5, 1) + 0.5 * coverage(bold - 0.9, 1))
    rough = fractal((size, size), 4, rng, octaves=2)
    return color * (1 + 0.05 * rough)[..., None], 0.25 * rough


def _pegboard(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """A perforated plate: round holes in rows."""
    x, y = _axes(size, rng)
    pitch = np.float32(rng.uniform(14, 30))
    if rng.uniform() < 0.5:
        x = x + np.float32(0.5) * pitch * (np.round(y / pitch) % 2)
    hole = circle(
        (x / pitch - np.round(x / pitch)) * pitch,
        (y / pitch - np.round(y / pitch)) * pitch,
        float(pitch * rng.uniform(0.18, 0.34)),
    )
    base = _hue(rng, rng.uniform(0, 0.5), rng.uniform(0.15, 0.6))
    cloud = fractal((size, size), 50, rng)
    color = _mix(base * (1 + 0.08 * cloud)[..., None], base * 0.06, coverage(hole, 1.2))
    return color, 1.5 * smoothstep(-1.0, 1.5, hole)


def _rubber(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """A ribbed or studded rubber mat."""
    x, y = _axes(size, rng)
    pitch = np.float32(rng.uniform(2.5, 7))
    height = 1.2 * np.sin(x / pitch) * (np.sin(y / pitch) if rng.uniform() < 0.5 else 1)
    dust = fractal((size, size), 30, rng, octaves=5, gain=0.7)
    base = _hue(rng, rng.uniform(0, 0.7), rng.uniform(0.03, 0.22))
    return base * (1 + 0.1 * height)[..., None] + np.float32(0.02) * np.maximum(dust, 0)[..., None], height


def _tiles(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """Glazed tiles with joints."""
    x, y = _axes(size, rng)
    pitch = np.float32(rng.uniform(35, 80))
    inner = pitch / 2 - np.maximum(np.abs(x - np.round(x / pitch) * pitch), np.abs(y - np.round(y / pitch) * pitch))
    shade = np.sin(np.round(x / pitch) * 12.9 + np.round(y / pitch) * 78.2) * 0.12
    base = _hue(rng, rng.uniform(0, 0.7), rng.uniform(0.3, 0.7))
    cloud = fractal((size, size), 40, rng)
    color = _mix(floats([0.2, 0.19, 0.18]), base * (1 + shade + 0.05 * cloud)[..., None], smoothstep(1.0, 2.2, inner))
    return color, 2.5 * smoothstep(0.5, 4.0, inner)


def _grass(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """Long strokes of two colours, like straw, grass or fleece."""
    strokes = np.zeros((size, size), np.float32)
    for cell in ((1.5, 18.0), (12.0, 1.5), (2.0, 9.0)):
        strokes = np.maximum(strokes * 0.8, value_noise((size, size), cell, rng))
    color = _mix(_hue(rng, 0.8, 0.12), _hue(rng, 0.7, 0.6), 0.5 * strokes)
    return color, 0.8 * strokes


def _tread(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """Tread plate: raised bars crosswise on grey metal."""
    x, y = _axes(size, rng)
    pitch = np.float32(rng.uniform(18, 30))
    column, row = np.round(x / pitch), np.round(y / pitch)
    flip = (column + row) % 2
    local_x, local_y = x - column * pitch, y - row * pitch
    across, along = np.where(flip, local_x, local_y), np.where(flip, local_y, local_x)
    bar = np.sqrt((across / (0.12 * pitch)) ** 2 + (along / (0.48 * pitch)) ** 2) - 1
    cloud = fractal((size, size), 60, rng, octaves=5)
    base = np.float32(rng.uniform(0.25, 0.5)) * _hue(rng, 0.15, 1.1)
    return base * (1 + 0.12 * cloud + 0.15 * smoothstep(0.2, -0.5, bar))[..., None], 3 * smoothstep(0.15, -0.6, bar)


def _blotches(size: int, rng: np.random.Generator) -> tuple[np.ndarray, Field]:
    """Camouflage, spilt paint or a far scene out of focus: patches of several colours."""
    color = np.broadcast_to(_hue(rng, 0.6, 0.4), (size, size, 3))
    for _ in range(4):
        patch = fractal((size, size), size / rng.uniform(3, 8), rng, octaves=3)
        color = _mix(color, _hue(rng, 0.6, rng.uniform(0.05, 0.7)), smoothstep(0.2, 0.35, patch))
    return color, np.zeros((size, size), np.float32)


SEEN: tuple[Surface, ...] = (_wood, _cloth, _steel, _concrete, _gravel, _print, _mat, _pegboard, _rubber, _tiles)
UNSEEN: tuple[Surface, ...] = (_grass, _tread, _blotches)
