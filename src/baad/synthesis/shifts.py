"""Held-out background changes for stress tests: training never sees them, and shares no code with them.

Every family leaves the pixels of the part as they are, bit for bit. Severity grows from 1 to 5 along one draw: the same
lamp brighter, the same shadow longer.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

SHIFTS = 1  # raise it where a change is drawn otherwise: rows of before are made anew
SEVERITIES = (1, 2, 3, 4, 5)
SEAM = 2.0  # px beyond the outline over which a change fades in, so that the seam is no edge
LEAST, MOST = 0.005, 0.97  # share of the picture: with less or more of it part there is no background to change


@dataclass(frozen=True)
class View:
    """What a change starts from: the background as if the part were not there, and where the part is.

    `scene` uint8 [H, W, 3]; `part` bool [H, W]; `other` uint8 [H, W, 3]: the background of another picture.
    """

    scene: np.ndarray
    part: np.ndarray
    other: np.ndarray

    @property
    def side(self) -> float:
        """A length in px to which changes keep their size: the root of the area."""
        return float(np.sqrt(self.part.size))


Change = Callable[[View, float, np.random.Generator], np.ndarray]  # strength .2 to 1 -> uint8 [H, W, 3]


@dataclass(frozen=True)
class Family:
    """One kind of background change. `resembles`: what training shows that is like it; empty where nothing is."""

    change: Change
    resembles: str


def has_background(part: np.ndarray) -> bool:
    """Whether a picture with that part, bool [H, W], has a background to change."""
    return bool(LEAST <= part.mean() <= MOST)


def view_background(picture: np.ndarray, part: np.ndarray, other: np.ndarray | None = None) -> View:
    """Prepare uint8 [H, W, 3] and its part bool [H, W] for `shift_background`; `other`: the scene of another picture.

    Without another picture its own background, mirrored, takes that place.
    """
    around: np.ndarray = cv2.dilate(part.astype(np.uint8), np.ones((5, 5), np.uint8))
    scene = fill_in(picture, around > 0)
    if other is None:
        other = scene[:, ::-1]
    height, width = part.shape
    return View(scene, part, cv2.resize(np.ascontiguousarray(other), (width, height), interpolation=cv2.INTER_AREA))


def shift_background(picture: np.ndarray, view: View, family: str, severity: int, seed: int) -> np.ndarray:
    """The picture uint8 [H, W, 3] with its background changed, a new array; on the part exactly as it was.

    `severity` 1 to 5. The same seed gives the same change at every severity, only weaker or stronger. A grey picture
    stays grey.
    """
    rng = np.random.default_rng([seed, zlib.crc32(family.encode())])
    changed = FAMILIES[family].change(view, severity / len(SEVERITIES), rng)
    if (picture == picture[..., :1]).all():
        changed = np.repeat(changed.mean(axis=2, keepdims=True).round().astype(np.uint8), 3, axis=2)
    behind = _behind(view.part)
    return np.where(behind > 0, _to_bytes(picture + (changed.astype(np.float32) - picture) * behind), picture)


def fill_in(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The picture uint8 [H, W, 3] with the hole bool [H, W] closed by the colours around it, coarse to fine."""
    weight = (~hole).astype(np.float32)[..., None]
    closed = _pull(picture * weight, weight)
    return np.where(hole[..., None], _to_bytes(closed), picture)


