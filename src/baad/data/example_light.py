"""Light on a relief: what the camera sees of a part.

Normals, cast shadows, shaded corners and mirrored surroundings all follow from the relief, so that a missing bolt
looks like a hole and not like a patch.
"""

from dataclasses import dataclass

import numpy as np

from baad.data.example_fields import Field, blur, enlarge, shrink, smoothstep
from baad.data.example_relief import FINER, Canvas


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
class Rendered:
    """The lit part at picture size: linear light times coverage [S, S, 3], coverage [S, S], shadow 0..1 [S, S]."""

    light: np.ndarray
    inside: Field
    shadow: Field


def render(canvas: Canvas, light: Light, table: float) -> Rendered:
    """Light the relief. `table` is how far the part's foot stands above the table, for the shadow that it casts."""
    relief = np.where(canvas.inside > 0.5, canvas.height, np.float32(-table))
    lit = 1 - cast_shadow(relief, light, canvas.pitch)  # [N, N], 1 = in full light
    open_sky = _open_sky(relief)
    planes = _shade(canvas, light, lit, open_sky)
    shaded = np.stack([shrink(plane * canvas.inside, FINER) for plane in planes], axis=-1)
    shadow = 1 - shrink(lit * (0.3 + 0.7 * open_sky), FINER)
    return Rendered(shaded, shrink(canvas.inside, FINER), np.clip(shadow, 0, 1))


def cast_shadow(relief: Field, light: Light, pitch: float, steps: int = 14) -> Field:
    """Share of the lamp that the relief hides from each pixel, 0..1, soft at the rim. Walks towards the lamp."""
    small = shrink(relief, 2)
    pitch = pitch * 2
    slope = float(np.tan(light.elevation))
    reach = (float(small.max()) - float(small.min())) / slope
    hidden = np.zeros_like(small)
    margin = int(reach / pitch) + 2
    padded = np.pad(small, margin, mode="edge")
    side = small.shape[0]
    for step in range(1, steps + 1):
        along = reach * step / steps
        column = margin + round(float(np.cos(light.azimuth)) * along / pitch)
        row = margin + round(float(np.sin(light.azimuth)) * along / pitch)
        blocker = padded[row : row + side, column : column + side] - small
        np.maximum(hidden, blocker - np.float32(along * slope), out=hidden)
    return enlarge(blur(smoothstep(0.0, 0.025, hidden), 1), relief.shape)


def _open_sky(relief: Field) -> Field:
    """How much sky a pixel sees, 0..1: less in holes and corners (height against its surroundings at two sizes)."""
    small = shrink(relief, 4)
    closed = np.zeros_like(small)
    for radius, weight in ((2, 9.0), (6, 9.0)):
        closed += np.float32(weight) * np.maximum(blur(small, radius) - small, 0)
    return enlarge(1 / (1 + closed), relief.shape)


def _normals(canvas: Canvas) -> tuple[Field, Field, Field]:
    step = np.float32(0.5 / canvas.pitch)
    slope_x, slope_y = np.zeros_like(canvas.height), np.zeros_like(canvas.height)
    slope_x[:, 1:-1] = (canvas.height[:, 2:] - canvas.height[:, :-2]) * step
    slope_y[1:-1] = (canvas.height[2:] - canvas.height[:-2]) * step
    length = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    return -slope_x * length, -slope_y * length, length


