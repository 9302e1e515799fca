"""Drawn textures: grey patterns of many kinds, and palettes that colour them. Nobody needs a folder of photographs.

A pattern is uint8 [S, S]; a palette uint8 [256, 3] gives each of its grey values a colour.
"""

from collections.abc import Callable

import cv2
import numpy as np

from baad.synthesis.chance import choose, log_uniform
from baad.synthesis.perlin import fractal_noise, perlin_noise

Field = np.ndarray  # float32 [S, S], any range


def draw_pattern(size: int, rng: np.random.Generator) -> np.ndarray:
    """A random grey pattern that uses the full range, uint8 [S, S]."""
    field = choose(rng, PATTERNS)(size, rng)
    if rng.random() < 0.35:  # two patterns at once
        field = _stretch(field) + np.float32(rng.uniform(0.2, 0.8)) * _stretch(choose(rng, PATTERNS)(size, rng))
    if rng.random() < 0.3:
        field = _stretch(field) + rng.normal(0.0, rng.uniform(0.02, 0.15), field.shape).astype(np.float32)
    return (_stretch(field) * 255.0 + 0.5).astype(np.uint8)


def draw_palette(rng: np.random.Generator, picture: np.ndarray | None = None) -> np.ndarray:
    """Two to five colours with the steps between them, uint8 [256, 3].

    With a picture uint8 [H, W, 3], colours may come from it: dirt and damage often share the colours of the part.
    """
    count = int(rng.integers(2, 6))
    colours = draw_colours(count, rng, picture)
    if rng.random() < 0.3:  # sharp steps
        steps = np.sort(rng.random(count - 1))
        return colours[np.searchsorted(steps, np.linspace(0, 1, 256))].astype(np.uint8)
    stops = np.linspace(0, 255, count)
    levels = [np.interp(np.arange(256), stops, colours[:, channel]) for channel in range(3)]
    return np.stack(levels, axis=1).astype(np.uint8)


def draw_colours(count: int, rng: np.random.Generator, picture: np.ndarray | None = None) -> np.ndarray:
    """Colours that might meet on one thing, float32 [count, 3] in 0..255: any, greys, shades, or the picture's own."""
    weights = {"any": 0.3, "grey": 0.2, "shades": 0.25, "own": 0.25 if picture is not None else 0.0}
    kind = choose(rng, weights)
    if kind == "own" and picture is not None:
        rows, columns = rng.integers(0, picture.shape[0], count), rng.integers(0, picture.shape[1], count)
        own = picture[rows, columns].astype(np.float32)
        return np.clip(own + rng.normal(0.0, rng.choice((4.0, 30.0)), (count, 3)), 0, 255).astype(np.float32)
    if kind == "grey":
        return np.repeat(rng.uniform(0, 255, (count, 1)), 3, axis=1).astype(np.float32)
    if kind == "shades":
        base, light = rng.uniform(0, 255, 3), rng.uniform(0.3, 1.4, (count, 1))
        return np.clip(base * light + rng.normal(0, 12, (count, 3)), 0, 255).astype(np.float32)
    colours = rng.uniform(0, 255, (count, 3))
    grey = colours.mean(axis=1, keepdims=True)
    return (grey + (colours - grey) * rng.random() ** 0.7).astype(np.float32)  # few things are as gaudy as chance


