"""Foreign and misplaced content: textures, the part's own surface disordered, pieces of other pictures.

Each function takes a site and returns its box as it looks afterwards, float32 [h, w, 3].
"""

import cv2
import numpy as np

from baad.synthesis.banks import Banks, cut_texture
from baad.synthesis.chance import log_uniform
from baad.synthesis.marks import draw_strength
from baad.synthesis.site import Site, Sources


def paste_texture(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """A drawn texture of some opacity (DRAEM, Zavrtanik 2021), sometimes brought near the colours beneath."""
    texture = cut_texture(banks, site.shape, rng, site.picture).astype(np.float32)
    if rng.random() < 0.35:
        under = site.under
        shift = under.reshape(-1, 3).mean(axis=0) - texture.reshape(-1, 3).mean(axis=0)
        texture = texture + shift * np.float32(rng.uniform(0.6, 1.0))
    return site.cover(texture, rng.uniform(0.2, 1.0))


def shuffle_grid(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """The box cut into cells that change places, some turned: right stuff, wrong order."""
    height, width = site.shape
    under = site.under
    cells = int(rng.integers(2, 9))
    side_y, side_x = max(2, height // cells), max(2, width // cells)
    mixed = under.copy()
    if side_y * 2 > height or side_x * 2 > width:
        return site.cover(under[::-1, ::-1])
    corners = [(y, x) for y in range(0, height - side_y + 1, side_y) for x in range(0, width - side_x + 1, side_x)]
    for (y, x), source in zip(corners, rng.permutation(len(corners))):
        from_y, from_x = corners[source]
        cell = under[from_y : from_y + side_y, from_x : from_x + side_x]
        mixed[y : y + side_y, x : x + side_x] = cell[::-1] if source % 2 else cell
    return site.cover(mixed, rng.uniform(0.5, 1.0))


def change_light(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """The same surface in other light: gain, offset, contrast, gamma, saturation, channels exchanged."""
    under = site.under
    kind = int(rng.integers(5))
    mean = under.reshape(-1, 3).mean(axis=0)
    if kind == 0:
        changed = (under - mean) * np.float32(log_uniform(rng, 0.15, 4.0)) + mean
    elif kind == 1:
        changed = 255 * (under / 255) ** np.float32(rng.choice((-1, 1)) * rng.uniform(0.25, 0.7) + 1)
    elif kind == 2:
        grey = under.mean(axis=2, keepdims=True)
        changed = grey + (under - grey) * np.float32(rng.choice((0.0, 2.5)))
    elif kind == 3:
        changed = under[..., rng.permutation(3)]
    else:
        changed = 255 - under
    if np.abs(changed.reshape(-1, 3).mean(axis=0) - mean).max() < 10 and kind != 0:
        changed = changed + np.float32(rng.choice((-1, 1)) * draw_strength(site, rng))
    return site.cover(changed, rng.uniform(0.4, 1.0))


def paste_other(site: Site, rng: np.random.Generator, sources: Sources) -> np.ndarray:
    """A piece of a normal picture of the category: from elsewhere, scaled, turned (NSA, Schlueter 2022; CutPaste)."""
    picture, near = site.picture, None
    if len(sources.others) and rng.random() > 0.35:
        index = int(rng.integers(len(sources.others)))
        picture = sources.others[index]
        near = sources.others_foreground[index] if len(sources.others_foreground) else None
    piece = cut_piece(picture, site.shape, rng, near)
    if rng.random() < 0.3:
        piece = piece * np.float32(rng.uniform(0.7, 1.3)) + rng.normal(0, 12, 3).astype(np.float32)
    return site.cover(piece, 1.0 if rng.random() < 0.6 else rng.uniform(0.4, 1.0))


def cut_piece(
    picture: np.ndarray, shape: tuple[int, int], rng: np.random.Generator, near: np.ndarray | None = None
) -> np.ndarray:
    """A piece of a picture, scaled .7 to 1.3, half the time turned freely, float32 [h, w, 3].

    near: bool [H, W]; where given, the middle of the piece is looked for there.
    """
    height, width = picture.shape[:2]
    row, column = int(rng.integers(height)), int(rng.integers(width))
    for _ in range(8 if near is not None else 0):
        if near is not None and near[row, column]:
            break
        row, column = int(rng.integers(height)), int(rng.integers(width))
    turn = rng.uniform(0, 360) if rng.random() < 0.5 else float(rng.choice((0, 0, 90, 180, 270)))
    frame = cv2.getRotationMatrix2D((column, row), turn, rng.uniform(0.7, 1.3))
    frame[:, 2] += np.array([shape[1] / 2 - column, shape[0] / 2 - row])
    if rng.random() < 0.4:
        frame[0] = [-frame[0, 0], -frame[0, 1], shape[1] - frame[0, 2]]
    piece = cv2.warpAffine(picture, frame, shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return piece.astype(np.float32)
