"""A small classifier of cells: ridge regression on random Fourier features, solved at once (Rahimi and Recht 2007)."""

from dataclasses import dataclass

import numpy as np

FEATURES = 384  # random waves; more change little
WIDTH = 0.7  # of the waves' frequencies, for inputs of variance 1
RIDGE = 1e-4  # of the total weight
FAR = 4.0  # standard deviations: what lies further out counts as there
CHUNK = 32_768  # cells at a time


@dataclass(frozen=True)
class Classifier:
    """How surely vectors belong to the one side: `share` gives about 0 to 1, .5 where nothing speaks for either."""

    mean: np.ndarray  # [d]
    scale: np.ndarray  # [d]
    waves: np.ndarray  # [d, FEATURES]
    phases: np.ndarray  # [FEATURES]
    weights: np.ndarray  # [FEATURES + d + 1]

    def share(self, vectors: np.ndarray) -> np.ndarray:
        """float32 [..., d] -> float32 [...]."""
        flat = vectors.reshape(-1, vectors.shape[-1])
        found = np.empty(len(flat), np.float32)
        for start in range(0, len(flat), CHUNK):
            waved = _wave(flat[start : start + CHUNK], self.mean, self.scale, self.waves, self.phases)
            found[start : start + CHUNK] = waved @ self.weights
        return np.clip(0.5 + 0.5 * found, 0.0, 1.0).reshape(vectors.shape[:-1])


def fit_classifier(vectors: np.ndarray, part: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> Classifier:
    """vectors: float32 [P, d]; part: bool [P], both kinds present; weight: float [P], how much each counts.

    Both sides count the same in sum, however many cells either has. Same rng state: same classifier.
    """
    mean, scale = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    waves = (rng.normal(0.0, WIDTH, (vectors.shape[1], FEATURES)) / np.sqrt(vectors.shape[1])).astype(np.float32)
    phases = rng.uniform(0.0, 2 * np.pi, FEATURES).astype(np.float32)
    balanced = np.where(part, weight / weight[part].sum(), weight / weight[~part].sum()).astype(np.float32)
    size = FEATURES + vectors.shape[1] + 1
    gram, target = np.zeros((size, size)), np.zeros(size)
    for start in range(0, len(vectors), CHUNK):
        rows = slice(start, start + CHUNK)
        waved = _wave(vectors[rows], mean, scale, waves, phases)
        weighted = waved * balanced[rows, None]
        gram += weighted.T @ waved
        target += weighted.T @ np.where(part[rows], 1.0, -1.0)
    weights = np.linalg.solve(gram + RIDGE * balanced.sum() * np.eye(size), target)
    return Classifier(mean, scale, waves, phases, weights.astype(np.float32))


def _wave(
    vectors: np.ndarray, mean: np.ndarray, scale: np.ndarray, waves: np.ndarray, phases: np.ndarray
) -> np.ndarray:
    """[P, d] -> [P, FEATURES + d + 1]: waves, the vectors themselves, and 1."""
    standard = np.clip((vectors - mean) / scale, -FAR, FAR)
    return np.concatenate([np.cos(standard @ waves + phases), 0.3 * standard, np.ones_like(standard[:, :1])], axis=1)
