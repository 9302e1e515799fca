"""The products of the embedded example: what belongs where, and how each fitted detail looks.

A Design is the drawing office's view: an outline, a body, and the details fitted to it. A logical defect is a changed
list of details; the picture is then drawn from the changed list like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from baad.data.example_fields import Field, box, capsule, circle, coverage, edge, polygon, smoothstep, turned
from baad.data.example_relief import Canvas, Material

STEEL = Material((0.56, 0.57, 0.58), metal=1.0, rough=0.3)
ZINC = Material((0.62, 0.62, 0.60), metal=1.0, rough=0.38)
BLACKENED = Material((0.075, 0.075, 0.085), metal=0.55, rough=0.42)
BRASS = Material((0.78, 0.55, 0.22), metal=1.0, rough=0.28)
RUBBER = Material((0.018, 0.018, 0.02), metal=0.0, rough=0.6)
MACHINED = Material((0.66, 0.66, 0.66), metal=1.0, rough=0.33, turned=0.85)
DARK_HOLE = Material((0.05, 0.05, 0.05), metal=0.4, rough=0.7)
INK = Material((0.03, 0.03, 0.035), metal=0.0, rough=0.6)
SILVER_PLATE = Material((0.72, 0.72, 0.70), metal=0.55, rough=0.4)


@dataclass(frozen=True)
class Detail:
    """One thing fitted to the part. Not `fitted`: only its seat is there."""

    kind: str
    x: float
    y: float
    angle: float = 0.0
    fitted: bool = True


@dataclass(frozen=True)
class Design:
    """One product. Coordinates in half pictures about the part's middle; the part reaches about 0.7 from it."""

    name: str
    outline: Callable[[Field, Field], Field]  # (x, y) -> distance, negative on the part
    body: Callable[[Canvas, Field, np.random.Generator], None]  # (canvas, distance) paints everything but the details
    details: tuple[Detail, ...]
    spare: tuple[tuple[float, float], ...]  # places where nothing belongs, for a detail too many
    extras: tuple[str, ...]  # kinds of detail that may be one too many
    center: tuple[float, float] = (0.0, 0.0)  # the lathe's axis
    scale: float = 1.0  # size in the picture
    thickness: float = 0.06  # how far the foot stands above the table


@dataclass(frozen=True)
class _Site:
    """Where a detail is drawn: its window on the canvas, its own coordinates there, the height of its seat."""

    where: tuple[slice, slice]
    x: Field
    y: Field
    seat: np.float32


def footprint(canvas: Canvas, detail: Detail) -> tuple[tuple[slice, slice], Field]:
    """The window of a detail and its distance field there, seat included."""
    reach, outline, _ = DETAILS[detail.kind]
    site = _site(canvas, detail, reach)
    return site.where, outline(site.x, site.y)


def draw_detail(canvas: Canvas, detail: Detail, spin: float) -> None:
    """Fit one detail, or show its empty seat. spin: how far a screw happens to be turned, radians."""
    reach, _, painter = DETAILS[detail.kind]
    site = _site(canvas, detail, reach)
    if site.x.size:
        painter(canvas, site, detail.fitted, spin)


def reach_of(kind: str) -> float:
    """Radius of the circle that holds a detail of this kind."""
    return DETAILS[kind][0]


def _site(canvas: Canvas, detail: Detail, reach: float) -> _Site:
    where = canvas.window(detail.x, detail.y, reach)
    x, y = turned(canvas.x[where] - np.float32(detail.x), canvas.y[where] - np.float32(detail.y), detail.angle)
    near = circle(x, y, reach * 0.8) < 0
    seat = np.median(canvas.height[where][near]) if near.any() else np.float32(0)
    return _Site(where, x, y, np.float32(seat))


def _set_height(canvas: Canvas, site: _Site, cover: Field, height: Field | np.float32) -> None:
    layer = canvas.height[site.where]
    layer += cover * (height - layer)


def _raise_body(canvas: Canvas, site: _Site, distance: Field, material: Material, height: float, bevel: float) -> None:
    """Put a solid with a rounded rim on the seat."""
    cover = coverage(distance, canvas.pixel)
    canvas.paint(cover, material, site.where)
    _set_height(canvas, site, cover, site.seat + np.float32(height) * edge(distance, bevel))


def _sink(canvas: Canvas, site: _Site, distance: Field, material: Material, depth: float, chamfer: float) -> None:
    """Cut a hole whose rim is chamfered."""
    cover = coverage(distance, canvas.pixel)
    canvas.paint(cover, material, site.where)
    layer = canvas.height[site.where]
    layer -= np.float32(depth) * smoothstep(0.0, -chamfer, distance)


def _draw_bolt(canvas: Canvas, site: _Site, fitted: bool, spin: float) -> None:
    """A socket-head cap screw on a washer; its seat is a spot-faced, threaded hole."""
    spot = circle(site.x, site.y, 0.092)
    canvas.paint(coverage(spot, canvas.pixel), Material((0.6, 0.6, 0.6), 1.0, 0.35), site.where)
    _set_height(canvas, site, coverage(spot, canvas.pixel), site.seat)
    if not fitted:
        _draw_hole(canvas, site, True, spin)
        return
    _raise_body(canvas, site, circle(site.x, site.y, 0.084), ZINC, 0.012, 0.008)
    _raise_body(canvas, site, circle(site.x, site.y, 0.066), BLACKENED, 0.065, 0.018)
    socket = polygon(site.x, site.y, 6, 0.033, spin)
    _sink(canvas, site, socket, Material((0.02, 0.02, 0.022), 0.3, 0.6), 0.05, 0.008)


