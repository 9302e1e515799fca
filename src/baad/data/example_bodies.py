"""The bodies of the example's products: outline and relief, without the fitted details."""

import numpy as np

from baad.data.example_fields import (
    Field,
    blend,
    box,
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
from baad.data.example_relief import Canvas, Material

CAST = Material((0.36, 0.37, 0.385), metal=0.45, rough=0.55)
MILLED = Material((0.62, 0.62, 0.62), metal=1.0, rough=0.34)
SHAFT = Material((0.5, 0.5, 0.51), metal=1.0, rough=0.3, turned=0.9)


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
    dome = blend(circle(x - HUB[0], y - HUB[1], 0.385), circle(x - LOBE[0], y - LOBE[1], 0.16), 0.1)
    canvas.height += 0.07 * edge(distance, 0.03) + 0.06 * smoothstep(0.0, -0.045, dome)
    canvas.height += 0.06 * np.maximum(-dome / np.float32(0.385), 0)
    for degrees in COVER_RIBS:
        start, end = _polar(*HUB, degrees, 0.2), _polar(*HUB, degrees, 0.37)
        where = canvas.window(*_polar(*HUB, degrees, 0.285), 0.13)
        rib = capsule(x[where], y[where], start, end, 0.03)
        layer = canvas.height[where]
        layer += 0.028 * smoothstep(0.004, -0.014, rib)
    canvas.paint(canvas.inside, CAST)
    sand = fractal(distance.shape, 9, rng, octaves=3, gain=0.75)
    canvas.height += np.float32(0.0013) * sand * (distance < -0.005)
    canvas.tint(1 + 0.09 * value_noise(distance.shape, 90, rng) + 0.045 * sand)
    strip = np.abs(distance + np.float32(0.034)) - np.float32(0.013)  # milled where the seal lies
    canvas.paint(coverage(strip, canvas.pixel) * 0.8, MILLED)
    _turned_hub(canvas, rng)
    _boss(canvas)


def _turned_hub(canvas: Canvas, rng: np.random.Generator) -> None:
    """A raised, lathe-turned ring; in it a rubber seal and the end of a shaft with a keyway."""
    where, pixel = canvas.window(*HUB, 0.25), canvas.pixel
    x, y = turned(canvas.x[where] - np.float32(HUB[0]), canvas.y[where] - np.float32(HUB[1]), 0.6)
    radius = np.sqrt(x * x + y * y)
    layer = canvas.height[where]
    ring = radius - np.float32(0.24)
    layer += (ring < 0) * (0.205 * edge(ring, 0.02) - layer * smoothstep(0.0, -0.02, ring))
    canvas.paint(coverage(ring, pixel), MACHINED, where)
    marks = value_noise((8, 1024), (8.0, 3.0), rng)
    canvas.tint(1 + 0.08 * sample(marks, np.zeros_like(radius), radius * np.float32(1600)), where)
    groove = np.abs(radius - np.float32(0.196)) - np.float32(0.006)
    layer -= 0.012 * smoothstep(0.004, -0.004, groove)
    seal = radius - np.float32(0.155)
    layer -= 0.05 * smoothstep(0.0, -0.02, seal)
    canvas.paint(coverage(seal, pixel), RUBBER, where)
    layer += 0.03 * edge(np.abs(radius - np.float32(0.125)) - np.float32(0.016), 0.016)
    shaft = radius - np.float32(0.085)
    canvas.paint(coverage(radius - np.float32(0.1), pixel), DARK_HOLE, where)
    layer += 0.065 * edge(shaft, 0.014)
    canvas.paint(coverage(shaft, pixel), SHAFT, where)
    key = np.maximum(np.maximum(np.abs(y) - np.float32(0.019), np.float32(0.02) - x), shaft)
    layer -= 0.06 * smoothstep(0.0, -0.006, key)
    canvas.paint(coverage(key, pixel), DARK_HOLE, where)
    layer -= 0.03 * smoothstep(0.014, 0.0, radius)


def _boss(canvas: Canvas) -> None:
    """The round pad that the plug is screwed into."""
    where = canvas.window(*LOBE, 0.15)
    pad = circle(canvas.x[where] - np.float32(LOBE[0]), canvas.y[where] - np.float32(LOBE[1]), 0.135)
    canvas.paint(coverage(pad, canvas.pixel), MILLED, where)
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
        Detail("pin", *_polar(*HUB, 152, 0.315)),
        Detail("pin", *_polar(*HUB, 287, 0.315)),
    ),
    spare=tuple(_polar(*HUB, degrees, 0.31) for degrees in (107, 197, 242, 332)),
    extras=("hole", "bolt", "pin"),
    center=HUB,
)

