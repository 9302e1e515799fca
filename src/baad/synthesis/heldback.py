"""Held-back defects for choosing settings: a second generator that training never sees and shares no code with.

Settings are chosen on held-out normal pictures with these drawn on them, so that a recipe is not preferred for being
good at finding its own inventions. All sizes count against the root of the part's area.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

HELDBACK = 1  # raise it where a defect is drawn or laid otherwise: rows of before are made anew
FAINTEST, STRONGEST = 10.0, 70.0  # levels by which a mark differs from what lies beneath
FEWEST = 8  # pixels that must change by SEEN levels or more
SEEN = 8
TRIES = 12


@dataclass(frozen=True)
class Canvas:
    """What a defect is drawn on: picture uint8 [H, W, 3], part bool [H, W], another normal picture of the set."""

    picture: np.ndarray
    part: np.ndarray
    other: np.ndarray
    centre: tuple[int, int]  # (x, y), on the part

    @property
    def side(self) -> float:
        """A length in px to which defects keep their size: the root of the part's area."""
        return float(np.sqrt(float(np.count_nonzero(self.part)) + 1.0))


Draw = Callable[[Canvas, np.random.Generator], np.ndarray]  # -> the picture float32 [H, W, 3] with the defect


def draw_defect(
    picture: np.ndarray, part: np.ndarray, other: np.ndarray, kind: str, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """One defect on the part -> the picture uint8 [H, W, 3], and where it differs by 8 levels or more, bool [H, W].

    picture, other: uint8 [H, W, 3]; part: bool [H, W], not empty; kind: a key of KINDS. A grey picture stays grey.
    After 12 tries that nobody could see the picture comes back as it was.
    """
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
    rows, columns = np.nonzero(part)
    near = cv2.dilate(part.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    for _ in range(TRIES):
        index = int(rng.integers(len(rows)))
        canvas = Canvas(picture, part, other, (int(columns[index]), int(rows[index])))
        drawn = KINDS[kind](canvas, rng)
        if (picture == picture[..., :1]).all():
            drawn = np.repeat(drawn.mean(axis=2, keepdims=True), 3, axis=2)
        result = np.where(near[..., None], np.clip(np.rint(drawn), 0, 255).astype(np.uint8), picture)
        defect = np.abs(result.astype(np.int16) - picture).max(axis=2) >= SEEN
        if np.count_nonzero(defect) >= FEWEST:
            return result, defect
    return picture, np.zeros(part.shape, bool)


def _strength(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(FAINTEST), np.log(STRONGEST))))


def _colour(rng: np.random.Generator, dark: float = 0.65) -> np.ndarray:
    """A change of colour float32 [3]: mostly darker, mostly grey."""
    sign = -1.0 if rng.random() < dark else 1.0
    hue = rng.normal(0, 0.35, 3) * (rng.random() < 0.4)
    return (sign * _strength(rng) * (1 + hue)).astype(np.float32)


def _lay(canvas: Canvas, weight: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The picture with `change` (float32 [3] or [H, W, 3]) added where weight float32 [H, W] in 0..1 says."""
    return canvas.picture + weight[..., None] * change


def _waves(shape: tuple[int, int], length: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of mean 0 and deviation 1, float32 [H, W]; `length` px is its grain."""
    noise = rng.standard_normal(shape).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), max(0.6, length), borderType=cv2.BORDER_REFLECT_101)
    return smooth / max(float(smooth.std()), 1e-6)


def _cloud(canvas: Canvas, reach: float, rng: np.random.Generator, edge: float) -> np.ndarray:
    """A lump about the centre with a wavy outline, float32 [H, W] in 0..1; `edge` px soft."""
    height, width = canvas.part.shape
    x, y = canvas.centre
    turn, flat = rng.uniform(0, np.pi), rng.uniform(0.4, 1.0)
    dx, dy = np.arange(width, dtype=np.float32)[None] - x, np.arange(height, dtype=np.float32)[:, None] - y
    along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    distance = np.hypot(along, across / flat)
    wavy = distance + 0.3 * reach * _waves(canvas.part.shape, reach / 2, rng)
    return np.clip((reach - wavy) / max(edge, 0.7) + 0.5, 0, 1).astype(np.float32)


def _reach(canvas: Canvas, rng: np.random.Generator, least: float = 0.012, most: float = 0.14) -> float:
    """A radius in px, over orders of magnitude."""
    return max(1.5, canvas.side * float(np.exp(rng.uniform(np.log(least), np.log(most)))))


def _walk(canvas: Canvas, length: float, wander: float, rng: np.random.Generator) -> np.ndarray:
    """A wandering line from the centre, float [K, 2] as (x, y), a step every 2 px."""
    turns = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, wander, max(3, round(length / 2))))
    steps = 2 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return np.array(canvas.centre) + np.cumsum(steps, axis=0)


def _stroke(canvas: Canvas, lines: list[np.ndarray], width: float) -> np.ndarray:
    """Lines of a width in px, thinner ones fainter, float32 [H, W] in 0..1."""
    sheet = np.zeros(canvas.part.shape, np.uint8)
    for line in lines:
        cv2.polylines(sheet, [np.rint(line * 8).astype(np.int32)], False, 255, max(1, round(width)), cv2.LINE_AA, 3)
    return cv2.GaussianBlur(sheet, (0, 0), 0.6).astype(np.float32) / 255 * min(1.0, width)


