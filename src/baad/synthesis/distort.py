"""The part's own surface bent, blurred or gone. Each function takes a site and returns its box, float32 [h, w, 3]."""

import cv2
import numpy as np

from baad.synthesis.banks import Banks, cut_noise
from baad.synthesis.chance import log_uniform
from baad.synthesis.site import Site


def blur_site(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """Wiped, worn or molten: detail is lost evenly or along one direction."""
    under = site.under
    strength = log_uniform(rng, 1.0, max(1.5, min(site.shape) / 5))
    if rng.random() < 0.5:
        blurred = cv2.GaussianBlur(under, (0, 0), strength)
    else:
        length = 2 * int(strength * 1.5) + 3
        line = np.zeros((length, length), np.uint8)
        reach = rng.normal(0, 1, 2)
        reach = reach / max(np.abs(reach).max(), 1e-6) * (length // 2)
        middle = length // 2
        ends = [(round(middle + sign * reach[0]), round(middle + sign * reach[1])) for sign in (-1, 1)]
        cv2.line(line, ends[0], ends[1], 1, 1)
        blurred = cv2.filter2D(under, -1, line.astype(np.float32) / line.sum())
    return site.cover(blurred)


def warp_site(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """Swirled, pinched, bulged or wavy: bent leads, torn threads, swollen spots."""
    height, width = site.shape
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]
    dy, dx = y - np.float32(height / 2), x - np.float32(width / 2)
    kind = rng.random()
    if kind < 0.35:
        turn = site.weight * np.float32(rng.choice((-1, 1)) * rng.uniform(0.4, 2.5))
        cosine, sine = np.cos(turn), np.sin(turn)
        from_x, from_y = cosine * dx - sine * dy + width / 2, sine * dx + cosine * dy + height / 2
    elif kind < 0.65:
        scale = 1 + site.weight * np.float32(rng.choice((rng.uniform(-0.7, -0.25), rng.uniform(0.3, 1.0))))
        from_x, from_y = dx * scale + width / 2, dy * scale + height / 2
    else:
        reach = np.float32(max(2.0, min(height, width) * rng.uniform(0.1, 0.4)))
        fine = log_uniform(rng, 0.1, 0.6)
        from_x = x + site.weight * reach * (cut_noise(banks, site.shape, rng, fine) - np.float32(0.5)) * 2
        from_y = y + site.weight * reach * (cut_noise(banks, site.shape, rng, fine) - np.float32(0.5)) * 2
    whole = site.box_of(site.picture)
    warped = cv2.remap(
        whole, from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.where((site.weight > 0.02)[..., None], warped, whole).astype(np.float32)


def erase_site(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """Missing: filled from the surroundings, with a grain like theirs."""
    hole = site.weight > 0.05
    return site.cover(fill_hole(site.box_of(site.picture), hole, rng).astype(np.float32))


def fill_hole(picture: np.ndarray, hole: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture uint8 [h, w, 3] with its hole bool [h, w] filled: colours from around it, grain as elsewhere.

    Averages of what is known, coarse where the hole is wide, fine at its edge. Without any known pixel: as it was.
    """
    known: np.ndarray = (~hole).astype(np.float32)
    if not hole.any() or not known.any():
        return picture.copy()
    shape = hole.shape
    pyramid: list[tuple[np.ndarray, np.ndarray]] = [
        (cv2.multiply(picture.astype(np.float32), cv2.merge([known] * 3)), known)
    ]
    while min(pyramid[-1][1].shape) > 2 and float(pyramid[-1][1].min()) <= 0.0:
        colour, weight = pyramid[-1]
        half = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        small = cv2.resize(cv2.GaussianBlur(weight, (5, 5), 1.0), half, interpolation=cv2.INTER_AREA)
        pyramid.append((cv2.resize(cv2.GaussianBlur(colour, (5, 5), 1.0), half, interpolation=cv2.INTER_AREA), small))
    colour, weight = pyramid.pop()
    mean = picture[~hole].reshape(-1, 3).mean(axis=0)
    filled = np.where((weight > 1e-4)[..., None], colour / np.maximum(weight, 1e-4)[..., None], mean)
    while pyramid:
        colour, weight = pyramid.pop()
        coarse = cv2.resize(filled.astype(np.float32), weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        share = np.minimum(weight, 1.0)[..., None]
        filled = colour / np.maximum(weight, 1e-4)[..., None] * share + coarse * (1 - share)
    grain = picture.astype(np.float32) - cv2.blur(picture, (5, 5)).astype(np.float32)
    spread = float(grain[~hole].std())
    noise = rng.standard_normal((*shape, 1), np.float32) * np.float32(min(spread, 12.0))
    return np.where(hole[..., None], np.clip(np.rint(filled + noise), 0, 255).astype(np.uint8), picture)
