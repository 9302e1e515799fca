"""Samples of more than 8 bits -> uint8, some rows after the others, so that no wide copy of a picture is made."""

import numpy as np

BAND = 2**18  # samples that are converted at once


def to_levels(values: np.ndarray) -> np.ndarray:
    """Whole numbers in 0..65535, or floats in 0..1, [H, W] or [H, W, C] -> uint8 of the same shape, rounded."""
    levels = np.empty(values.shape, np.uint8)
    rows = max(1, BAND // values[0].size)
    for top in range(0, len(values), rows):
        band = values[top : top + rows]
        if values.dtype.kind == "f":
            levels[top : top + rows] = np.rint(band.astype(np.float32) * 255)
        else:
            levels[top : top + rows] = (band.astype(np.uint32) + 128) // 257
    return levels
