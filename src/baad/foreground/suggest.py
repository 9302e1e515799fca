"""Which pictures would help most, if the user painted the part in them?"""

import numpy as np

COUNT = 3


def suggest_pictures(
    quality: np.ndarray | None, looks: np.ndarray, painted: np.ndarray, count: int = COUNT
) -> tuple[int, ...]:
    """Indices of at most `count` pictures, the most helpful first; painted ones are never among them.

    quality: [N], 0..1 of each picture's mask, or None where there are no masks. looks: float32 [N, C], how each
    picture looks as a whole. painted: int [M].

    First the worst, then, again and again, the one that is bad and unlike all those painted or named. Without masks
    the one that is nearest to the mean of all comes first, then those unlike it.
    """
    open_ones = np.setdiff1d(np.arange(len(looks)), painted)
    doubt = np.ones(len(looks)) if quality is None else 1.05 - np.clip(quality, 0.0, 1.0)
    apart = np.full(len(looks), np.inf)  # of each picture from the nearest of those painted or named
    for index in painted:
        apart = np.minimum(apart, _distances(looks, looks[index]))
    named: list[int] = []
    while len(named) < min(count, len(open_ones)):
        if len(painted) or named:
            need = doubt * apart
        else:
            need = doubt if quality is not None else -_distances(looks, looks.mean(axis=0))
        left = np.setdiff1d(open_ones, named)
        named.append(int(left[np.argmax(need[left])]))
        apart = np.minimum(apart, _distances(looks, looks[named[-1]]))
    return tuple(named)


def _distances(looks: np.ndarray, from_one: np.ndarray) -> np.ndarray:
    """Of each of [N, C] from [C]: [N]."""
    return np.linalg.norm(looks - from_one, axis=1)
