"""Background changes that are no defects: light, dirt, other surroundings, the part at another place.

Every function changes only what `behind` allows: float32 [H, W] in 0..1, 0 on the part, 1 on the background, in
between along a seam of at most FEATHER px.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from baad.synthesis.banks import cut_noise, cut_scene, cut_texture
from baad.synthesis.chance import choose, log_uniform
from baad.synthesis.defects import KINDS, SHARES, add_defect
from baad.synthesis.distort import fill_hole
from baad.synthesis.scene import draw_outline, fill_outline
from baad.synthesis.site import Sources

FEATHER = 3  # px of the part's edge that a composite may mix with the background
FULL = 0.97  # share of the picture above which a foreground leaves no background worth changing


@dataclass(frozen=True)
class Scenery:
    """A picture uint8 [H, W, 3] and its part bool [H, W], after a change."""

    picture: np.ndarray
    foreground: np.ndarray


def change_background(
    picture: np.ndarray, foreground: np.ndarray, sources: Sources, rng: np.random.Generator
) -> Scenery:
    """One to three changes of the background, and sometimes of the part's place before it.

    With a foreground of more than FULL of the picture, or none at all, nothing changes; a shift that would lead there,
    such as over a thin strip of background at the border, is left out.
    """
    if not has_background(foreground):
        return Scenery(picture, foreground)
    if rng.random() < SHIFTED:
        shifted, part = shift_part(picture, foreground, rng)
        if has_background(part):
            picture, foreground = shifted, part
        if rng.random() < 0.5:
            return Scenery(picture, foreground)
    return Scenery(repaint_background(picture, foreground, sources, rng), foreground)


def has_background(foreground: np.ndarray) -> bool:
    """Whether bool [H, W] shows a part, and beside it a background worth changing."""
    return 0.0 < float(foreground.mean()) <= FULL


def repaint_background(
    picture: np.ndarray, foreground: np.ndarray, sources: Sources, rng: np.random.Generator
) -> np.ndarray:
    """One to three changes of the background with the part where it is, uint8 [H, W, 3].

    Needs some part and some background: `foreground` bool [H, W] holds both values.
    """
    behind = soften_edge(foreground, rng)
    for _ in range(1 if rng.random() < 0.65 else int(rng.integers(2, 4))):
        change = choose(rng, CHANGES)
        changed = change(picture, foreground, sources, rng)
        picture = mix(picture, changed, behind)
    return picture


def soften_edge(foreground: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The background's weight, float32 [H, W]: edge moved by a pixel at most, and soft over 0 to 2 px each side."""
    behind: np.ndarray = (~foreground).astype(np.uint8)
    moved = int(rng.integers(-1, 2))
    if moved:
        behind = (cv2.dilate if moved > 0 else cv2.erode)(behind, np.ones((3, 3), np.uint8))
    radius = int(rng.integers(0, FEATHER))
    soft = behind.astype(np.float32)
    return cv2.blur(soft, (2 * radius + 1, 2 * radius + 1)) if radius else soft


