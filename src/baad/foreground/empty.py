"""Recipe for a user who has a picture of the empty scene: the part is what differs from it.

Each cell is compared with the same place of the empty scene and the places next to it, for a camera that moved a
little; what changed everywhere alike, such as the exposure, is taken out first.
"""

from dataclasses import dataclass

import numpy as np

from baad.foreground.patches import describe_cells
from baad.foreground.static import fit_scale

REACH = 1  # cells to all sides


@dataclass(frozen=True)
class EmptyScorer:
    """The empty scene's description [h, w, d], and what makes it: axes of the features, scales."""

    mean: np.ndarray
    axes: np.ndarray
    scale: np.ndarray  # [d]
    scene: np.ndarray

    def score(self, images: np.ndarray, features: np.ndarray, own: np.ndarray) -> np.ndarray:
        described = describe_cells(images, features, self.mean, self.axes) / self.scale
        return np.stack([self._score_one(one) for one in described])

    def _score_one(self, cells: np.ndarray) -> np.ndarray:
        cells = cells - np.median(cells - self.scene, axis=(0, 1))
        height, width = cells.shape[:2]
        padded = np.pad(self.scene, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
        nearest = np.full((height, width), np.inf, np.float32)
        for y in range(2 * REACH + 1):
            for x in range(2 * REACH + 1):
                there = padded[y : y + height, x : x + width]
                nearest = np.minimum(nearest, ((cells - there) ** 2).mean(axis=-1))
        return np.sqrt(nearest)


def fit_empty(scene: np.ndarray, scene_features: np.ndarray, images: np.ndarray, features: np.ndarray) -> EmptyScorer:
    """scene: uint8 [S, S, 3], scene_features: float32 [h, w, C]; images, features: of the set, [N, ...]."""
    mean, axes, scale, _ = fit_scale(images, features)
    return EmptyScorer(mean, axes, scale, describe_cells(scene[None], scene_features[None], mean, axes)[0] / scale)
