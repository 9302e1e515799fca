"""Recipe for a plain background: whatever fills most of the picture's border is background.

Clusters of features and colour over all pictures; those that are commoner in the border band than in the middle are
background; a linear discriminant between both gives the score (after FEB of CPR, Li et al. 2024).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from baad.foreground.patches import describe_cells, principal_axes

BAND = 0.0625  # of the side: width of the border band
SAMPLE = 20_000  # cells the clusters are found on
CLUSTERS = 2
DIMENSIONS = 16  # that features are reduced to


@dataclass(frozen=True)
class BorderScorer:
    """A linear score of the description of a cell."""

    mean: np.ndarray
    axes: np.ndarray
    weights: np.ndarray  # [d]

    def score(self, images: np.ndarray, features: np.ndarray, own: np.ndarray) -> np.ndarray:
        return describe_cells(images, features, self.mean, self.axes) @ self.weights


def fit_border(images: np.ndarray, features: np.ndarray, rng: np.random.Generator) -> BorderScorer | None:
    """Find the clusters and the discriminant; None where one side is (nearly) empty."""
    flat = features.reshape(-1, features.shape[-1])
    mean, axes = principal_axes(flat, DIMENSIONS)
    described = describe_cells(images, features, mean, axes)  # [N, h, w, d]
    cells = described.shape[1]
    cloud = described.reshape(-1, described.shape[-1])
    place = np.tile(np.arange(cells * cells), len(images))
    drawn = rng.choice(len(cloud), min(SAMPLE, len(cloud)), replace=False)
    cloud, band = cloud[drawn], border_band(cells).ravel()[place[drawn]]
    scale = cloud.std(axis=0) + 1e-6
    scale[:-3] *= np.sqrt(DIMENSIONS / 3.0)  # colour counts as much as all features together
    cv2.setRNGSeed(int(rng.integers(1 << 30)))
    stop = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 20, 1e-3)
    _, labels, _ = cv2.kmeans((cloud / scale).astype(np.float32), CLUSTERS, None, stop, 2, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]  # None: new labels
    labels = labels.ravel()
    in_band = np.bincount(labels[band], minlength=CLUSTERS) / max(1, band.sum())
    inside = np.bincount(labels[~band], minlength=CLUSTERS) / max(1, (~band).sum())
    background = (in_band > inside)[labels]
    fewest = min(int(background.sum()), int((~background).sum()))
    if fewest < 4 * cloud.shape[1]:
        return None
    return BorderScorer(mean, axes, _discriminant(cloud, background))


def _discriminant(cloud: np.ndarray, background: np.ndarray) -> np.ndarray:
    part, rest = cloud[~background], cloud[background]
    within = np.cov(part.T) + np.cov(rest.T)
    within += 1e-3 * np.trace(within) / len(within) * np.eye(len(within))
    weights = np.linalg.solve(within, part.mean(axis=0) - rest.mean(axis=0))
    return (weights / np.linalg.norm(weights)).astype(np.float32)


def border_band(cells: int) -> np.ndarray:
    """Bool [cells, cells], True within the band along the border."""
    width = max(1, round(BAND * cells))
    band = np.ones((cells, cells), bool)
    band[width:-width, width:-width] = False
    return band
