"""The kinds of invented defects: which shapes go with which looks, how large, how often."""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from baad.synthesis import distort, marks, paste, shapes, strokes
from baad.synthesis.banks import Banks
from baad.synthesis.chance import choose, log_uniform
from baad.synthesis.site import Site, Sources, find_site, lay

Shape = Callable[[float, float, np.random.Generator, Banks], np.ndarray]
Look = Callable[[Site, np.random.Generator, Banks], np.ndarray]
SMALLEST = 3.0  # px across
LARGEST = 0.35  # of the side: of the part, where it is known
OUT_OF_FOCUS = 0.4  # share of the defects whose outline is blurred, as on pictures that are not sharp
NOTICED = 8.0  # levels


@dataclass(frozen=True)
class Kind:
    """Shapes and looks with their weights. Sizes from `small` px to `large` x the side that counts (`reach`)."""

    share: float
    drawn: dict[Shape, float]
    looks: dict[Look, float] = field(default_factory=dict)  # empty: a piece of another picture
    small: float = SMALLEST
    large: float = LARGEST
    soft: tuple[float, float] = (0.0, 0.5)
    own: bool = False  # made of normal content, which may look normal where it comes to lie
    at_edge: bool = False  # on the part's outline; needs one


LUMPS: dict[Shape, float] = {shapes.draw_blob: 0.5, shapes.draw_patch: 0.35, shapes.draw_chip: 0.15}
PAINTS: dict[Look, float] = {
    marks.paint_tone: 0.35,
    marks.paint_relief: 0.2,
    marks.paint_colour: 0.3,
    marks.paint_stain: 0.1,
    paste.paste_texture: 0.05,
}
KINDS: dict[str, Kind] = {
    "texture": Kind(
        0.24,
        {shapes.draw_patch: 0.65, shapes.draw_blob: 0.25, shapes.draw_chip: 0.1},
        {paste.paste_texture: 1.0},
        small=10.0,
        large=0.8,
    ),
    "structure": Kind(0.12, LUMPS, {paste.shuffle_grid: 0.45, paste.change_light: 0.55}, small=6.0, own=True),
    "other": Kind(0.14, LUMPS, {}, small=5.0, own=True),
    "spots": Kind(0.11, {shapes.draw_spots: 0.55, shapes.draw_blob: 0.45}, PAINTS, large=0.12),
    "lesion": Kind(
        0.10, {shapes.draw_blob: 0.7, shapes.draw_patch: 0.3}, {marks.paint_lesion: 1.0}, small=5.0, soft=(0.7, 1.0)
    ),
    "scratch": Kind(0.12, {strokes.draw_scratch: 0.75, strokes.draw_fibre: 0.25}, PAINTS, small=8.0, large=0.45),
    "crack": Kind(
        0.16,
        {strokes.draw_crack: 1.0},
        {marks.paint_tone: 0.45, marks.paint_colour: 0.3, marks.paint_relief: 0.25},
        small=8.0,
        large=0.45,
    ),
    "stain": Kind(
        0.06,
        {shapes.draw_blob: 0.5, shapes.draw_patch: 0.25, shapes.draw_ring: 0.25},
        {marks.paint_stain: 0.5, marks.paint_tone: 0.5},
        small=6.0,
        soft=(0.4, 1.0),
    ),
    "rough": Kind(0.02, LUMPS, {marks.paint_rough: 1.0}, small=8.0),
    "bent": Kind(0.05, {shapes.draw_blob: 1.0}, {distort.warp_site: 1.0}, small=10.0, soft=(0.5, 1.0), own=True),
    "blurred": Kind(0.03, LUMPS, {distort.blur_site: 1.0}, small=8.0, own=True),
    "missing": Kind(
        0.03, {shapes.draw_blob: 0.6, shapes.draw_chip: 0.4}, {distort.erase_site: 1.0}, small=6.0, own=True
    ),
    "dent": Kind(0.03, {shapes.draw_blob: 1.0}, {marks.paint_relief: 1.0}, small=5.0, large=0.25, soft=(0.4, 1.0)),
    "broken": Kind(
        0.04,
        {shapes.draw_blob: 0.4, shapes.draw_chip: 0.4, shapes.draw_patch: 0.2},
        {distort.bite_edge: 1.0},
        small=6.0,
        large=0.25,
        at_edge=True,
    ),
    "uneven": Kind(
        0.06, {shapes.draw_veil: 1.0}, {marks.paint_stain: 0.5, marks.paint_tone: 0.5}, small=30.0, large=0.9
    ),
}
SHARES = {name: kind.share for name, kind in KINDS.items()}


def add_defect(
    picture: np.ndarray,
    centre: tuple[int, int],
    allowed: np.ndarray,
    reach: float,
    kind: Kind,
    sources: Sources,
    rng: np.random.Generator,
    part: np.ndarray | None = None,
) -> np.ndarray:
    """The picture uint8 [H, W, 3] with one defect about `centre` (row, column), a new array; or as it was.

    allowed: float32 [H, W] in 0..1, 0 where nothing may change. reach: px, the side against which sizes count.
    part: bool [H, W], where there is an outline.
    """
    size = log_uniform(rng, kind.small, max(kind.small, kind.large * reach))
    soft = rng.uniform(*kind.soft) if rng.random() < 0.6 else kind.soft[0]
    shape = choose(rng, kind.drawn)(size, soft, rng, sources.banks)
    if rng.random() < OUT_OF_FOCUS:
        shape = defocus(shape, log_uniform(rng, 0.4, 1.5))
    if kind.at_edge:
        if part is None:
            return picture
        centre, shape = find_edge(part, centre, rng), np.pad(shape, 8)
    site = find_site(picture, centre, shape, allowed, part)
    if not site.weight.any():
        return picture
    painted = choose(rng, kind.looks)(site, rng, sources.banks) if kind.looks else paste.paste_other(site, rng, sources)
    if kind.own and not stands_out(painted - site.under):
        return picture
    return lay(site, painted)


def defocus(shape: np.ndarray, sigma: float) -> np.ndarray:
    """A shape as a lens of less sharpness draws it, as strong as before, float32 [h + 4, w + 4]."""
    blurred = cv2.GaussianBlur(np.pad(shape, 2), (0, 0), sigma)
    return blurred * np.float32(shape.max() / max(float(blurred.max()), 1e-3))


def find_edge(part: np.ndarray, start: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """The pixel (row, column) where a straight walk from `start` leaves the part; `start` if it leaves the picture."""
    turn = rng.uniform(0, 2 * np.pi)
    away = np.arange(0, sum(part.shape), 2)
    rows = np.rint(start[0] + away * np.sin(turn)).astype(int)
    columns = np.rint(start[1] + away * np.cos(turn)).astype(int)
    within = (rows >= 0) & (rows < part.shape[0]) & (columns >= 0) & (columns < part.shape[1])
    rows, columns = rows[within], columns[within]
    outside = np.flatnonzero(~part[rows, columns])
    return (int(rows[outside[0]]), int(columns[outside[0]])) if len(outside) else start


def stands_out(change: np.ndarray) -> bool:
    """Whether a change float32 [h, w, 3] is more than one grain for another: it outlasts a blur in a third of its area.

    A piece of a texture on the same texture differs at every pixel, and nobody could find it.
    """
    area = np.count_nonzero(np.abs(change).max(axis=2) >= NOTICED)
    across = 3 if area < 150 else 7
    lasting = np.count_nonzero(np.abs(cv2.blur(change, (across, across))).max(axis=2) >= NOTICED)
    return bool(lasting * 3 >= area > 0)