def _fissure(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """A dark crack that forks."""
    trunk = _walk(canvas, canvas.side * rng.uniform(0.08, 0.6), rng.uniform(0.1, 0.45), rng)
    lines = [trunk]
    for _ in range(int(rng.integers(0, 4))):
        start = trunk[int(rng.integers(len(trunk)))]
        fork = Canvas(canvas.picture, canvas.part, canvas.other, (round(start[0]), round(start[1])))
        lines.append(_walk(fork, canvas.side * rng.uniform(0.03, 0.2), 0.4, rng))
    return _lay(canvas, _stroke(canvas, lines, rng.uniform(0.6, 2.6)), _colour(rng, dark=0.9))


def _score_line(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """One to five nearly straight, nearly parallel scratches, light or dark."""
    first = _walk(canvas, canvas.side * rng.uniform(0.1, 0.7), 0.03, rng)
    count = 1 if rng.random() < 0.6 else int(rng.integers(2, 6))
    lines = [first + rng.normal(0, 0.03 * canvas.side, 2) * (index > 0) for index in range(count)]
    return _lay(canvas, _stroke(canvas, lines, rng.uniform(0.5, 2.0)), _colour(rng, dark=0.5))


def _pit(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """A hole: dark, with a lit rim on one side."""
    reach = _reach(canvas, rng, most=0.07)
    hole = _cloud(canvas, reach, rng, 1.0)
    turn, width = rng.uniform(0, 2 * np.pi), max(1.0, reach / 4)
    move = np.array([[1, 0, width * np.cos(turn)], [0, 1, width * np.sin(turn)]])
    moved = cv2.warpAffine(hole, move, (hole.shape[1], hole.shape[0]))
    rim = np.clip(moved - hole, 0, 1) * rng.uniform(0.0, 0.8)
    dark = _strength(rng)
    return canvas.picture - hole[..., None] * np.float32(dark) + rim[..., None] * np.float32(dark)


def _spill(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Something dried on the surface: a soft cloud of another tone."""
    reach = _reach(canvas, rng, least=0.03, most=0.25)
    weight = _cloud(canvas, reach, rng, reach * rng.uniform(0.1, 0.8))
    return _lay(canvas, weight, _colour(rng))


def _scuff(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """A rubbed place: a lump of fine streaks."""
    reach = _reach(canvas, rng, least=0.03, most=0.2)
    noise = rng.standard_normal(canvas.part.shape).astype(np.float32)
    long, short = (1, 9) if rng.random() < 0.5 else (9, 1)
    streaks = cv2.blur(noise, (long, short))
    return _lay(canvas, _cloud(canvas, reach, rng, 3.0), (streaks / streaks.std())[..., None] * _strength(rng) * 0.6)


def _graft(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """A piece of another normal picture, turned, at the wrong place, its light matched."""
    height, width = canvas.part.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(60, 300), 1.0)
    turn[:, 2] += rng.uniform(-0.25, 0.25, 2) * np.array([width, height])
    piece = cv2.warpAffine(canvas.other, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101).astype(np.float32)
    weight = _cloud(canvas, _reach(canvas, rng, least=0.05, most=0.2), rng, 2.0)
    inside = weight > 0.5
    if not inside.any():
        return canvas.picture.astype(np.float32)
    shift = canvas.picture[inside].mean(axis=0) - piece[inside].mean(axis=0)
    return _lay(canvas, weight, piece + shift * np.float32(rng.uniform(0.3, 1.0)) - canvas.picture)


def _buckle(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """The surface pushed out of shape."""
    height, width = canvas.part.shape
    reach = _reach(canvas, rng, least=0.06, most=0.2)
    weight = cv2.GaussianBlur(_cloud(canvas, reach, rng, reach / 3), (0, 0), max(0.8, reach / 5))
    push = rng.uniform(0.3, 0.9) * reach
    dx, dy = (_waves(canvas.part.shape, reach / 2, rng) * weight * np.float32(push) for _ in range(2))
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bent = cv2.remap(canvas.picture, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(bent, np.float32)


def _void(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Something is not there: filled by what surrounds it (Telea 2004)."""
    hole = (_cloud(canvas, _reach(canvas, rng, least=0.04, most=0.12), rng, 1.0) > 0.5).astype(np.uint8)
    return np.asarray(cv2.inpaint(canvas.picture, hole, 3, cv2.INPAINT_TELEA), np.float32)


def _specks(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Grains of dirt, scattered or in a heap."""
    sheet, spread = np.zeros(canvas.part.shape, np.uint8), canvas.side * rng.uniform(0.02, 0.2)
    for _ in range(int(rng.integers(2, 20))):
        x, y = np.array(canvas.centre) + rng.normal(0, spread, 2)
        radius = max(0.8, canvas.side * rng.uniform(0.003, 0.012))
        cv2.circle(sheet, (round(x * 8), round(y * 8)), round(radius * 8), 255, -1, cv2.LINE_AA, 3)
    return _lay(canvas, sheet.astype(np.float32) / 255, _colour(rng, dark=0.7))


KINDS: dict[str, Draw] = {
    "fissure": _fissure,
    "score_line": _score_line,
    "pit": _pit,
    "spill": _spill,
    "scuff": _scuff,
    "graft": _graft,
    "buckle": _buckle,
    "void": _void,
    "specks": _specks,
}
