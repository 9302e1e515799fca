"""Outlines -> bool [H, W]: paints the shapes of annotation files.

A pixel is marked where its centre lies inside a ring (even-odd for one that crosses itself). A ring inside another
one of the same shape is a hole in it, and a ring inside a hole an island; rings that merely overlap are united, as
different shapes are. A ring too thin to hold any pixel's centre marks the pixels under its outline instead.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from baad.data.decode import pixel_limit
from baad.data.jsonfile import refuse
from baad.data.sample import Outlines, Point, Shape

Box = tuple[slice, slice]
Filled = tuple[Box, np.ndarray]  # a ring: its box on the picture, and bool [h, w] in it

_NOWHERE: Box = (slice(0, 0), slice(0, 0))
_NOTHING = np.zeros((0, 0), bool)


def paint_outlines(outlines: Outlines) -> np.ndarray:
    """What the shapes mark, bool [H, W] of the size that the annotation file states."""
    canvas = np.zeros(outlines.shape, bool)
    strokes: list[Sequence[Point]] = []
    for shape in outlines.shapes:
        if shape.runs:
            canvas |= _unroll(shape.runs, outlines.shape)
        elif shape.line:
            strokes.append(shape.line)
        else:
            strokes += [(*ring, ring[0]) for ring in _paint_rings(canvas, shape.rings) if ring]
    if strokes:
        canvas |= _paint_strokes(strokes, outlines.shape)
    return canvas


def check_shape(shape: Shape, size: tuple[int, int], file: Path, name: str) -> Shape:
    """The shape itself, fit to be painted on a picture of `size` (height, width); `name` tells where it stands.

    Raises DataError for points that are no numbers or lie further outside than the picture is large, and for runs
    that do not add up to the picture.
    """
    height, width = size
    for x, y in (point for points in (*shape.rings, shape.line) for point in points):
        if not (-width <= x <= 2 * width and -height <= y <= 2 * height):  # NaN fails as well
            raise refuse(file, f"{name} has a point at ({x:g}, {y:g}), but its picture is {width} x {height} px")
    if shape.runs and (min(shape.runs) < 0 or sum(shape.runs) != height * width):
        raise refuse(file, f"the runs of {name} do not add up to its picture of {width} x {height} px")
    return shape


def check_size(height: object, width: object, file: Path, name: str) -> tuple[int, int]:
    """A picture's (height, width) as a file states it. Raises DataError where it is no size, or over the limit."""
    if not (type(height) is int and type(width) is int and height > 0 and width > 0):
        raise refuse(file, f"it does not tell the height and width of {name}")
    if height * width > pixel_limit():
        raise refuse(file, f"it says that {name} is {width} x {height} px, over the limit of {pixel_limit():,} px")
    return height, width


def to_points(values: object, file: Path, name: str) -> tuple[Point, ...]:
    """[[x, y], ...] or [x, y, x, y, ...] -> points. Raises DataError where it is neither."""
    flat: list[object] = []
    for value in values if isinstance(values, list) else [None]:
        flat += value if isinstance(value, list) and len(value) == 2 else [value]
    if len(flat) % 2 or not all(type(number) in (int, float) for number in flat):
        raise refuse(file, f"{name} has points that are not pairs of numbers")
    numbers = [_to_float(number) for number in flat]
    return tuple(zip(numbers[::2], numbers[1::2]))


def to_runs(mask: np.ndarray) -> tuple[int, ...]:
    """bool [H, W] -> lengths of runs, column by column, unmarked first."""
    column = np.concatenate([[False], mask.ravel("F"), [not mask[-1, -1]]])
    ends = np.flatnonzero(column[1:] != column[:-1])
    return tuple(int(length) for length in np.diff(ends, prepend=0))


def _to_float(number: object) -> float:
    try:
        return float(number)  # type: ignore[arg-type]
    except OverflowError:
        return float("inf")


def _unroll(runs: Sequence[int], shape: tuple[int, int]) -> np.ndarray:
    """Lengths of runs -> bool [H, W]."""
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape[::-1]).T


