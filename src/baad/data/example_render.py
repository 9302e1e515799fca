"""A part as height and material, and the light that makes a picture of it.

The part is a relief seen from above: a height and a material per pixel. Normals, cast shadows, shaded corners and
mirrored surroundings all follow from the relief, so a missing bolt looks like a hole and not like a patch.
Lengths are in half pictures: x to the right and y down run from -1 to 1, height towards the camera.
"""

from dataclasses import dataclass

import numpy as np

from baad.data.example_fields import Field, blur, enlarge, floats, shrink, smoothstep, turned, value_noise

FINER = 2  # the part is drawn at this many times the picture's pixels, then averaged


@dataclass(frozen=True)
class Pose:
    """Where the part lies: shift in half pictures, rotation in radians, size factor."""

    shift: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Light:
    """The main lamp and what surrounds the scene. `azimuth`: towards the lamp, radians, 0 = right, down is positive."""

    azimuth: float = -2.2
    elevation: float = 0.9
    strength: float = 1.0
    ambient: float = 0.5
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    phases: tuple[float, float] = (0.0, 1.0)  # shift the mirrored surroundings: another room for each picture

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector towards the lamp."""
        flat = np.cos(self.elevation)
        return float(flat * np.cos(self.azimuth)), float(flat * np.sin(self.azimuth)), float(np.sin(self.elevation))


@dataclass(frozen=True)
class Material:
    """What a surface is made of. Colour in linear light, 0..1; the others 0..1; `turned` = lathe marks."""

    color: tuple[float, float, float]
    metal: float = 0.0
    rough: float = 0.5
    turned: float = 0.0


class Canvas:
    """The relief of one picture while it is painted; private to the drawing of that picture.

    `x`, `y` are part coordinates [N, N] (N = FINER * size), `height` starts at the table (0).
    """

    def __init__(self, size: int, pose: Pose, center: tuple[float, float] = (0.0, 0.0)) -> None:
        side = size * FINER
        self.size, self.pose, self.pitch = size, pose, 2 / side
        axis = (np.arange(side, dtype=np.float32) + 0.5) * np.float32(self.pitch) - 1
        self.image_x, self.image_y = np.meshgrid(axis, axis)
        x, y = turned(self.image_x - pose.shift[0], self.image_y - pose.shift[1], pose.angle)
        self.x, self.y = x / np.float32(pose.scale), y / np.float32(pose.scale)
        self.pixel = self.pitch / pose.scale  # one fine pixel in part coordinates
        self.height = np.zeros((side, side), np.float32)
        self.color = np.zeros((side, side, 3), np.float32)
        self.metal, self.rough, self.turned = (np.zeros((side, side), np.float32) for _ in range(3))
        self.inside = np.zeros((side, side), np.float32)  # share of the pixel that is part
        self.defect = np.zeros((side, side), bool)
        self.center = center  # the lathe's axis, part coordinates

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns of the square that holds all within `reach` of a place on the part."""
        column, row = self.pixel_of(x, y)
        half = reach / self.pixel * 1.42 + 2
        side = self.height.shape[0]
        rows = slice(max(0, int(row - half)), min(side, int(row + half) + 1))
        return rows, slice(max(0, int(column - half)), min(side, int(column + half) + 1))

    def pixel_of(self, x: float, y: float) -> tuple[float, float]:
        """Column and row of a place on the part."""
        cosine, sine = np.cos(self.pose.angle), np.sin(self.pose.angle)
        image_x = (cosine * x - sine * y) * self.pose.scale + self.pose.shift[0]
        image_y = (sine * x + cosine * y) * self.pose.scale + self.pose.shift[1]
        return (image_x + 1) / self.pitch, (image_y + 1) / self.pitch

    def paint(self, cover: Field, material: Material, where: tuple[slice, slice] = (slice(None), slice(None))) -> None:
        """Lay a material over `where`; `cover` 0..1 is its opacity there."""
        self.color[where] += cover[..., None] * (floats(material.color) - self.color[where])
        for layer, value in (
            (self.metal, material.metal), (self.rough, material.rough), (self.turned, material.turned)
        ):  # fmt: skip
            layer[where] += cover * (np.float32(value) - layer[where])

    def lathe_center(self) -> tuple[float, float]:
        """The lathe's axis in picture coordinates."""
        column, row = self.pixel_of(*self.center)
        return column * self.pitch - 1, row * self.pitch - 1


@dataclass(frozen=True)
class Rendered:
    """The lit part at picture size: linear light times coverage [S, S, 3], coverage [S, S], shadow 0..1 [S, S]."""

    light: np.ndarray
    inside: Field
    shadow: Field


def render(canvas: Canvas, light: Light, table: float) -> Rendered:
    """Light the relief. `table` is how far the part's foot stands below height 0, for the shadow on the table."""
    normal = _normals(canvas)
    relief = np.where(canvas.inside > 0.5, canvas.height, np.float32(-table))
    lit = 1 - cast_shadow(relief, light, canvas.pitch)  # [N, N], 1 = in full light
    open_sky = _open_sky(relief)
    shaded = _shade(canvas, light, normal, lit, open_sky) * canvas.inside[..., None]
    shadow = 1 - shrink(lit * (0.55 + 0.45 * open_sky), FINER)
    return Rendered(shrink(shaded, FINER), shrink(canvas.inside, FINER), np.clip(shadow, 0, 1))


def _normals(canvas: Canvas) -> tuple[Field, Field, Field]:
    step = np.float32(2 * canvas.pitch)
    slope_x, slope_y = np.zeros_like(canvas.height), np.zeros_like(canvas.height)
    slope_x[:, 1:-1] = (canvas.height[:, 2:] - canvas.height[:, :-2]) / step
    slope_y[1:-1] = (canvas.height[2:] - canvas.height[:-2]) / step
    length = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    return -slope_x * length, -slope_y * length, length


