"""One normal picture and chance -> one example to learn from: the defect invented, its place known to the pixel."""

from dataclasses import dataclass

import cv2
import numpy as np

from baad.synthesis.background import FULL, change_background, has_background, repaint_background
from baad.synthesis.banks import Banks
from baad.synthesis.chance import choose, log_uniform
from baad.synthesis.defects import KINDS, LUMPS, SHARES, add_defect
from baad.synthesis.grey import fit_grey, keep_grey
from baad.synthesis.site import Sources, find_site, lay

VISIBLE = 8  # levels of 255 by which a channel must differ for a pixel to count as defect
FEWEST = 6  # visible pixels of a defect worth learning
TRIES = 4  # kinds to try before a picture stays normal
MARGIN = 0.02  # of the side: how far beyond the part's outline a defect may reach


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How often what is invented."""

    anomaly_share: float = 0.65  # of the pictures get a defect
    background_share: float = 0.5  # of the pictures get another background, labelled normal
    anomalies_on: str = "foreground"  # or "anywhere"
    seam_share: float = 0.1  # of the pictures get a harmless seam: their own content pasted where it was
    paired: bool = False  # every picture comes a second time, on another background


@dataclass(frozen=True)
class Example:
    """What a network sees, and what it shall make of it. Images uint8 [H, W, 3], masks bool [H, W]."""

    corrupted: np.ndarray  # clean, and the defect
    clean: np.ndarray  # without the defect, the background changed or not
    defect: np.ndarray  # exactly the pixels where some channel of the two differs by VISIBLE or more
    foreground: np.ndarray  # the part, where it now is
    replaced: np.ndarray  # background whose content is no longer that of the picture
    elsewhere: np.ndarray | None = None  # corrupted, on another background; the plan asks for it


def draw_example(
    image: np.ndarray,
    foreground: np.ndarray,
    others: np.ndarray,
    others_foreground: np.ndarray,
    rng: np.random.Generator,
    plan: Plan,
    banks: Banks,
    grey: bool = True,
) -> Example:
    """Invent a background change, a defect, both or neither.

    image: uint8 [H, W, 3], any size; foreground: bool [H, W], True on the part. others: uint8 [N, H, W, 3], normal
    pictures of the category to take pieces from, N from 0; others_foreground: bool [N, H, W]. grey: a picture without
    colours is of a grey camera, and what is invented for it has none, too. Nothing handed in is changed. The same
    generator state gives the same example.
    """
    sources = Sources(others, others_foreground, banks)
    clean, part = image, foreground
    if rng.random() < plan.background_share:
        scenery = change_background(image, foreground, sources, rng)
        clean, part = scenery.picture, scenery.foreground
    channels = fit_grey(image) if grey else None
    clean = keep_grey(image, clean, channels)
    replaced = mark_difference(image, clean) & ~part
    if rng.random() < plan.seam_share:
        clean = add_seam(clean, sources, rng)
    corrupted = clean
    if rng.random() < plan.anomaly_share:
        corrupted = add_anomaly(clean, part, plan.anomalies_on, sources, rng, channels)
    elsewhere = None
    if plan.paired:
        elsewhere = repaint_background(corrupted, part, sources, rng) if has_background(part) else corrupted
        elsewhere = keep_grey(image, elsewhere, channels)
    return Example(corrupted, clean, mark_difference(clean, corrupted), part, replaced, elsewhere)


def mark_difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pixels of two uint8 [H, W, 3] where some channel differs by VISIBLE levels or more, bool [H, W]."""
    red, green, blue = cv2.split(cv2.absdiff(first, second))
    return cv2.max(cv2.max(red, green), blue) >= VISIBLE


def add_anomaly(
    clean: np.ndarray,
    part: np.ndarray,
    anomalies_on: str,
    sources: Sources,
    rng: np.random.Generator,
    channels: np.ndarray | None = None,
) -> np.ndarray:
    """One to five defects of a kind or of several; the picture as it was where none could be seen. uint8 [H, W, 3].

    channels: those of a grey picture (`fit_grey`), None for one in colours.
    """
    anywhere = anomalies_on == "anywhere" or part.mean() > FULL
    allowed = np.ones(part.shape, np.float32) if anywhere else allow_near(part, rng)
    places = np.flatnonzero(np.ones_like(part) if anywhere else part)
    if len(places) == 0:
        return clean
    side = float(np.sqrt(part.size))
    reach = side if anywhere else min(side, 1.4 * float(np.sqrt(len(places))))  # small parts have small defects
    outline = None if part.mean() > FULL else part
    for _ in range(TRIES):
        kind = KINDS[choose(rng, SHARES)]
        corrupted = clean
        for _ in range(1 if rng.random() < 0.65 else int(log_uniform(rng, 2, 6))):
            row, column = divmod(int(places[int(rng.integers(len(places)))]), part.shape[1])
            corrupted = add_defect(corrupted, (row, column), allowed, reach, kind, sources, rng, outline)
            if rng.random() < 0.3:
                kind = KINDS[choose(rng, SHARES)]
        corrupted = keep_grey(clean, corrupted, channels)
        if np.count_nonzero(mark_difference(clean, corrupted)) >= FEWEST:
            return corrupted
    return clean


def allow_near(part: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where defects may lie: the part and up to MARGIN of the side beyond, float32 [H, W] with a soft edge."""
    reach = int(rng.integers(0, int(MARGIN * np.sqrt(part.size)) + 1))
    mask: np.ndarray = part.astype(np.uint8)
    if reach:
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    return cv2.blur(mask.astype(np.float32), (3, 3)) * mask


def add_seam(picture: np.ndarray, sources: Sources, rng: np.random.Generator) -> np.ndarray:
    """Identity composite: a piece pasted where it was, moved by half a pixel or less, so that a seam is no cue.

    No pixel changes by VISIBLE levels. uint8 [H, W, 3], new.
    """
    centre = (int(rng.integers(picture.shape[0])), int(rng.integers(picture.shape[1])))
    size = log_uniform(rng, 6.0, 0.4 * min(picture.shape[:2]) + 6.0)
    shape = choose(rng, LUMPS)(size, rng.uniform(0, 0.3), rng, sources.banks)
    site = find_site(picture, centre, shape, np.ones(picture.shape[:2], np.float32))
    under = site.under
    move = np.array([[1, 0, rng.uniform(-0.5, 0.5)], [0, 1, rng.uniform(-0.5, 0.5)]])
    moved = cv2.warpAffine(under, move, under.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    change = np.clip(moved + rng.uniform(-3, 3) - under, 1 - VISIBLE, VISIBLE - 1)
    return lay(site, site.cover(under + change))
