"""A small codebook of generic patches: centroids of what photos of anything look like, patch by patch."""

import numpy as np

ROUNDS = 6  # of Lloyd's algorithm; the distances used later change little after that
CHUNK = 2048  # patches compared with all centroids at a time


def make_codebook(patches: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """k-means centroids float32 [size, C] of float32 [P, C]; needs P >= size. Same rng state: same codebook.

    Starts from patches drawn at random; a centroid that lost all its patches takes a random patch instead.
    """
    if len(patches) < size:
        raise ValueError(f"{len(patches)} patches cannot fill a codebook of {size}: give more patches")
    patches = np.ascontiguousarray(patches, np.float32)
    centroids = patches[rng.choice(len(patches), size, replace=False)]
    for _ in range(ROUNDS):
        nearest = _nearest_centroid(patches, centroids)  # [P]
        order = np.argsort(nearest, kind="stable")
        members = np.bincount(nearest, minlength=size)  # [size]
        filled = np.flatnonzero(members)
        starts = np.concatenate([[0], np.cumsum(members[filled])[:-1]])
        centroids = centroids.copy()
        centroids[filled] = np.add.reduceat(patches[order], starts, axis=0) / members[filled, None]
        empty = np.flatnonzero(members == 0)
        centroids[empty] = patches[rng.choice(len(patches), len(empty), replace=False)]
    return centroids


def _nearest_centroid(patches: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    half_norms = 0.5 * (centroids**2).sum(axis=1)  # [size]
    nearest = np.empty(len(patches), np.int64)
    for start in range(0, len(patches), CHUNK):
        chunk = patches[start : start + CHUNK]
        nearest[start : start + CHUNK] = (chunk @ centroids.T - half_norms).argmax(axis=1)
    return nearest