def _pull(colours: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted colours [H, W, 3] and weights [H, W, 1] -> colours everywhere, those of half the size where unknown."""
    height, width = weight.shape[:2]
    if min(height, width) < 2 or bool((weight > 0).all()):
        return colours / np.maximum(weight, 1e-6)
    half = (max(1, width // 2), max(1, height // 2))
    smaller = cv2.resize(colours, half, interpolation=cv2.INTER_AREA)
    lighter = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)[..., None]
    below = cv2.resize(_pull(smaller, lighter), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(weight > 0, colours / np.maximum(weight, 1e-6), below)


def _behind(part: np.ndarray) -> np.ndarray:
    """Weight of the background float32 [H, W, 1]: 0 on the part, 1 from SEAM px off it."""
    distance: np.ndarray = cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L2, 5)
    return np.clip(distance / np.float32(SEAM), 0, 1)[..., None]


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _direction(rng: np.random.Generator) -> tuple[float, float]:
    """A unit vector (x, y)."""
    turn = rng.uniform(0, 2 * np.pi)
    return float(np.cos(turn)), float(np.sin(turn))


def _axis(view: View, rng: np.random.Generator) -> np.ndarray:
    """A coordinate that runs over the picture in some direction, float32 [H, W] from -.5 to .5."""
    height, width = view.part.shape
    across, down = _direction(rng)
    field = across * np.linspace(-0.5, 0.5, width)[None] + down * np.linspace(-0.5, 0.5, height)[:, None]
    return field.astype(np.float32)


def _displace(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    """All of it moved by (x, y) px, mirrored at the edges."""
    size = (picture.shape[1], picture.shape[0])
    move = np.array([[1, 0, x], [0, 1, y]], np.float64)
    return np.asarray(cv2.warpAffine(picture, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))


def _light(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """A lamp brighter or darker, and nearer to one side."""
    stops = rng.choice((-1.6, 1.2)) * strength
    field = np.float32(2.0**stops) * (1 + np.float32(1.4 * strength) * _axis(view, rng))
    return _to_bytes(view.scene * field[..., None])


def _tint(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Light of another colour: a third of a turn between warm, green and cold, at equal mean brightness."""
    turn = rng.uniform(0, 2 * np.pi) + np.array([0, 2, 4]) * np.pi / 3
    return _to_bytes(view.scene + np.float32(90 * strength) * np.cos(turn).astype(np.float32))


def _defocus(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """The background out of focus: the mean over a disc."""
    radius = max(1, round(strength * view.side / 24))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.float32)
    return np.asarray(cv2.filter2D(view.scene, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT_101))


def _dust(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Grains and lint, light or dark."""
    height, width = view.part.shape
    sheet = view.scene.copy()
    scale = view.side / 256
    for _ in range(round(240 * strength)):
        place = (int(rng.integers(width)), int(rng.integers(height)))
        grey = int(rng.choice((20, 45, 225, 245)))
        if rng.random() < 0.8:
            cv2.circle(sheet, place, max(0, round(rng.exponential(0.9) * scale)), (grey,) * 3, -1, cv2.LINE_AA)
        else:
            axes = (max(1, round(rng.uniform(2, 9) * scale)), max(1, round(rng.uniform(2, 9) * scale)))
            start = rng.uniform(0, 360)
            cv2.ellipse(sheet, place, axes, 0, start, start + rng.uniform(40, 150), (grey,) * 3, 1, cv2.LINE_AA)
    return sheet


def _clutter(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Things that lie about: rods with a highlight, washers, blocks with a lit and a dark face."""
    height, width = view.part.shape
    sheet, unit = view.scene.copy(), view.side / 256
    for _ in range(round(1 + 15 * strength)):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        reach = rng.uniform(8, 34) * unit
        colour = rng.integers(25, 230, 3)
        dark, lit = (tuple(int(c) for c in np.clip(colour * f, 0, 255)) for f in (0.55, 1.35))
        across, down = _direction(rng)
        step = np.array([across, down]) * reach
        kind = int(rng.integers(3))
        if kind == 0:
            first, last = (tuple(int(v) for v in np.array([x, y]) + sign * 2 * step) for sign in (-1, 1))
            thick = max(2, round(rng.uniform(2, 7) * unit))
            cv2.line(sheet, first, last, dark, thick + 2, cv2.LINE_AA)
            cv2.line(sheet, first, last, lit, max(1, thick // 2), cv2.LINE_AA)
        elif kind == 1:
            cv2.circle(sheet, (x, y), max(3, round(reach / 2)), dark, max(2, round(reach / 5)), cv2.LINE_AA)
            cv2.circle(sheet, (x - 1, y - 1), max(3, round(reach / 2)), lit, 1, cv2.LINE_AA)
        else:
            side = np.array([-step[1], step[0]]) * rng.uniform(0.4, 1.0)
            face = np.array([[x, y] + step + side, [x, y] + step - side, [x, y] - step - side, [x, y] - step + side])
            cv2.fillPoly(sheet, [np.rint(face + np.array([0.2, 0.25]) * reach).astype(np.int32)], dark, cv2.LINE_AA)
            cv2.fillPoly(sheet, [np.rint(face).astype(np.int32)], lit, cv2.LINE_AA)
    return sheet


def _surface(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Another surface shines through, and at last is all there is: noise whose power falls with the frequency."""
    height, width = view.part.shape
    down, across = np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width)[None] * width
    stretch = rng.uniform(0.3, 3.0)  # grain along one axis
    frequency = np.maximum(np.hypot(down * stretch, across / stretch), 1.0)
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / frequency ** rng.uniform(0.6, 1.6)
    field = np.fft.irfft2(spectrum, s=(height, width))
    share = np.clip(0.5 + 0.22 * field / field.std(), 0, 1)[..., None]
    surface = rng.uniform(0, 255, 3) * share + rng.uniform(0, 255, 3) * (1 - share)
    return _to_bytes(view.scene * (1 - strength) + surface * strength)


def _exchange(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """The background of another picture shines through, and at last is all there is."""
    return _to_bytes(view.scene * (1 - strength) + view.other.astype(np.float32) * strength)


def _slide(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """The part lies elsewhere on its background: up to an eighth of the side."""
    x, y = _direction(rng)
    return _displace(view.scene, x * strength * view.side / 8, y * strength * view.side / 8)


def _turn(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """The background turned behind the part, up to 50 degrees."""
    height, width = view.part.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.choice((-50, 50))) * strength, 1.0)
    return np.asarray(cv2.warpAffine(view.scene, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101))


def _cast_shadow(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """The part throws its own shadow, longer and darker."""
    x, y = _direction(rng)
    length = (0.03 + 0.12 * strength) * view.side
    shadow = view.part.astype(np.float32)
    for step in (0.33, 0.67, 1.0):  # thrown by all its height, not by its top alone
        shadow = np.maximum(shadow, _displace(view.part.astype(np.float32), x * step * length, y * step * length))
    soft = cv2.GaussianBlur(shadow, (0, 0), max(0.8, 0.01 * view.side))
    return _to_bytes(view.scene * (1 - np.float32(0.2 + 0.6 * strength) * soft[..., None]))


def _halo(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Light from behind the part spills over its edge and fades outwards."""
    away: np.ndarray = cv2.distanceTransform((~view.part).astype(np.uint8), cv2.DIST_L2, 5)
    glow = np.exp(-away / np.float32(0.05 * view.side))[..., None]
    return _to_bytes(view.scene + np.float32(220 * strength) * glow * rng.uniform(0.7, 1.0, 3).astype(np.float32))


def _negative(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Light and dark change places, as when a lit table replaces a lamp from above: through grey to the negative."""
    return _to_bytes(view.scene * (1 - strength) + (255.0 - view.scene) * strength)


def _fringe(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """A poor lens: red and blue displaced against green, up to a thirtieth of the side each."""
    x, y = (value * strength * view.side / 30 for value in _direction(rng))
    red = _displace(view.scene[..., 0].copy(), x, y)
    blue = _displace(view.scene[..., 2].copy(), -x, -y)
    return np.stack([red, view.scene[..., 1], blue], axis=2)


def _dither(view: View, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Few levels, as print and cheap displays have them: 14 at first, 2 at last, dots in the order of Bayer (1973)."""
    order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32)
    height, width = view.part.shape
    dots = np.tile((order + 0.5) / 16 - 0.5, (height // 4 + 1, width // 4 + 1))[:height, :width, None]
    steps = np.float32(round(16 - 15 * strength))
    return _to_bytes(np.clip(np.rint(view.scene / 255 * steps + dots), 0, steps) / steps * 255)


FAMILIES: dict[str, Family] = {
    "light": Family(_light, "tone and gradients of light"),
    "tint": Family(_tint, "tone"),
    "defocus": Family(_defocus, "blur"),
    "dust": Family(_dust, "marks"),
    "clutter": Family(_clutter, "loose things"),
    "surface": Family(_surface, "drawn textures"),
    "exchange": Family(_exchange, "the background of another training picture"),
    "slide": Family(_slide, "the part moved"),
    "turn": Family(_turn, "the part moved"),
    "cast_shadow": Family(_cast_shadow, "straight shadows"),
    "halo": Family(_halo, ""),
    "negative": Family(_negative, ""),
    "fringe": Family(_fringe, ""),
    "dither": Family(_dither, ""),
}
