"""Where a defect is laid: a box of the picture, and how much of each of its pixels the defect takes."""

from dataclasses import dataclass

import cv2
import numpy as np

from baad.synthesis.banks import Banks


@dataclass(frozen=True)
class Sources:
    """What invented defects and backgrounds are made from, beside the picture itself."""

    others: np.ndarray  # uint8 [N, H, W, 3], other normal pictures of the category
    others_foreground: np.ndarray  # bool [N, H, W]
    banks: Banks


@dataclass(frozen=True)
class Site:
    """A box [h, w] of a picture. Its pixels stay as they are where `weight` is 0."""

    picture: np.ndarray  # uint8 [H, W, 3]
    top: int
    left: int
    weight: np.ndarray  # float32 [h, w], 0..1
    part: np.ndarray | None = None  # bool [H, W], the part's pixels, where they are known

    @property
    def shape(self) -> tuple[int, int]:
        return self.weight.shape[0], self.weight.shape[1]

    @property
    def under(self) -> np.ndarray:
        """The picture within the box, float32 [h, w, 3] in 0..255, a fresh copy."""
        return self.box_of(self.picture).astype(np.float32)

    def box_of(self, field: np.ndarray) -> np.ndarray:
        """The box of any array [H, W, ...], as a view."""
        return field[self.top : self.top + self.weight.shape[0], self.left : self.left + self.weight.shape[1]]

    def surroundings(self, margin: int) -> np.ndarray:
        """The picture within the box and `margin` px around it, float32 [.., .., 3]."""
        rows = slice(max(0, self.top - margin), self.top + self.shape[0] + margin)
        columns = slice(max(0, self.left - margin), self.left + self.shape[1] + margin)
        return self.picture[rows, columns].astype(np.float32)

    def cover(self, content: np.ndarray, opacity: float = 1.0) -> np.ndarray:
        """The box with `content` [h, w, 3] laid over it, float32 [h, w, 3]."""
        under = self.under
        return under + (content - under) * (self.weight * np.float32(opacity))[..., None]


def find_site(
    picture: np.ndarray,
    centre: tuple[int, int],
    shape: np.ndarray,
    allowed: np.ndarray,
    part: np.ndarray | None = None,
) -> Site:
    """A shape's box [h, w] centred on a pixel (row, column), cut at the picture's edges and to where it may lie.

    allowed: float32 [H, W] in 0..1.
    """
    top, left = centre[0] - shape.shape[0] // 2, centre[1] - shape.shape[1] // 2
    rows = slice(max(0, -top), max(0, min(shape.shape[0], picture.shape[0] - top)))
    columns = slice(max(0, -left), max(0, min(shape.shape[1], picture.shape[1] - left)))
    whole = Site(picture, max(0, top), max(0, left), shape[rows, columns])
    return Site(picture, whole.top, whole.left, whole.weight * whole.box_of(allowed), part)


def lay(site: Site, painted: np.ndarray) -> np.ndarray:
    """The picture with the painted box [h, w, 3] in it, uint8 [H, W, 3], new; pixels of weight 0 as they were."""
    result = site.picture.copy()
    box = site.box_of(result)
    changed = np.clip(np.rint(painted), 0, 255).astype(np.uint8)
    cv2.copyTo(changed, (site.weight > 0).astype(np.uint8), box)
    return result


def roughness(under: np.ndarray) -> float:
    """How lively a surface is: mean step in levels between pixels 1 and 4 apart, along rows and along columns, so that
    a turned camera sees the same. under: float32 [h, w, 3]."""
    green = under[..., 1]
    steps = [
        float(np.abs(lines[gap:] - lines[:-gap]).mean())
        for lines in (green, green.T)
        for gap in (1, 4)
        if len(lines) > gap
    ]
    return sum(steps) / max(len(steps), 1)
