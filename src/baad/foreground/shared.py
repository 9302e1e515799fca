"""Recipe for varying backgrounds: the part is what all pictures share and photos of other things do not.

Per patch, the distance to its nearest patch in each of some other pictures of the set; low quantiles of these are
small where the patch has its like in many pictures. The mean distance to the nearest generic patches is small where the
patch is nothing special. The score is the logarithm of their ratio, so it has no unit.
"""

from dataclasses import dataclass

import numpy as np

from baad.foreground.patches import pool_patches, principal_axes

NEAREST_GENERIC = 8  # generic patches averaged over
PICTURES, PATCHES = 24, 256  # compared with: others of the set, and patches of each
DIMENSIONS = 48  # that features are reduced to
QUANTILES = (0.1, 0.2, 0.3, 0.4)  # over other pictures; the low ones are for parts that come in several looks


@dataclass(frozen=True)
class SharedScorer:
    """References [R, p, d] patches of other pictures, which picture each is [R], generic patches [K, d]."""

    mean: np.ndarray  # [C]
    axes: np.ndarray  # [C, d]
    references: np.ndarray
    picture: np.ndarray
    generic: np.ndarray

    def score(self, images: np.ndarray, features: np.ndarray, own: np.ndarray) -> np.ndarray:
        pooled = pool_patches(features)  # [N, g, g, C]
        reduced = (pooled - self.mean) @ self.axes  # [N, g, g, d]
        cells = pooled.shape[1]
        maps = [self._score_one(one.reshape(cells * cells, -1), index) for one, index in zip(reduced, own)]
        return np.stack(maps).reshape(len(pooled), cells, cells)

    def _score_one(self, patches: np.ndarray, own: int) -> np.ndarray:
        others = self.references[self.picture != own]  # [R', p, d]
        count, size, dimensions = others.shape
        squared = squared_distances(patches, others.reshape(count * size, dimensions))  # [P, R' * p]
        shared = np.sqrt(squared.reshape(len(patches), count, size).min(axis=2))  # [P, R']
        ranks = [int(quantile * count) for quantile in QUANTILES]
        typical = np.partition(shared, ranks, axis=1)[:, ranks]  # [P, quantiles]
        squared = squared_distances(patches, self.generic)  # [P, K]
        nearest = np.sqrt(np.partition(squared, NEAREST_GENERIC, axis=1)[:, :NEAREST_GENERIC])
        return np.log(nearest.mean(axis=1) + 1e-3) - np.log(typical + 1e-3).mean(axis=1)


def fit_shared(features: np.ndarray, codebook: np.ndarray, rng: np.random.Generator) -> SharedScorer:
    """Draw the reference patches. features: float32 [N, h, w, C], N >= 2; codebook: float32 [K, C], K > 8."""
    mean, axes = principal_axes(codebook, DIMENSIONS)
    chosen = np.sort(rng.choice(len(features), min(PICTURES + 1, len(features)), replace=False))
    reduced = (pool_patches(features[chosen]) - mean) @ axes  # [R, g, g, d]
    flat = reduced.reshape(len(chosen), -1, axes.shape[1])
    drawn = np.stack([one[rng.choice(len(one), min(PATCHES, len(one)), replace=False)] for one in flat])
    return SharedScorer(mean, axes, drawn, chosen, (codebook - mean) @ axes)


def squared_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances [P, Q] of float32 [P, d] and [Q, d], at least 0."""
    squared = left @ (-2.0 * right.T)
    squared += (left**2).sum(axis=1)[:, None]
    squared += (right**2).sum(axis=1)[None, :]
    return np.maximum(squared, 0.0, out=squared)
