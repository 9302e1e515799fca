"""The kinds of invented defects: which shapes go with which looks, how large, how often."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from baad.synthesis import distort, marks, paste, shapes, strokes
from baad.synthesis.banks import Banks
from baad.synthesis.chance import choose, log_uniform
from baad.synthesis.site import Site, Sources, find_site, lay

Shape = Callable[[float, float, np.random.Generator, Banks], np.ndarray]
Look = Callable[[Site, np.random.Generator, Banks], np.ndarray]
SMALLEST = 3.0  # px across
LARGEST = 0.35  # of the picture's side


@dataclass(frozen=True)
class Kind:
    """Shapes and looks with their weights. Sizes from `small` px to `large` x the picture's side."""

    share: float
    drawn: dict[Shape, float]
    looks: dict[Look, float] = field(default_factory=dict)  # empty: a piece of another picture
    small: float = SMALLEST
    large: float = LARGEST
    soft: tuple[float, float] = (0.0, 0.5)


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
        0.22,
        {shapes.draw_patch: 0.65, shapes.draw_blob: 0.25, shapes.draw_chip: 0.1},
        {paste.paste_texture: 1.0},
        small=5.0,
        large=0.5,
    ),
    "structure": Kind(0.12, LUMPS, {paste.shuffle_grid: 0.45, paste.change_light: 0.55}, small=6.0),
    "other": Kind(0.14, LUMPS, {}, small=5.0),
    "spots": Kind(0.11, {shapes.draw_spots: 0.55, shapes.draw_blob: 0.45}, PAINTS, large=0.12),
    "lesion": Kind(
        0.10, {shapes.draw_blob: 0.7, shapes.draw_patch: 0.3}, {marks.paint_lesion: 1.0}, small=5.0, soft=(0.7, 1.0)
    ),
    "scratch": Kind(0.08, {strokes.draw_scratch: 0.75, strokes.draw_fibre: 0.25}, PAINTS, small=8.0, large=0.45),
    "crack": Kind(
        0.08,
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
    "bent": Kind(0.05, {shapes.draw_blob: 1.0}, {distort.warp_site: 1.0}, small=10.0, soft=(0.5, 1.0)),
    "blurred": Kind(0.03, LUMPS, {distort.blur_site: 1.0}, small=8.0),
    "missing": Kind(0.03, {shapes.draw_blob: 0.6, shapes.draw_chip: 0.4}, {distort.erase_site: 1.0}, small=6.0),
    "uneven": Kind(
        0.03, {shapes.draw_veil: 1.0}, {marks.paint_stain: 0.5, marks.paint_tone: 0.5}, small=30.0, large=0.9
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
) -> np.ndarray:
    """The picture uint8 [H, W, 3] with one defect about `centre` (row, column), a new array.

    allowed: float32 [H, W] in 0..1, 0 where nothing may change. reach: px, the side against which sizes count.
    """
    size = log_uniform(rng, kind.small, max(kind.small, kind.large * reach))
    soft = rng.uniform(*kind.soft) if rng.random() < 0.6 else kind.soft[0]
    shape = choose(rng, kind.drawn)(size, soft, rng, sources.banks)
    site = find_site(picture, centre, shape, allowed)
    if not site.weight.any():
        return picture
    if not kind.looks:
        return lay(site, paste.paste_other(site, rng, sources))
    return lay(site, choose(rng, kind.looks)(site, rng, sources.banks))
