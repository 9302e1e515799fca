"""Which of many things are looked at, where some must stand for all."""

import numpy as np


def spread_evenly(count: int, most: int) -> np.ndarray:
    """Numbers of at most `most` of `count` things, at equal distances, the first and the last among them: int [N],
    rising, none of them twice."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(int)