def _coordinates(size: int, rng: np.random.Generator) -> tuple[Field, Field]:
    """Two turned coordinates over the picture, about 0..1, often warped a little."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / np.float32(size)
    turn = rng.uniform(0, 2 * np.pi)
    cosine, sine = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    u, v = cosine * x + sine * y, cosine * y - sine * x
    if rng.random() < 0.5:
        cells = int(rng.integers(1, 6))
        strength = np.float32(log_uniform(rng, 0.01, 0.2))
        u = u + strength * perlin_noise((size, size), (cells, cells), rng)
        v = v + strength * perlin_noise((size, size), (cells, cells), rng)
    return u, v


def _noise(size: int, rng: np.random.Generator) -> Field:
    cells = (1 << int(rng.integers(0, 5)), 1 << int(rng.integers(0, 5)))
    return fractal_noise((size, size), cells, int(rng.integers(1, 4)), rng, rng.uniform(0.4, 0.8))


def _grain(size: int, rng: np.random.Generator) -> Field:
    """White noise, blurred more along one axis: sand, brushed metal, paper."""
    along, across = log_uniform(rng, 0.3, 20.0), log_uniform(rng, 0.3, 3.0)
    white = rng.standard_normal((size, size)).astype(np.float32)
    blurred = cv2.GaussianBlur(white, (0, 0), along, sigmaY=across)
    return np.clip(blurred / max(float(blurred.std()), 1e-6), -2.5, 2.5)


def _stripes(size: int, rng: np.random.Generator) -> Field:
    u, _ = _coordinates(size, rng)
    wave = np.sin(u * np.float32(2 * np.pi * log_uniform(rng, 2.0, 45.0)))
    return np.clip(wave * np.float32(log_uniform(rng, 0.7, 6.0)), -1, 1)


def _checks(size: int, rng: np.random.Generator) -> Field:
    """Tiles, bricks and weaves: two waves, multiplied, or the larger of them."""
    u, v = _coordinates(size, rng)
    per_unit = log_uniform(rng, 3.0, 30.0)
    sharp = np.float32(log_uniform(rng, 0.8, 8.0))
    one = np.clip(np.sin(u * np.float32(2 * np.pi * per_unit)) * sharp, -1, 1)
    two = np.clip(np.sin(v * np.float32(2 * np.pi * per_unit * rng.uniform(0.5, 1.0))) * sharp, -1, 1)
    return one * two if rng.random() < 0.6 else np.maximum(one, two)


def _marble(size: int, rng: np.random.Generator) -> Field:
    u, _ = _coordinates(size, rng)
    cells = int(rng.integers(2, 6))
    swirl = fractal_noise((size, size), (cells, cells), 3, rng)
    return np.sin(u * np.float32(rng.uniform(5, 40)) + swirl * np.float32(rng.uniform(3, 14)))


def _ridges(size: int, rng: np.random.Generator) -> Field:
    """Veins and folds: noise mirrored at 0."""
    cells = 1 << int(rng.integers(1, 5))
    return 1.0 - np.abs(fractal_noise((size, size), (cells, cells), int(rng.integers(1, 4)), rng)) ** np.float32(0.5)


def _blotches(size: int, rng: np.random.Generator) -> Field:
    """Noise in a few flat steps."""
    return np.floor(_stretch(_noise(size, rng)) * np.float32(rng.integers(2, 6)))


def _ramp(size: int, rng: np.random.Generator) -> Field:
    u, v = _coordinates(size, rng)
    return u if rng.random() < 0.5 else np.hypot(u - np.float32(rng.random()), v - np.float32(rng.random()))


def _cells(size: int, rng: np.random.Generator) -> Field:
    """Grains of a metal, scales, cracked mud: the nearest of random seeds (Worley 1996)."""
    seeds = np.ones((size, size), np.uint8)
    count = int(log_uniform(rng, 12, 900))
    seeds[rng.integers(0, size, count), rng.integers(0, size, count)] = 0
    distance, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    flat = rng.random(int(labels.max()) + 1).astype(np.float32)[labels]
    inside = distance / max(float(distance.max()), 1.0)
    kind = rng.random()
    if kind < 0.4:
        return flat
    if kind < 0.7:
        return inside
    edges = cv2.morphologyEx(labels.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return np.where(edges, np.float32(-0.4), flat * np.float32(0.6))


def _dots(size: int, rng: np.random.Generator) -> Field:
    """Discs of similar size, strewn or in rows."""
    canvas = np.zeros((size, size), np.uint8)
    radius = log_uniform(rng, 1.5, size / 14)
    if rng.random() < 0.5:
        places = rng.uniform(0, size, (int(log_uniform(rng, 20, 300)), 2))
    else:
        pitch = radius * rng.uniform(2.2, 5.0)
        rows, columns = np.meshgrid(np.arange(0, size, pitch), np.arange(0, size, pitch))
        places = np.stack([rows.ravel(), columns.ravel()], axis=1)[:4000]
        places = places + rng.normal(0, radius * rng.choice((0.0, 0.4)), places.shape)
    for x, y in places:
        radius_here = max(1, round(radius * rng.uniform(0.7, 1.3) * 16))
        grey = int(rng.integers(100, 256))
        cv2.circle(canvas, (round(x * 16), round(y * 16)), radius_here, grey, -1, cv2.LINE_AA, 4)
    return canvas.astype(np.float32)


def _fibres(size: int, rng: np.random.Generator) -> Field:
    """Hairs, grass, cloth seen closely: many lines of one main direction, or of none."""
    canvas = np.full((size, size), 120, np.uint8)
    main, spread = rng.uniform(0, np.pi), rng.choice((0.15, 3.0))
    length = log_uniform(rng, size / 12, size / 2)
    for _ in range(int(rng.integers(60, 260))):
        turn = main + rng.normal(0, spread)
        start = rng.uniform(-0.1, 1.1, 2) * size
        middle = start + length / 2 * np.array([np.cos(turn), np.sin(turn)])
        end = middle + length / 2 * np.array([np.cos(turn + 0.3), np.sin(turn + 0.3)])
        line = np.rint(np.stack([start, middle, end])).astype(np.int32)
        cv2.polylines(canvas, [line], False, int(rng.integers(0, 256)), int(rng.integers(1, 3)), cv2.LINE_AA)
    return canvas.astype(np.float32)


def _leaves(size: int, rng: np.random.Generator) -> Field:
    """Flat shapes of all sizes that hide one another (dead leaves, Matheron 1968): the statistics of photographs."""
    canvas = np.full((size, size), 128, np.uint8)
    for step in np.linspace(0, 1, 90):
        radius = size * 0.35 * (0.05 ** (step * rng.uniform(0.7, 1.0)))
        corners = int(rng.choice((3, 4, 4, 5, 6, 16)))
        turns = np.sort(rng.uniform(0, 2 * np.pi, corners)) if corners < 16 else np.linspace(0, 2 * np.pi, 16)
        shape = rng.uniform(0, size, 2) + radius * np.stack([np.cos(turns), np.sin(turns)], 1) * rng.uniform(0.4, 1, 2)
        cv2.fillPoly(canvas, [np.rint(shape).astype(np.int32)], int(rng.integers(0, 256)), cv2.LINE_AA)
    return canvas.astype(np.float32)


def _letters(size: int, rng: np.random.Generator) -> Field:
    """Print: signs of several sizes, upright or slanted."""
    canvas = np.full((size, size), 230, np.uint8)
    signs = "ABDEFGHKLMNRSTXYZ0123456789#%/+-"
    for _ in range(int(rng.integers(8, 40))):
        text = "".join(signs[index] for index in rng.integers(0, len(signs), int(rng.integers(1, 7))))
        place = (int(rng.integers(-20, size)), int(rng.integers(0, size)))
        height, grey = log_uniform(rng, 0.3, 2.5), int(rng.integers(0, 160))
        cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, height, grey, int(rng.integers(1, 4)), cv2.LINE_AA)
    return canvas.astype(np.float32)


def _stretch(field: Field) -> Field:
    """To 0..1, float32."""
    low, high = float(field.min()), float(field.max())
    return ((field - np.float32(low)) / np.float32(max(high - low, 1e-6))).astype(np.float32)


PATTERNS: dict[Callable[[int, np.random.Generator], Field], float] = {
    _noise: 2.0,
    _grain: 2.0,
    _stripes: 1.0,
    _checks: 1.0,
    _marble: 1.0,
    _ridges: 1.0,
    _blotches: 1.0,
    _ramp: 0.7,
    _cells: 1.5,
    _dots: 1.0,
    _fibres: 1.0,
    _leaves: 1.2,
    _letters: 0.4,
}