def mix(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`second` over `first` with float32 weight [H, W]; both uint8 [H, W, 3]; exactly `first` where weight is 0."""
    mixed = first.copy()
    cv2.copyTo(cv2.blendLinear(second, first, weight, 1 - weight), (weight > 0).astype(np.uint8), mixed)
    return mixed


def shift_part(picture: np.ndarray, foreground: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The part a little elsewhere, up to 6 % of the side; what it uncovers is filled. (picture, foreground)."""
    height, width = foreground.shape
    dy, dx = round(rng.uniform(-0.06, 0.06) * height), round(rng.uniform(-0.06, 0.06) * width)
    hole = cv2.dilate(foreground.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    empty = fill_hole(picture, hole, rng)
    move = np.array([[1, 0, dx], [0, 1, dy]], np.float64)

    def moved(field: np.ndarray) -> np.ndarray:
        return cv2.warpAffine(field, move, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)

    part = moved(foreground.astype(np.uint8)) > 0
    return mix(moved(picture), empty, soften_edge(part, rng)), part


def _tone(picture: np.ndarray, foreground: np.ndarray, sources: Sources, rng: np.random.Generator) -> np.ndarray:
    """Tint, gain, offset, contrast, gamma; half of the time uneven over the picture."""
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    gain = log_uniform(rng, 0.35, 2.2) * (rng.uniform(0.6, 1.4, 3) if rng.random() < 0.6 else np.ones(3))
    curve = levels ** np.float32(log_uniform(rng, 0.6, 1.6)) * gain * 255 + rng.uniform(-60, 60)
    changed = cv2.LUT(picture, np.clip(curve, 0, 255).astype(np.uint8)[None])
    if rng.random() < 0.5:
        return mix(picture, changed, cut_noise(sources.banks, picture.shape[:2], rng, rng.uniform(0.03, 0.3)))
    return changed


def _shade(picture: np.ndarray, foreground: np.ndarray, sources: Sources, rng: np.random.Generator) -> np.ndarray:
    """A gradient of light or a shadow: lit unlike the rest beyond one straight edge or between two, hard or soft."""
    height, width = foreground.shape
    side, turn = max(height, width), rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    along = (x - width / 2) * np.float32(np.cos(turn)) + (y - height / 2) * np.float32(np.sin(turn))
    soft = log_uniform(rng, 1.0, side)  # px of the edge
    edges = np.sort(rng.uniform(-0.5, 0.5, 2)) * side
    weight = np.clip((along - edges[0]) / soft + 0.5, 0, 1)
    if rng.random() < 0.4:
        weight = weight * np.clip((edges[1] - along) / soft + 0.5, 0, 1)
    gain = rng.uniform(0.15, 0.8) if rng.random() < 0.7 else rng.uniform(1.2, 2.0)
    lit = np.clip(picture * (gain * rng.uniform(0.92, 1.08, 3)), 0, 255).astype(np.uint8)
    return mix(picture, lit, weight.astype(np.float32))


def _degrade(picture: np.ndarray, foreground: np.ndarray, sources: Sources, rng: np.random.Generator) -> np.ndarray:
    """Noise, blur or JPEG blocks."""
    kind = int(rng.integers(3))
    if kind == 0:
        noise = rng.standard_normal(picture.shape[:2] + (1,), np.float32) * np.float32(log_uniform(rng, 4, 40))
        return np.clip(picture + noise, 0, 255).astype(np.uint8)
    if kind == 1:
        return cv2.GaussianBlur(picture, (0, 0), log_uniform(rng, 0.7, picture.shape[0] / 25))
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(8, 60))]
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_COLOR))


def _patches(picture: np.ndarray, foreground: np.ndarray, sources: Sources, rng: np.random.Generator) -> np.ndarray:
    """Drawn textures in patches of noise."""
    noise = cut_noise(sources.banks, picture.shape[:2], rng, rng.uniform(0.3, 1.0))
    weight = np.clip((noise - np.float32(rng.uniform(0.3, 0.8))) * np.float32(log_uniform(rng, 3, 60)), 0, 1)
    texture = cut_texture(sources.banks, picture.shape[:2], rng, picture)
    return mix(picture, texture, weight * np.float32(rng.uniform(0.3, 1.0)))


def _marks(picture: np.ndarray, foreground: np.ndarray, sources: Sources, rng: np.random.Generator) -> np.ndarray:
    """What would be a defect on the part: scratches, spots, stains, foreign pieces."""
    allowed = (~foreground).astype(np.float32)
    for centre in _choose_places(~foreground, int(log_uniform(rng, 1, 7)), rng):
        kind = KINDS[choose(rng, ON_BACKGROUND)]
        picture = add_defect(picture, centre, allowed, float(np.sqrt(foreground.size)), kind, sources, rng)
    return picture


