"""Simplest recipe: distance from the colour that each picture's own border has, cut by Otsu's threshold."""

from dataclasses import dataclass

import numpy as np

from baad.foreground.border import border_band
from baad.foreground.patches import lab_cells


@dataclass(frozen=True)
class ContrastScorer:
    def score(self, images: np.ndarray, features: np.ndarray, own: np.ndarray) -> np.ndarray:
        lab = lab_cells(images, features.shape[1])  # [N, g, g, 3]
        border = np.median(lab[:, border_band(lab.shape[1])], axis=1)  # [N, 3]
        return np.linalg.norm(lab - border[:, None, None], axis=-1)
