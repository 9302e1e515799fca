"""What goes wrong with the example's parts: damaged surfaces, and details that are missing, too many or misplaced.

Every defect marks `canvas.defect`, the fine pixels that it changes on the part. Logical defects return a changed list
of details, surface defects change the painted relief.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from baad.data.example_fields import Field, coverage, floats, fractal, path, smoothstep
from baad.data.example_parts import Design, Detail, footprint, reach_of
from baad.data.example_relief import Canvas, Material

LOGICAL = ("missing", "extra", "misplaced")
OIL = Material((0.035, 0.022, 0.012), metal=0.0, rough=0.18)
RUST = Material((0.24, 0.085, 0.025), metal=0.0, rough=0.85)
PAINT = Material((0.05, 0.12, 0.35), metal=0.0, rough=0.35)
BARE = Material((0.97, 0.97, 0.95), metal=0.3, rough=0.45)
BURR = Material((0.09, 0.09, 0.095), metal=0.5, rough=0.6)
RUBBED = Material((0.42, 0.42, 0.43), metal=0.9, rough=0.3)
FRACTURE = Material((0.30, 0.29, 0.28), metal=0.3, rough=0.8)
GAP = Material((0.012, 0.012, 0.013), metal=0.0, rough=0.9)


def change_details(
    kind: str, design: Design, rng: np.random.Generator
) -> tuple[tuple[Detail, ...], tuple[Detail, ...]]:
    """(the details as they now are, those whose places changed) for a logical defect."""
    details = list(design.details)
    if kind == "missing":
        index = int(rng.integers(len(details)))
        details[index] = replace(details[index], fitted=False)
        return tuple(details), (details[index],)
    if kind == "extra":
        x, y = design.spare[rng.integers(len(design.spare))]
        extra = Detail(str(rng.choice(design.extras)), x, y, float(rng.uniform(0, np.pi)))
        return (*details, extra), (extra,)
    for index in rng.permutation(len(details)):
        moved = _move(details[index], design, rng)
        if moved is not None:
            old, details[index] = details[index], moved
            return tuple(details), (old, moved)
    raise AssertionError(f"no detail of {design.name} has room to be misplaced")


def _move(detail: Detail, design: Design, rng: np.random.Generator) -> Detail | None:
    """The detail at a wrong place that is on the part and free; None where there is none."""
    reach = reach_of(detail.kind)
    for _ in range(40):
        distance, direction = rng.uniform(0.14, 0.22), rng.uniform(0, 2 * np.pi)
        turn = float(rng.uniform(0.5, 1.1) * rng.choice((-1, 1)))
        x, y = detail.x + float(distance * np.cos(direction)), detail.y + float(distance * np.sin(direction))
        on_part = design.outline(floats([x]), floats([y]))[0] < -0.6 * reach
        others = [other for other in design.details if other is not detail]
        free = all(np.hypot(x - other.x, y - other.y) > 0.8 * (reach + reach_of(other.kind)) for other in others)
        if on_part and free:
            return replace(detail, x=x, y=y, angle=detail.angle + turn)
    return None


def mark_details(canvas: Canvas, changed: tuple[Detail, ...]) -> None:
    """Mark the places of changed details as defect."""
    for detail in changed:
        where, distance = footprint(canvas, detail)
        canvas.defect[where] |= (distance < 0) & (canvas.inside[where] > 0.5)


def damage(kind: str, canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """Damage the painted part. distance: to the part's outline, negative inside."""
    SURFACE[kind](canvas, distance, rng)


def _place(canvas: Canvas, distance: Field, margin: float, rng: np.random.Generator) -> tuple[float, float]:
    """A bright place on the part, at least `margin` inside its outline: a stain on a black seal would not be seen."""
    candidates = np.argwhere((distance[::4, ::4] < -margin) & (canvas.layers[1, ::4, ::4] > 0.25))
    row, column = candidates[rng.integers(len(candidates))] * 4
    return float(canvas.x[row, column]), float(canvas.y[row, column])