def _paint_rings(canvas: np.ndarray, rings: Sequence[Sequence[Point]]) -> list[Sequence[Point]]:
    """Mark on the canvas, bool [H, W], what the rings of one shape enclose -> those that enclose nothing."""
    filled, thin = list[Filled](), list[Sequence[Point]]()
    for ring in rings:
        box, inside = _fill(np.asarray(ring, np.float64), canvas.shape) if len(ring) > 2 else (_NOWHERE, _NOTHING)
        if not inside.any():
            thin.append(ring)
        elif not any(box == other and np.array_equal(inside, same) for other, same in filled):
            filled.append((box, inside))
    filled.sort(key=lambda each: -int(each[1].sum()))
    depths: list[int] = []  # 0 outside of all, 1 a hole, 2 an island: one more than the smallest ring around it
    for place, each in enumerate(filled):
        around = [depth for outer, depth in zip(filled[:place], depths) if _covers(outer, each)]
        depths.append(around[-1] + 1 if around else 0)
    for each, depth in zip(filled, depths):
        if depth % 2 == 0:
            holes = [inner for inner, deep in zip(filled, depths) if deep == depth + 1 and _covers(each, inner)]
            canvas[each[0]] |= _cut_out(each, holes)
    return thin


def _covers(outer: Filled, inner: Filled) -> bool:
    """Whether one ring encloses all pixels of another one."""
    (rows, columns), (low, left) = outer[0], (inner[0][0].start, inner[0][1].start)
    high, right = inner[0][0].stop, inner[0][1].stop
    if low < rows.start or high > rows.stop or left < columns.start or right > columns.stop:
        return False
    window = outer[1][low - rows.start : high - rows.start, left - columns.start : right - columns.start]
    return bool(window[inner[1]].all())


def _cut_out(each: Filled, holes: Sequence[Filled]) -> np.ndarray:
    """What a ring encloses without its holes, which lie in it: bool [h, w] in its box."""
    (rows, columns), left = each[0], each[1].copy()
    for (height, width), inside in holes:
        up, down = height.start - rows.start, height.stop - rows.start
        left[up:down, width.start - columns.start : width.stop - columns.start] &= ~inside
    return left


def _fill(ring: np.ndarray, shape: tuple[int, ...]) -> Filled:
    """Fill one ring [P, 2] of (x, y) -> its box on the picture, and bool [h, w] in it: centres inside, even-odd."""
    (left, top), (right, bottom) = np.ceil(ring.min(axis=0) - 0.5), np.ceil(ring.max(axis=0) - 0.5)
    x0, x1 = (int(np.clip(edge, 0, shape[1])) for edge in (left, right))
    y0, y1 = (int(np.clip(edge, 0, shape[0])) for edge in (top, bottom))
    turns = np.zeros((y1 - y0, x1 - x0 + 1), np.uint8)  # how often the outline is crossed before a column
    for (ax, ay), (bx, by) in zip(ring, np.roll(ring, -1, axis=0)):
        first, last = np.clip(np.ceil(np.sort([ay, by]) - 0.5), y0, y1).astype(int)
        if first < last:
            rows = np.arange(first, last)
            crossings = ax + (rows + 0.5 - ay) * (bx - ax) / (by - ay)
            columns = np.clip(np.ceil(crossings - 0.5), x0, x1).astype(int)
            turns[rows - y0, columns - x0] += 1
    inside = np.cumsum(turns, axis=1, dtype=np.uint8)[:, :-1] % 2 == 1
    return (slice(y0, y1), slice(x0, x1)), inside


def _paint_strokes(strokes: Sequence[Sequence[Point]], shape: tuple[int, int]) -> np.ndarray:
    """The pixels under open lines, and under single points -> bool [H, W]."""
    sheet = Image.new("L", shape[::-1])
    pen = ImageDraw.Draw(sheet)
    for stroke in strokes:
        pixels = [(int(np.floor(x)), int(np.floor(y))) for x, y in stroke]
        pen.line(pixels, fill=255)
        pen.point(pixels, fill=255)
    return np.asarray(sheet) > 0