def _shade(canvas: Canvas, light: Light, lit: Field, open_sky: Field) -> list[Field]:
    """Linear light that leaves the surface towards the camera: red, green, blue, each [N, N]."""
    red, green, blue, metal, rough, turned = canvas.layers
    normal_x, normal_y, normal_z = _normals(canvas)
    to_x, to_y, to_z = light.direction
    # The lamp is near and the camera has a perspective: both vary over the picture, so flat faces show a gradient.
    lamp_x, lamp_y = np.float32(to_x) - 0.4 * canvas.image_x, np.float32(to_y) - 0.4 * canvas.image_y
    lamp_length = 1 / np.sqrt(lamp_x**2 + lamp_y**2 + np.float32(to_z**2))
    facing = np.maximum(normal_x * lamp_x + normal_y * lamp_y + normal_z * np.float32(to_z), 0) * lamp_length
    mirror_x = 2 * normal_z * normal_x + 0.3 * canvas.image_x
    mirror_y = 2 * normal_z * normal_y + 0.3 * canvas.image_y
    mirror_z = 2 * normal_z**2 - 1
    toward = (mirror_x * lamp_x + mirror_y * lamp_y + mirror_z * np.float32(to_z)) * lamp_length
    sharp = 1 / (0.015 + rough**2)
    lobe = np.exp(np.minimum(toward - 1, 0) * sharp * 1.8) * (0.25 + 0.05 * sharp)
    strong = np.float32(light.strength) * lit
    room = _room(mirror_x, mirror_y, rough, light) * open_sky
    matt = light.ambient * open_sky + 0.95 * facing * strong
    bright = room * (0.35 + light.ambient) * (1 - 0.6 * turned)
    bright += (
        0.45 * facing * rough + lobe * (1 - 0.8 * turned) + 1.25 * turned * _lathe_streak(canvas, light)
    ) * strong
    gloss = (1 - metal) * (1 - rough) * (0.3 * lobe * strong + 0.05 * room)
    body = matt + metal * (bright - matt)
    return [(plane * body + gloss) * np.float32(tint) for plane, tint in zip((red, green, blue), light.tint)]


def _room(mirror_x: Field, mirror_y: Field, rough: Field, light: Light) -> Field:
    """Brightness of the surroundings in a mirrored direction: a window side, a dark side, some things between."""
    to_x, to_y, _ = light.direction
    window = smoothstep(-0.5, 0.6, mirror_x * np.float32(to_x) + mirror_y * np.float32(to_y))
    wave_x = np.sin(5 * mirror_x + np.float32(light.phases[0]))
    wave_y = np.cos(4 * mirror_y + np.float32(light.phases[1]))
    return 0.28 + 0.75 * window + 0.28 * (1 - rough) * wave_x * wave_y


def _lathe_streak(canvas: Canvas, light: Light) -> Field:
    """Brightness of a turned face: the two bright fans that circular tool marks throw (after Kajiya and Kay)."""
    center_x, center_y = canvas.lathe_center()
    from_x, from_y = canvas.image_x - np.float32(center_x), canvas.image_y - np.float32(center_y)
    radius = np.sqrt(from_x**2 + from_y**2) + np.float32(1e-4)
    to_x, to_y, to_z = light.direction
    half = float(np.sqrt(to_x**2 + to_y**2 + (to_z + 1) ** 2))
    along = (-from_y * np.float32(to_x / half) + from_x * np.float32(to_y / half)) / radius
    return np.exp(-(along**2) * 45)


def develop(linear: np.ndarray, rng: np.random.Generator, exposure: float = 1.0) -> np.ndarray:
    """Camera: exposure, vignette, soft shoulder, display curve, sensor noise. linear [S, S, 3] -> uint8 [S, S, 3]."""
    size = linear.shape[0]
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    vignette = 1 - np.float32(rng.uniform(0.04, 0.16)) * (axis[:, None] ** 2 + axis[None] ** 2)
    exposed = linear * (vignette * np.float32(1.15 * exposure))[..., None]
    curve = exposed * (1 + 0.12 * exposed) / (1 + 0.45 * exposed)
    shown = np.power(np.clip(curve, 0, 1), np.float32(1 / 2.2))
    shown = shown + 0.35 * (shown * shown * (3 - 2 * shown) - shown)  # a little more contrast in the middle
    grain = rng.standard_normal((size, size), dtype=np.float32)
    colored = rng.standard_normal((size, size, 3), dtype=np.float32)
    noise = (grain[..., None] + 0.5 * colored) * np.float32(rng.uniform(0.7, 1.8))
    return np.clip(np.rint(shown * 255 + noise), 0, 255).astype(np.uint8)