def _draw_hole(canvas: Canvas, site: _Site, fitted: bool, spin: float) -> None:
    """A drilled hole with a bright chamfer and a hint of thread."""
    rim = circle(site.x, site.y, 0.055)
    canvas.paint(coverage(rim, canvas.pixel), STEEL, site.where)
    bore = circle(site.x, site.y, 0.044)
    _sink(canvas, site, rim, STEEL, 0.012, 0.014)
    _sink(canvas, site, bore, DARK_HOLE, 0.12, 0.012)


def _draw_screw(canvas: Canvas, site: _Site, fitted: bool, spin: float) -> None:
    """A cross-head screw in a shallow countersink; its seat is a small hole."""
    sink = circle(site.x, site.y, 0.07)
    canvas.paint(coverage(sink, canvas.pixel) * 0.8, STEEL, site.where)
    if not fitted:
        _sink(canvas, site, sink, STEEL, 0.02, 0.03)
        _sink(canvas, site, circle(site.x, site.y, 0.036), DARK_HOLE, 0.1, 0.01)
        return
    _raise_body(canvas, site, circle(site.x, site.y, 0.062), ZINC, 0.028, 0.03)
    x, y = turned(site.x, site.y, spin)
    cross = np.minimum(box(x, y, 0.036, 0.0085), box(x, y, 0.0085, 0.036))
    _sink(canvas, site, cross, Material((0.05, 0.05, 0.05), 0.5, 0.5), 0.03, 0.006)


def _draw_button(canvas: Canvas, site: _Site, fitted: bool, spin: float) -> None:
    """A red push button in a steel collar; its seat is a wide hole."""
    _raise_body(canvas, site, circle(site.x, site.y, 0.112), STEEL, 0.02, 0.012)
    if fitted:
        red = Material((0.42, 0.018, 0.015), metal=0.0, rough=0.25)
        _raise_body(canvas, site, circle(site.x, site.y, 0.086), red, 0.06, 0.06)
    else:
        _sink(canvas, site, circle(site.x, site.y, 0.086), DARK_HOLE, 0.14, 0.012)


def _draw_pin(canvas: Canvas, site: _Site, fitted: bool, spin: float) -> None:
    """A bright dowel pin with a round end, in a countersunk hole."""
    _sink(canvas, site, circle(site.x, site.y, 0.048), DARK_HOLE, 0.03, 0.012)
    if fitted:
        _raise_body(canvas, site, circle(site.x, site.y, 0.036), STEEL, 0.03, 0.03)
    else:
        _sink(canvas, site, circle(site.x, site.y, 0.036), DARK_HOLE, 0.08, 0.01)


def _draw_plug(canvas: Canvas, site: _Site, fitted: bool, spin: float) -> None:
    """A hexagonal brass plug; its seat is a wide threaded hole."""
    if not fitted:
        _sink(canvas, site, circle(site.x, site.y, 0.082), BRASS, 0.012, 0.014)
        _sink(canvas, site, circle(site.x, site.y, 0.07), DARK_HOLE, 0.13, 0.014)
        return
    _raise_body(canvas, site, circle(site.x, site.y, 0.108), Material((0.55, 0.2, 0.1), 1.0, 0.4), 0.01, 0.006)
    hexagon = np.maximum(polygon(site.x, site.y, 6, 0.086, spin), circle(site.x, site.y, 0.095))
    _raise_body(canvas, site, hexagon, BRASS, 0.06, 0.016)
    _sink(canvas, site, circle(site.x, site.y, 0.03), Material((0.25, 0.17, 0.06), 1.0, 0.4), 0.02, 0.012)


def _draw_plate(canvas: Canvas, site: _Site, fitted: bool, spin: float) -> None:
    """A riveted name plate with printed lines; without it, the two rivet holes."""
    rivets = np.minimum(circle(site.x - 0.135, site.y, 0.013), circle(site.x + 0.135, site.y, 0.013))
    if not fitted:
        _sink(canvas, site, rivets, DARK_HOLE, 0.05, 0.008)
        return
    _raise_body(canvas, site, box(site.x, site.y, 0.16, 0.075, 0.015), SILVER_PLATE, 0.012, 0.006)
    print_rng = np.random.default_rng(7)  # the same words on every plate
    for row in range(4):
        y, x = -0.045 + 0.03 * row, -0.11
        while x < 0.1:
            length = float(print_rng.uniform(0.012, 0.05))
            word = capsule(site.x, site.y, (x, y), (min(x + length, 0.105), y), 0.0055 if row else 0.009)
            canvas.paint(coverage(word, canvas.pixel) * 0.9, INK, site.where)
            x += length + 0.026
    seat = _Site(site.where, site.x, site.y, np.float32(site.seat + 0.012))
    _raise_body(canvas, seat, rivets, STEEL, 0.012, 0.012)


def _round(radius: float) -> Callable[[Field, Field], Field]:
    return lambda x, y: circle(x, y, radius)


# kind -> reach, outline in its own coordinates, painter
DETAILS: dict[str, tuple[float, Callable[[Field, Field], Field], Callable[..., None]]] = {
    "bolt": (0.094, _round(0.092), _draw_bolt),
    "hole": (0.06, _round(0.055), _draw_hole),
    "pin": (0.05, _round(0.048), _draw_pin),
    "screw": (0.072, _round(0.07), _draw_screw),
    "button": (0.114, _round(0.112), _draw_button),
    "plug": (0.11, _round(0.108), _draw_plug),
    "plate": (0.18, lambda x, y: box(x, y, 0.16, 0.075, 0.015), _draw_plate),
}
