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
    """Missing: filled from the surroundings."""
    return site.cover(fill_hole(site.box_of(site.picture), site.weight > 0.05, rng).astype(np.float32))


def bite_edge(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """A piece of the part broken off at its outline: what is seen there is the background. As it was without any."""
    if site.part is None:
        return site.under
    part = cv2.dilate(site.box_of(site.part).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if np.count_nonzero(~part) < 12:
        return site.under
    return site.cover(fill_hole(site.box_of(site.picture), part, rng).astype(np.float32))


def fill_hole(picture: np.ndarray, hole: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture uint8 [h, w, 3] with its hole bool [h, w] filled: colours from around it, detail from elsewhere.

    Without any known pixel it stays as it was.
    """
    if not hole.any() or hole.all():
        return picture.copy()
    known: np.ndarray = (~hole).astype(np.float32)
    base = _spread_colours(picture.astype(np.float32) * known[..., None], known)
    result = picture.copy()
    cv2.copyTo(_levels(base), hole.astype(np.uint8), result)
    cv2.copyTo(_levels(base + _borrow_detail(result, hole, rng)), hole.astype(np.uint8), result)
    return result


def _levels(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _spread_colours(colour: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Averages of what is known, coarse where the hole is wide and fine at its edge.

    colour: float32 [h, w, 3], 0 where unknown; known: float32 [h, w], 0 or 1. Returns float32 [h, w, 3].
    """
    height, width = known.shape
    coarse: np.ndarray | None = None
    for cell in (64, 32, 16, 8, 4, 2):
        size = (max(1, width // cell), max(1, height // cell))
        weight = cv2.blur(cv2.resize(known, size, interpolation=cv2.INTER_AREA), (3, 3))
        total = cv2.blur(cv2.resize(colour, size, interpolation=cv2.INTER_AREA), (3, 3))
        mean = total / np.maximum(weight, 1e-4)[..., None]
        if coarse is None:
            coarse = mean + (weight < 1e-4)[..., None] * (colour.sum((0, 1)) / known.sum())
        else:
            share = np.clip(weight * 4, 0, 1)[..., None]
            coarse = mean * share + cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR) * (1 - share)
    assert coarse is not None
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def _borrow_detail(picture: np.ndarray, hole: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the picture has beside its mean colours at another place, float32 [h, w, 3].

    picture: its hole filled with colours. The place is the best of a few random moves, the picture wrapping around.
    """
    height, width = hole.shape
    moves = [(int(rng.integers(height)), int(rng.integers(width))) for _ in range(6)]
    small = hole[::4, ::4]
    lost = [np.count_nonzero(small & np.roll(small, (dy // 4, dx // 4), (0, 1))) for dy, dx in moves]
    whole = picture.astype(np.float32)
    return np.roll(whole - cv2.blur(whole, (15, 15)), moves[int(np.argmin(lost))], (0, 1))