def cast_shadow(relief: Field, light: Light, pitch: float, steps: int = 14) -> Field:
    """Share of the lamp that the relief hides from each pixel, 0..1, soft at the rim. Walks towards the lamp."""
    small = shrink(relief, 2)
    pitch = pitch * 2
    reach = (float(small.max()) - float(small.min())) / np.tan(light.elevation)
    hidden = np.zeros_like(small)
    margin = int(reach / pitch) + 2
    padded = np.pad(small, margin, mode="edge")
    side = small.shape[0]
    for step in range(1, steps + 1):
        along = reach * step / steps
        column = margin + round(np.cos(light.azimuth) * along / pitch)
        row = margin + round(np.sin(light.azimuth) * along / pitch)
        rise = np.float32(along * np.tan(light.elevation))
        blocker = padded[row : row + side, column : column + side] - small - rise
        np.maximum(hidden, blocker, out=hidden)
    soft = blur(smoothstep(0.0, 0.02, hidden), 1)
    return enlarge(soft, relief.shape)


def _open_sky(relief: Field) -> Field:
    """How much sky a pixel sees, 0..1: less in holes and corners (height against its surroundings at two sizes)."""
    small = shrink(relief, 4)
    closed = np.zeros_like(small)
    for radius, weight in ((2, 7.0), (7, 5.0)):
        closed += np.float32(weight) * np.maximum(blur(small, radius) - small, 0)
    return enlarge(1 / (1 + closed), relief.shape)


def _shade(canvas: Canvas, light: Light, normal: tuple[Field, Field, Field], lit: Field, open_sky: Field) -> np.ndarray:
    """Linear light [N, N, 3] that leaves the surface towards the camera."""
    normal_x, normal_y, normal_z = normal
    to_x, to_y, to_z = light.direction
    # The lamp is near and the camera has a perspective: both vary over the picture, so that flat faces show a gradient.
    lamp = (np.float32(to_x) - 0.35 * canvas.image_x, np.float32(to_y) - 0.35 * canvas.image_y, np.float32(to_z))
    lamp_length = 1 / np.sqrt(lamp[0] ** 2 + lamp[1] ** 2 + lamp[2] ** 2)
    facing = np.maximum(normal_x * lamp[0] + normal_y * lamp[1] + normal_z * lamp[2], 0) * lamp_length
    mirror_x = 2 * normal_z * normal_x + 0.25 * canvas.image_x
    mirror_y = 2 * normal_z * normal_y + 0.25 * canvas.image_y
    mirror_z = 2 * normal_z**2 - 1
    toward = (mirror_x * lamp[0] + mirror_y * lamp[1] + mirror_z * lamp[2]) * lamp_length
    sharp = 1.5 / (0.02 + canvas.rough**2)
    lobe = np.exp(np.minimum(toward - 1, 0) * sharp) * (0.35 + 0.02 * sharp)
    room = (
        0.55
        - 0.3 * mirror_y
        + (1 - canvas.rough)
        * 0.35
        * (np.sin(4.5 * mirror_x + np.float32(light.phases[0])) * np.cos(3.5 * mirror_y + np.float32(light.phases[1])))
    )
    streak = _lathe_streak(canvas, light)
    strong = np.float32(light.strength) * lit
    matt = light.ambient * open_sky + 0.85 * facing * strong
    bright = (
        np.maximum(room, 0.05) * open_sky * (light.ambient + 0.3) * (1 - 0.45 * canvas.turned)
        + (0.28 * facing + lobe * (1 - 0.7 * canvas.turned) + 1.1 * canvas.turned * streak) * strong
    )
    gloss = (1 - canvas.metal) * (1 - canvas.rough) * (0.35 * lobe * strong + 0.06 * room)
    body = matt * (1 - canvas.metal) + bright * canvas.metal
    return (canvas.color * body[..., None] + gloss[..., None]) * floats(light.tint)


def _lathe_streak(canvas: Canvas, light: Light) -> Field:
    """Brightness of a turned face: the two bright fans that circular tool marks throw (after Kajiya and Kay)."""
    center_x, center_y = canvas.lathe_center()
    from_x, from_y = canvas.image_x - np.float32(center_x), canvas.image_y - np.float32(center_y)
    radius = np.sqrt(from_x**2 + from_y**2) + np.float32(1e-4)
    to_x, to_y, to_z = light.direction
    half = np.sqrt(to_x**2 + to_y**2 + (to_z + 1) ** 2)
    along = (-from_y * np.float32(to_x / half) + from_x * np.float32(to_y / half)) / radius
    return np.exp(-(along**2) * 60)


def develop(linear: np.ndarray, rng: np.random.Generator, exposure: float = 1.0) -> np.ndarray:
    """Camera: exposure, soft shoulder, display curve, vignette, sensor noise. linear [S, S, 3] -> uint8 [S, S, 3]."""
    size = linear.shape[0]
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    vignette = 1 - np.float32(rng.uniform(0.03, 0.14)) * (axis[:, None] ** 2 + axis[None] ** 2)
    exposed = linear * (vignette[..., None] * np.float32(exposure))
    shown = np.power(np.clip(exposed / (1 + 0.25 * exposed) * 1.12, 0, 1), np.float32(1 / 2.2))
    grain = value_noise((size, size), 1.0, rng) * 0.4 + rng.standard_normal((size, size), dtype=np.float32)
    colored = rng.standard_normal((size, size, 3), dtype=np.float32)
    noise = (grain[..., None] * 0.9 + colored * 0.7) * np.float32(rng.uniform(1.0, 2.2))
    return np.clip(np.rint(shown * 255 + noise), 0, 255).astype(np.uint8)
