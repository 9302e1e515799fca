"""Recipe for a static background: the background is what stays at the same pixel, whatever it looks like.

Per position, the distance to the same position in all other pictures; a low quantile of these is small where some
share of the pictures shows the same thing there. It needs a part that moves or changes. Not a logarithm: what is moved
along with the part, but differs little from the scene, stays below the cut.
"""

from dataclasses import dataclass

import numpy as np

from baad.foreground.patches import describe_cells, principal_axes

QUANTILE = 0.35  # of the other pictures show a position's background
DIMENSIONS = 16  # that features are reduced to
FEATURE_WEIGHT = 0.15  # beside colour: a patch sees its surroundings, so features smear contours, but part grey things


@dataclass(frozen=True)
class StaticScorer:
    """Descriptions [R, g, g, d] of the fitted pictures, and what makes them: axes of the features, scales."""

    mean: np.ndarray
    axes: np.ndarray
    scale: np.ndarray  # [d]
    references: np.ndarray

    def score(self, images: np.ndarray, features: np.ndarray, own: np.ndarray) -> np.ndarray:
        described = describe_cells(images, features, self.mean, self.axes) / self.scale
        maps = []
        for one, index in zip(described, own):
            others = self.references[np.arange(len(self.references)) != index]
            distance = np.sqrt(((others - one) ** 2).mean(axis=-1))  # [R', g, g]
            rank = int(QUANTILE * len(others))
            maps.append(np.partition(distance, rank, axis=0)[rank])
        return np.stack(maps)


def fit_static(images: np.ndarray, features: np.ndarray) -> StaticScorer:
    """images: uint8 [N, S, S, 3], features: float32 [N, h, w, C], N >= 2."""
    mean, axes, scale, described = fit_scale(images, features)
    return StaticScorer(mean, axes, scale, described / scale)


def fit_scale(images: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean [C] and axes [C, d - 3] that reduce features of a set, the scales [d] by which descriptions are divided,
    and the pictures' own descriptions before that, [N, h, w, d]: uint8 [N, S, S, 3], float32 [N, h, w, C]."""
    flat = features.reshape(-1, features.shape[-1])
    mean, axes = principal_axes(flat, DIMENSIONS)
    described = describe_cells(images, features, mean, axes)
    scale = np.full(described.shape[-1], described[..., -3:].std(axis=(0, 1, 2)).mean() + 1e-6, np.float32)
    scale[:-3] = (described[..., :-3].std(axis=(0, 1, 2)) + 1e-6) / FEATURE_WEIGHT
    return mean, axes, scale, described