def _things(picture: np.ndarray, foreground: np.ndarray, sources: Sources, rng: np.random.Generator) -> np.ndarray:
    """Loose things that lie about, often beside the part or under it: plain, or of a texture whose colours may be the
    picture's; some have an edge that is lit or dark, and all or none throw a shadow."""
    shape, side = foreground.shape, float(np.sqrt(foreground.size))
    texture, cover = cut_texture(sources.banks, shape, rng, picture), np.zeros(shape, np.uint8)
    things = picture.copy()
    reach, behind = 2 * max(1, round(BESIDE * side)) + 1, ~foreground
    near = cv2.dilate(foreground.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    where = behind & near if rng.random() < 0.5 else behind
    for centre in _choose_places(where, int(log_uniform(rng, 1, 16)), rng):
        outline = draw_outline(np.array(centre[::-1], np.float64), log_uniform(rng, 0.015, 0.16) * side, rng)
        if rng.random() < 0.5:
            cv2.fillPoly(things, [outline], rng.integers(0, 256, 3).tolist(), cv2.LINE_AA)
        else:
            fill_outline(things, outline, texture)
        if rng.random() < 0.3:  # an edge that is lit, or dark
            shade, width = int(rng.integers(0, 256)), max(1, round(side * rng.uniform(0.002, 0.012)))
            cv2.polylines(things, [outline], True, (shade,) * 3, width, cv2.LINE_AA)
        cv2.fillPoly(cover, [outline], 255, cv2.LINE_AA)
    weight = cover.astype(np.float32) * np.float32(1 / 255)
    if rng.random() < 0.5:
        move = np.array([[1, 0, rng.uniform(-0.03, 0.03) * side], [0, 1, rng.uniform(-0.03, 0.03) * side]])
        shadow = cv2.GaussianBlur(cv2.warpAffine(weight, move, shape[::-1]), (0, 0), log_uniform(rng, 0.5, side / 40))
        picture = mix(picture, (picture * rng.uniform(0.2, 0.8)).astype(np.uint8), shadow)
    return mix(picture, things, weight)


def _scene(picture: np.ndarray, foreground: np.ndarray, sources: Sources, rng: np.random.Generator) -> np.ndarray:
    """Another world, or a plain table, or the old one shining through."""
    kind, shape = rng.random(), picture.shape[:2]
    scene = cut_texture(sources.banks, shape, rng) if kind < 0.2 else cut_scene(sources.banks, shape, rng)
    if rng.random() < 0.25:
        return cv2.addWeighted(scene, share := rng.uniform(0.4, 0.9), picture, 1 - share, 0)
    return scene


def _swap(picture: np.ndarray, foreground: np.ndarray, sources: Sources, rng: np.random.Generator) -> np.ndarray:
    """The background of another picture of the category, flipped or not, its part filled in."""
    if len(sources.others) == 0 or len(sources.others_foreground) != len(sources.others):
        return _scene(picture, foreground, sources, rng)
    index = int(rng.integers(len(sources.others)))
    if sources.others_foreground[index].mean() > 0.9:  # too little background to be had
        return _scene(picture, foreground, sources, rng)
    other = sources.others[index]
    hole = cv2.dilate(sources.others_foreground[index].astype(np.uint8), np.ones((5, 5), np.uint8))
    flip = int(rng.integers(-1, 3))
    if flip < 2:
        other, hole = cv2.flip(other, flip), cv2.flip(hole, flip)
    if other.shape != picture.shape:
        other = cv2.resize(other, foreground.shape[::-1], interpolation=cv2.INTER_LINEAR)
        hole = cv2.resize(hole, foreground.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return fill_hole(other, (hole > 0), rng)


def _choose_places(where: np.ndarray, count: int, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """That many places (row, column) out of bool [H, W]."""
    rows, columns = np.nonzero(where)
    for _ in range(count):
        index = int(rng.integers(len(rows)))
        yield int(rows[index]), int(columns[index])


SHIFTED = 0.1
BESIDE = 0.078  # share of the side (root of the area): what lies no farther from the part lies beside it
ON_BACKGROUND = {name: share for name, share in SHARES.items() if not KINDS[name].at_edge}
Change = Callable[[np.ndarray, np.ndarray, Sources, np.random.Generator], np.ndarray]
CHANGES: dict[Change, float] = {
    _tone: 0.22,
    _shade: 0.1,
    _degrade: 0.1,
    _patches: 0.15,
    _marks: 0.15,
    _things: 0.25,
    _scene: 0.23,
    _swap: 0.15,
}