# ---- gear: turned steel, with a bolted web that one sees the table through ------------------------------------------

GEAR_WINDOWS = tuple(_polar(0, 0, 36 + 72 * place, 0.375) for place in range(5))
GEAR_BOLTS = tuple(_polar(0, 0, 72 * place, 0.375) for place in range(5))


def gear_outline(x: Field, y: Field) -> Field:
    """Thirty teeth, a keyed bore and five round windows in the web."""
    radius, angle = np.sqrt(x * x + y * y), np.arctan2(y, x)
    distance = radius - np.float32(0.625) - 0.036 * np.clip(1.9 * np.cos(30 * angle), -1, 1)
    bore = np.minimum(radius - np.float32(0.115), box(x - np.float32(0.11), y, 0.055, 0.035))
    distance = np.maximum(distance, -bore)
    for window_x, window_y in GEAR_WINDOWS:
        distance = np.maximum(distance, -circle(x - np.float32(window_x), y - np.float32(window_y), 0.078))
    return distance


def gear_body(canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """A toothed rim and a hub, turned bright; between them a darker, sunk web."""
    radius = np.sqrt(canvas.x**2 + canvas.y**2)
    web = np.abs(radius - np.float32(0.375)) - np.float32(0.125)
    canvas.height += 0.13 * edge(distance, 0.02) - 0.05 * smoothstep(0.01, -0.012, web)
    canvas.height += 0.04 * smoothstep(0.2, 0.185, radius) * (distance < -0.01)
    canvas.paint(canvas.inside, Material((0.50, 0.50, 0.51), metal=1.0, rough=0.36, turned=0.8))
    canvas.paint(coverage(web, canvas.pixel), Material((0.13, 0.135, 0.15), metal=0.5, rough=0.5))
    teeth = smoothstep(0.57, 0.59, radius)
    canvas.paint(teeth, Material((0.42, 0.42, 0.43), metal=1.0, rough=0.42))
    marks = value_noise((8, 1024), (8.0, 3.0), rng)
    rings = sample(marks, np.zeros_like(radius), radius * np.float32(1500))
    cloud = value_noise(distance.shape, 80, rng)
    canvas.tint(1 + 0.08 * rings + 0.06 * cloud)
    groove = np.abs(radius - np.float32(0.54)) - np.float32(0.006)
    canvas.height -= 0.015 * smoothstep(0.005, -0.003, groove)
    canvas.height *= canvas.inside


GEAR = Design(
    name="gear",
    outline=gear_outline,
    body=gear_body,
    details=(
        *(Detail("bolt", *place) for place in GEAR_BOLTS),
        Detail("pin", *_polar(0, 0, 55, 0.185)),
        Detail("pin", *_polar(0, 0, 180, 0.185)),
    ),
    spare=tuple(_polar(0, 0, degrees, 0.55) for degrees in (20, 95, 165, 250, 310)) + (_polar(0, 0, 270, 0.19),),
    extras=("hole", "pin"),
    scale=1.06,
)

# ---- bracket: brushed sheet steel with slots ------------------------------------------------------------------------


def bracket_outline(x: Field, y: Field) -> Field:
    """An angled plate with a foot, two slots and a large round opening."""
    distance = blend(box(x + 0.12, y - 0.22, 0.5, 0.24, 0.09), box(x + 0.34, y + 0.16, 0.27, 0.46, 0.09), 0.1)
    distance = blend(distance, circle(x - 0.42, y - 0.20, 0.24), 0.08)
    for start, end in (((-0.08, 0.36), (0.14, 0.36)), ((-0.46, -0.12), (-0.46, 0.10))):
        distance = np.maximum(distance, -capsule(x, y, start, end, 0.042))
    return np.maximum(distance, -circle(x - 0.43, y - 0.2, 0.1))


def bracket_body(canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """A flat plate brushed lengthwise, with a pressed bead and a countersunk rim about the opening."""
    x, y = canvas.x, canvas.y
    canvas.height += 0.05 * edge(distance, 0.016)
    canvas.paint(canvas.inside, Material((0.52, 0.525, 0.54), metal=0.9, rough=0.4))
    tile = value_noise((512, 256), (1.4, 60.0), rng) + 0.6 * value_noise((512, 256), (3.0, 90.0), rng)
    brushed = sample(tile, y * np.float32(250) + 256, x * np.float32(120) + 128)
    canvas.tint(1 + 0.11 * brushed + 0.05 * value_noise(distance.shape, 120, rng))
    bead = capsule(x, y, (-0.2, -0.38), (-0.2, 0.06), 0.035)
    canvas.height += 0.035 * edge(bead, 0.035)
    rim = np.abs(circle(x - 0.43, y - 0.2, 0.1) - np.float32(0.022)) - np.float32(0.02)
    canvas.paint(coverage(rim, canvas.pixel) * canvas.inside, MILLED)
    canvas.height += 0.02 * edge(rim, 0.02) * canvas.inside


BRACKET = Design(
    name="bracket",
    outline=bracket_outline,
    body=bracket_body,
    details=(
        Detail("screw", -0.48, -0.48),
        Detail("screw", -0.21, -0.50),
        Detail("screw", -0.52, 0.36),
        Detail("screw", 0.28, 0.385),
        Detail("plug", -0.27, 0.31),
        Detail("plate", 0.08, 0.16),
        Detail("pin", -0.36, -0.32),
    ),
    spare=((-0.34, -0.08), (-0.08, -0.1), (0.26, 0.04), (-0.06, 0.02), (-0.34, -0.50), (-0.1, -0.3)),
    extras=("hole", "screw", "pin"),
    scale=0.88,
    thickness=0.03,
)

# ---- housing: moulded plastic ---------------------------------------------------------------------------------------


def housing_outline(x: Field, y: Field) -> Field:
    """A rounded case with two mounting ears."""
    distance = box(x, y, 0.5, 0.46, 0.13)
    for ear_x, ear_y in ((-0.55, -0.24), (0.55, 0.24)):
        distance = blend(distance, circle(x - ear_x, y - ear_y, 0.11), 0.06)
    return distance


def housing_body(canvas: Canvas, distance: Field, rng: np.random.Generator) -> None:
    """A lid with a raised edge, louvres over a vent, a sunk panel; the fine grain of an eroded mould."""
    x, y = canvas.x, canvas.y
    lid = box(x, y, 0.44, 0.40, 0.1)
    canvas.height += 0.10 * edge(distance, 0.045) + 0.05 * edge(lid, 0.03)
    panel = box(x - 0.08, y - 0.2, 0.27, 0.14, 0.03)
    canvas.height -= 0.03 * smoothstep(0.006, -0.008, panel)
    canvas.paint(canvas.inside, Material((0.045, 0.085, 0.15), metal=0.0, rough=0.42))
    canvas.paint(coverage(panel, canvas.pixel), Material((0.03, 0.032, 0.036), metal=0.0, rough=0.5))
    for louvre in range(6):
        slot = capsule(x, y, (-0.02, -0.30 + 0.055 * louvre), (0.3, -0.30 + 0.055 * louvre), 0.014)
        canvas.height -= 0.04 * smoothstep(0.006, -0.006, slot)
        canvas.paint(coverage(slot, canvas.pixel), DARK_HOLE)
    grain = fractal(distance.shape, 4, rng, octaves=2, gain=0.8)
    canvas.height += np.float32(0.0006) * grain * (distance < -0.01)
    canvas.tint(1 + 0.05 * value_noise(distance.shape, 100, rng) + 0.04 * grain)


HOUSING = Design(
    name="housing",
    outline=housing_outline,
    body=housing_body,
    details=(
        *(Detail("screw", x, y) for x in (-0.35, 0.35) for y in (-0.31, 0.31) if (x, y) != (0.35, 0.31)),
        Detail("screw", 0.37, 0.0),
        Detail("screw", -0.56, -0.25),
        Detail("screw", 0.56, 0.25),
        Detail("button", -0.24, -0.1),
        Detail("plate", 0.08, 0.2),
        Detail("pin", -0.34, 0.1),
    ),
    spare=((-0.1, -0.33), (0.2, 0.02), (-0.12, 0.02), (-0.36, -0.05), (-0.2, 0.34)),
    extras=("screw", "hole", "button"),
    scale=1.04,
)

DESIGNS = {design.name: design for design in (COVER, GEAR, BRACKET, HOUSING)}
