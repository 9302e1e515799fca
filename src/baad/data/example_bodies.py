"""The bodies of the example's products: outline and relief, without the fitted details."""

import numpy as np

from baad.data.example_fields import (
    Field,
    blend,
    capsule,
    circle,
    coverage,
    edge,
    fractal,
    sample,
    smoothstep,
    turned,
    value_noise,
)
from baad.data.example_parts import DARK_HOLE, MACHINED, RUBBER, Design, Detail
from baad.data.example_render import Canvas, Material

CAST = Material((0.40, 0.41, 0.42), metal=0.75, rough=0.62)


def _polar(x: float, y: float, degrees: float, distance: float) -> tuple[float, float]:
    return x + distance * float(np.cos(np.deg2rad(degrees))), y + distance * float(np.sin(np.deg2rad(degrees)))


# ---- cover: a cast pump cover, machined where it seals -------------------------------------------------------------

HUB = (-0.10, -0.08)
LOBE = (0.31, 0.29)
COVER_LUGS = tuple(_polar(*HUB, angle, 0.47) for angle in (112, 178, 243, 308)) + tuple(
    _polar(*LOBE, angle, 0.25) for angle in (-20, 85)
)
COVER_RIBS = (85, 130, 175, 220, 265, 310, 355)


def cover_outline(x: Field, y: Field) -> Field:
    """Two lobes and six lugs, run into one another with fillets."""
    distance = blend(circle(x - HUB[0], y - HUB[1], 0.43), circle(x - LOBE[0], y - LOBE[1], 0.22), 0.16)
    for lug_x, lug_y in COVER_LUGS:
        distance = blend(distance, circle(x - np.float32(lug_x), y - np.float32(lug_y), 0.118), 0.07)
    return distance


def cover_body(canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """Flange, domed middle with ribs, turned hub with seal and shaft."""
    x, y = canvas.x, canvas.y
    shape = distance.shape
    hub_x, hub_y = x - np.float32(HUB[0]), y - np.float32(HUB[1])
    hub = np.sqrt(hub_x**2 + hub_y**2)
    dome = blend(hub - np.float32(0.385), circle(x - LOBE[0], y - LOBE[1], 0.16), 0.1)
    height = 0.07 * edge(distance, 0.03) + 0.07 * smoothstep(0.0, -0.06, dome)
    for degrees in COVER_RIBS:
        rib = capsule(x, y, _polar(*HUB, degrees, 0.2), _polar(*HUB, degrees, 0.35), 0.016)
        height += 0.035 * smoothstep(0.016, -0.012, rib)
    canvas.height += height
    canvas.paint(canvas.inside, CAST)
    sand = fractal(shape, 7, rng, octaves=3, gain=0.8)
    canvas.height += np.float32(0.0016) * sand * (distance < 0)
    canvas.color *= (1 + 0.10 * fractal(shape, 60, rng) + 0.05 * sand)[..., None]
    _seal_face(canvas, distance, rng)
    _turned_hub(canvas, hub, rng)
    _boss(canvas, rng)


def _seal_face(canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """The milled strip along the flange's rim."""
    strip = np.abs(distance + np.float32(0.032)) - np.float32(0.012)
    canvas.paint(coverage(strip, canvas.pixel) * 0.85, Material((0.6, 0.6, 0.6), 1.0, 0.35))


def _turned_hub(canvas: Canvas, radius: Field, rng: np.random.Generator) -> None:
    """A raised, lathe-turned ring; in it a rubber seal and the end of a shaft with a keyway."""
    pixel = canvas.pixel
    ring = coverage(radius - np.float32(0.235), pixel)
    face = np.float32(canvas.height[radius < 0.2].mean() + 0.05)
    canvas.height += ring * (face * edge(radius - np.float32(0.235), 0.02) - canvas.height * (radius < 0.235))
    canvas.paint(ring, MACHINED)
    marks = value_noise((8, 1024), (8.0, 3.0), rng)
    ripple = sample(marks, np.zeros_like(radius), radius * np.float32(1600)) * ring
    canvas.color *= (1 + 0.07 * ripple)[..., None]
    seal = radius - np.float32(0.155)
    canvas.height -= np.float32(0.05) * smoothstep(0.0, -0.02, seal)
    canvas.paint(coverage(seal, pixel), RUBBER)
    lip = np.abs(radius - np.float32(0.125)) - np.float32(0.016)
    canvas.height += np.float32(0.025) * edge(lip, 0.016)
    shaft = radius - np.float32(0.085)
    canvas.paint(coverage(radius - np.float32(0.1), pixel), DARK_HOLE)
    canvas.height += np.float32(0.06) * edge(shaft, 0.012)
    canvas.paint(coverage(shaft, pixel), Material((0.5, 0.5, 0.51), 1.0, 0.3, 0.9))
    x, y = turned(canvas.x - np.float32(HUB[0]), canvas.y - np.float32(HUB[1]), 0.6)
    key = np.maximum(np.abs(y) - np.float32(0.018), -x + np.float32(0.02))
    key = np.maximum(key, shaft)
    canvas.height -= np.float32(0.05) * smoothstep(0.0, -0.006, key)
    canvas.paint(coverage(key, pixel), DARK_HOLE)


def _boss(canvas: Canvas, rng: np.random.Generator) -> None:
    """The round pad that the plug is screwed into."""
    where = canvas.window(*LOBE, 0.15)
    pad = circle(canvas.x[where] - np.float32(LOBE[0]), canvas.y[where] - np.float32(LOBE[1]), 0.135)
    canvas.paint(coverage(pad, canvas.pixel), Material((0.62, 0.62, 0.62), 1.0, 0.36), where)
    layer = canvas.height[where]
    layer += np.float32(0.02) * edge(pad, 0.015)


COVER = Design(
    name="cover",
    outline=cover_outline,
    body=cover_body,
    details=(
        *(Detail("bolt", *place) for place in COVER_LUGS),
        Detail("plug", *LOBE),
        Detail("plate", *_polar(*HUB, 41, 0.325), angle=float(np.deg2rad(131))),
        Detail("pin", *_polar(*HUB, 150, 0.42)),
        Detail("pin", *_polar(*HUB, 338, 0.42)),
    ),
    spare=tuple(_polar(*HUB, degrees, 0.31) for degrees in (107, 152, 197, 242, 287, 332)),
    extras=("hole", "bolt", "pin"),
    center=HUB,
)

DESIGNS = {design.name: design for design in (COVER,)}
