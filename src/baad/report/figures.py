"""Pictures of a page: panels of a case as small inline images, a histogram as inline SVG.

Colours depend on raw values alone (`runtime.output.colour_map`), never on the picture they stand in. Reducing keeps the
highest value and every marked pixel of a block: a small alarm does not vanish in a thumbnail.
"""

import base64
import io
import math
from collections.abc import Callable, Sequence
from html import escape

import numpy as np
from PIL import Image

from baad.data.geometry import resize_map
from baad.verdict.zones import widen

PANEL_SIDE = 256  # px, longer side of a panel
FOUND = (0, 255, 255)  # cyan, as in the overlays of `baad predict`: rare on parts
RIM = (0, 0, 0)
DIMMED = 0.3  # brightness of what is background


def panel_shape(shape: tuple[int, int], side: int = PANEL_SIDE) -> tuple[int, int]:
    """(height, width) with the aspect of `shape` and `side` px along the longer side."""
    scale = side / max(shape)
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def scale_picture(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """uint8 [H, W, 3] -> uint8 [h, w, 3], antialiased when smaller."""
    return np.asarray(Image.fromarray(image).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def scale_map(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Real [H, W] -> float32 [h, w]: along a side that shrinks the highest value of each block, else bilinear."""
    height, width = min(shape[0], values.shape[0]), min(shape[1], values.shape[1])
    kept = np.maximum.reduceat(values, np.arange(height) * values.shape[0] // height, axis=0)
    kept = np.maximum.reduceat(kept, np.arange(width) * values.shape[1] // width, axis=1)
    return resize_map(kept.astype(np.float32), shape)


def scale_mask(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """bool [H, W] -> bool [h, w]: a block with any marked pixel is marked."""
    return scale_map(mask.astype(np.float32), shape) >= 0.5


def dim_background(image: np.ndarray, foreground: np.ndarray, dimmed: float = DIMMED) -> np.ndarray:
    """Darken what is not part. image: uint8 [H, W, 3]; foreground: float [H, W] in 0..1 -> uint8 [H, W, 3]."""
    brightness = dimmed + (1 - dimmed) * np.clip(foreground, 0, 1)[..., None]
    return np.rint(image * brightness).astype(np.uint8)


def outline_outside(image: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Draw the pixels around bool [H, W] in `colour` with a black rim, uint8 [H, W, 3] -> the same shape."""
    drawn = image.copy()
    line = widen(mask, 1)
    drawn[widen(line, 1) & ~line] = RIM
    drawn[line & ~mask] = colour
    return drawn


def outline_path(mask: np.ndarray) -> str:
    """Border of bool [H, W] as the `d` of an SVG path in pixel coordinates: straight runs along the pixels' edges.

    >>> outline_path(np.array([[False, True]]))
    'M1 0H2M1 1H2M1 0V1M2 0V1'
    """
    padded = np.pad(mask, 1)
    rows = [f"M{start} {y}H{end}" for y, start, end in _runs(padded[1:, 1:-1] != padded[:-1, 1:-1])]
    columns = [f"M{x} {start}V{end}" for x, start, end in _runs((padded[1:-1, 1:] != padded[1:-1, :-1]).T)]
    return "".join(rows + columns)


def _runs(edges: np.ndarray) -> list[tuple[int, int, int]]:
    """Runs of True along the rows of bool [N, M]: (row, start, end), end just outside."""
    steps = np.diff(edges.astype(np.int8), axis=1, prepend=0, append=0)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]  # row by row, as the starts
    return list(zip(rows.tolist(), starts.tolist(), ends.tolist()))


def inline_image(image: np.ndarray) -> str:
    """uint8 [H, W, 3] -> a data URI (WebP) for an img tag."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", quality=82, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def inline_file(content: bytes) -> str:
    """The bytes of a JPEG file -> a data URI."""
    return "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")


def draw_histogram(groups: Sequence[tuple[str, str, Sequence[float]]], threshold: float, bins: int = 48) -> str:
    """Histogram of scores as SVG text. groups: (name, CSS class, raw scores), drawn over one another.

    Bars are shares of their own group, so that few normals beside many defects stay visible. The names are escaped;
    colours come from the classes.
    """
    scores = np.concatenate([np.asarray(values, float) for _, _, values in groups] + [[threshold]])
    low, high = float(scores.min()), float(scores.max())
    margin = 0.03 * (high - low) or 1.0
    low, high = low - margin, high + margin
    edges = np.linspace(low, high, bins + 1)
    shares = [np.histogram(values, edges)[0] / max(1, len(values)) for _, _, values in groups]
    tallest = max((float(share.max()) for share in shares), default=0.0) or 1.0
    left, right, top, bottom = 12.0, 788.0, 30.0, 200.0

    def across(score: float) -> float:
        return left + (right - left) * (score - low) / (high - low)

    parts = [
        f'<line class="axis" x1="{left}" y1="{bottom}" x2="{right}" y2="{bottom}"/>',
        *(_bars(share / tallest, edges, across, css, top, bottom) for share, (_, css, _) in zip(shares, groups)),
        *(_tick(tick, across(tick), bottom) for tick in _round_ticks(low, high)),
        _threshold_line(across(threshold), threshold, top, bottom, (left + right) / 2),
    ]
    told = ", ".join(f"{len(values)} {name}" for name, _, values in groups)
    label = escape(f"Histogram of image scores: {told}; threshold at {threshold:.4g}")
    return f'<svg class="histogram" viewBox="0 0 800 228" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _bars(
    heights: np.ndarray, edges: np.ndarray, across: Callable[[float], float], css: str, top: float, bottom: float
) -> str:
    bars = []
    for height, start, end in zip(heights, edges[:-1], edges[1:]):
        if height > 0:
            tall = max(1.5, float(height) * (bottom - top))
            wide = across(end) - across(start) - 1
            place = f'x="{across(start):.1f}" y="{bottom - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"'
            bars.append(f'<rect {place} rx="1"/>')
    return f'<g class="bars {escape(css)}">{"".join(bars)}</g>'


def _tick(value: float, x: float, bottom: float) -> str:
    return (
        f'<line class="axis" x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 5}"/>'
        f'<text x="{x:.1f}" y="{bottom + 21}" text-anchor="middle">{value:g}</text>'
    )


def _threshold_line(x: float, threshold: float, top: float, bottom: float, middle: float) -> str:
    anchor, shift = ("start", 6) if x < middle else ("end", -6)
    place = f'x="{x + shift:.1f}" y="{top - 8}" text-anchor="{anchor}"'
    return (
        f'<line class="threshold" x1="{x:.1f}" y1="{top - 18}" x2="{x:.1f}" y2="{bottom}"/>'
        f'<text class="threshold" {place}>threshold {threshold:.4g}</text>'
    )


def _round_ticks(low: float, high: float) -> list[float]:
    """Four to ten round numbers between two others."""
    step = 10 ** math.floor(math.log10((high - low) / 4))
    step *= next(factor for factor in (5, 2, 1) if (high - low) / (step * factor) >= 4)
    first = math.ceil(low / step)
    return [round(index * step, 12) for index in range(first, math.floor(high / step) + 1)]