def _mark(canvas: Canvas, where: tuple[slice, slice], cover: Field) -> Field:
    """Mark pixels mostly covered, and return the cover limited to the part."""
    cover = cover * canvas.inside[where]
    canvas.defect[where] |= cover > 0.5
    return cover


def _heading(
    canvas: Canvas, distance: Field, start: tuple[float, float], length: float, rng: np.random.Generator
) -> float:
    """A direction in which a line of this length stays on the part, or the best of some."""
    best, most = 0.0, -1.0
    for heading in rng.uniform(0, 2 * np.pi, 12):
        reach = np.linspace(0, length, 10)
        points = [
            canvas.pixel_of(start[0] + step * np.cos(heading), start[1] + step * np.sin(heading)) for step in reach
        ]
        columns, rows = np.clip(np.asarray(points).T.astype(int), 0, distance.shape[0] - 1)
        share = float(np.mean(distance[rows, columns] < -0.02))
        if share > most:
            best, most = float(heading), share
        if share == 1:
            break
    return best


def _walk(
    start: tuple[float, float], heading: float, length: float, joints: int, wander: float, rng: np.random.Generator
) -> np.ndarray:
    """A path of `joints` steps that changes its heading by about `wander` radians at each. [joints + 1, 2]."""
    headings = heading + np.cumsum(rng.normal(0, wander, joints))
    steps = np.stack([np.cos(headings), np.sin(headings)], axis=1) * (length / joints)
    return np.vstack([[start], np.asarray(start) + np.cumsum(steps, axis=0)])


