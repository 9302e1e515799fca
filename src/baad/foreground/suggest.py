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
    the one that is like most others comes first, then those unlike it.
    """
    open_ones = np.setdiff1d(np.arange(len(looks)), painted)
    apart = np.linalg.norm(looks[:, None] - looks[None], axis=-1)  # [N, N]
    doubt = np.ones(len(looks)) if quality is None else 1.05 - np.clip(quality, 0.0, 1.0)
    first = -apart.sum(axis=1) if quality is None else doubt
    named: list[int] = []
    while len(named) < min(count, len(open_ones)):
        known = np.concatenate([painted, named]).astype(int)
        need = doubt * apart[:, known].min(axis=1) if len(known) else first
        left = np.setdiff1d(open_ones, named)
        named.append(int(left[np.argmax(need[left])]))
    return tuple(named)