def _scratch(canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """One to three scored lines side by side: bare bright metal beside a dark burr."""
    x, y = _place(canvas, distance, 0.08, rng)
    length = float(rng.uniform(0.25, 0.6))
    heading = _heading(canvas, distance, (x, y), length, rng)
    where = canvas.window(x, y, length)
    for _ in range(int(rng.integers(1, 4))):
        line = _walk((x, y), heading, length, 6, 0.07, rng)
        width = float(rng.uniform(0.009, 0.014))
        gap = path(canvas.x[where], canvas.y[where], line, width)
        cover = _mark(canvas, where, coverage(gap, canvas.pixel))
        canvas.paint(cover * 0.9, BURR, where)
        shiny = path(canvas.x[where], canvas.y[where], line + 0.3 * width, 0.5 * width)
        canvas.paint(coverage(shiny, canvas.pixel) * canvas.inside[where], BARE, where)
        layer = canvas.height[where]
        layer -= np.float32(0.02) * smoothstep(0.0, -width, gap) * canvas.inside[where]
        x, y = x + float(rng.normal(0, 0.04)), y + float(rng.normal(0, 0.04))


def _blob(
    canvas: Canvas, x: float, y: float, radius: float, ragged: float, rng: np.random.Generator
) -> tuple[tuple[slice, slice], Field]:
    """A window and in it the distance to a ragged disc."""
    where = canvas.window(x, y, radius * 1.7)
    from_x, from_y = canvas.x[where] - np.float32(x), canvas.y[where] - np.float32(y)
    stretch, angle = float(rng.uniform(0.65, 1.0)), float(rng.uniform(0, np.pi))
    across = from_x * np.float32(np.cos(angle)) + from_y * np.float32(np.sin(angle))
    along = from_y * np.float32(np.cos(angle)) - from_x * np.float32(np.sin(angle))
    rough = fractal(from_x.shape, radius / canvas.pixel * 0.8, rng, octaves=4)
    reach = np.sqrt(across**2 + (along / np.float32(stretch)) ** 2)
    return where, reach - np.float32(radius) * (1 + np.float32(ragged) * rough)


def _stain(canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """Oil, rust or a splash of paint."""
    x, y = _place(canvas, distance, 0.06, rng)
    where, reach = _blob(canvas, x, y, float(rng.uniform(0.085, 0.16)), 0.22, rng)
    material = (OIL, RUST, PAINT)[int(rng.integers(3))]
    cover = _mark(canvas, where, smoothstep(0.006, -0.012, reach))
    patchy = np.clip(0.85 + 0.12 * fractal(reach.shape, 12, rng), 0.6, 0.97)
    canvas.paint(cover * patchy, material, where)


def _crack(canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """A jagged dark gap with a branch or two."""
    x, y = _place(canvas, distance, 0.05, rng)
    length = float(rng.uniform(0.25, 0.5))
    heading = _heading(canvas, distance, (x, y), length, rng)
    where = canvas.window(x, y, length * 1.3)
    trunk = _walk((x, y), heading, length, 12, 0.45, rng)
    gap = path(canvas.x[where], canvas.y[where], trunk, float(rng.uniform(0.008, 0.013)))
    for _ in range(int(rng.integers(1, 3))):
        fork = trunk[int(rng.integers(2, 9))]
        turn = heading + float(rng.choice((-1, 1)) * rng.uniform(0.5, 1.1))
        branch = _walk((float(fork[0]), float(fork[1])), turn, length * 0.4, 6, 0.4, rng)
        gap = np.minimum(gap, path(canvas.x[where], canvas.y[where], branch, 0.007))
    cover = _mark(canvas, where, coverage(gap, canvas.pixel))
    canvas.paint(cover * 0.95, GAP, where)
    layer = canvas.height[where]
    layer -= np.float32(0.05) * smoothstep(0.008, -0.006, gap) * canvas.inside[where]


def _dent(canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """A knocked-in place: a hollow with a raised rim, its floor rubbed smooth."""
    x, y = _place(canvas, distance, 0.09, rng)
    radius = float(rng.uniform(0.08, 0.13))
    where, reach = _blob(canvas, x, y, radius, 0.10, rng)
    cover = _mark(canvas, where, smoothstep(0.004, -0.004, reach))
    layer = canvas.height[where]
    level = np.float32(np.median(layer[reach < 0])) if (reach < 0).any() else np.float32(0)
    bowl = level - np.float32(radius * 0.9) * np.sqrt(np.clip(-reach / np.float32(radius), 0, 1))
    rubbed = 0.8 * smoothstep(0.0, -0.02, reach) * canvas.inside[where]
    layer += rubbed * (bowl - layer) + canvas.inside[where] * 0.010 * np.exp(-((reach / 0.014) ** 2))
    canvas.paint(cover * np.clip(0.6 + 0.2 * fractal(reach.shape, 8, rng), 0, 0.9), RUBBED, where)


def _chip(canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """A piece broken out of the edge: a rough, dull floor below the rest."""
    rim = np.argwhere((distance[::2, ::2] < -0.01) & (distance[::2, ::2] > -0.03))
    row, column = rim[rng.integers(len(rim))] * 2
    x, y = float(canvas.x[row, column]), float(canvas.y[row, column])
    where, reach = _blob(canvas, x, y, float(rng.uniform(0.09, 0.13)), 0.16, rng)
    cover = _mark(canvas, where, coverage(reach, canvas.pixel))
    grain = fractal(reach.shape, 10, rng, octaves=3, gain=0.8)
    floor = np.minimum(canvas.height[where], 0.02 + 0.010 * grain + 0.03 * smoothstep(-0.06, 0.0, reach))
    layer = canvas.height[where]
    layer += cover * (floor - layer)
    canvas.paint(cover, FRACTURE, where)
    canvas.tint(1 + 0.25 * cover * np.clip(grain, -1.5, 1.5), where)


SURFACE: dict[str, Callable[[Canvas, Field, np.random.Generator], None]] = {
    "scratch": _scratch,
    "stain": _stain,
    "crack": _crack,
    "dent": _dent,
    "chip": _chip,
}
