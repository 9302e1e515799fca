"""How training pictures are framed: sizes, share and place of the part. Verdicts doubt pictures framed otherwise."""

from collections.abc import Sequence
from typing import Any

import numpy as np

SHAPES = 20  # sizes of training pictures that a model names at most


def describe_framing(parts: np.ndarray) -> dict[str, Any]:
    """How much of a picture the part fills and where its centre lies, least and most, for the manifest.

    parts: bool [N, H, W]; pictures without part do not count, and where all are without there is nothing to say.
    """
    parts = parts[parts.any(axis=(1, 2))]
    if len(parts) == 0:
        return {}
    across = (parts.mean(axis=1) @ (np.arange(parts.shape[2]) + 0.5)) / parts.mean(axis=1).sum(axis=1)  # [N], px
    down = (parts.mean(axis=2) @ (np.arange(parts.shape[1]) + 0.5)) / parts.mean(axis=2).sum(axis=1)
    centres = [_range_of(across / parts.shape[2]), _range_of(down / parts.shape[1])]
    return {"part_share": _range_of(parts.mean(axis=(1, 2))), "part_centre": centres}


def describe_shapes(shapes: Sequence[tuple[int, int]], tile_px: int) -> dict[str, Any]:
    """What tells pictures of another size or aspect, for the manifest; `shapes` (H, W), `tile_px` 0 for whole ones."""
    return {"image_shapes": pick_shapes(shapes), "tile_px": tile_px}


def pick_shapes(shapes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """At most SHAPES of the pictures' (H, W), sorted: the smallest, largest, narrowest and widest, and some between."""
    known = sorted(set(shapes))
    if len(known) <= SHAPES:
        return known
    areas, aspects = np.array([h * w for h, w in known]), np.array([w / h for h, w in known])
    ends = [end for each in (areas, aspects) for end in (each.argmin(), each.argmax())]
    between = np.linspace(0, len(known) - 1, SHAPES - len(ends)).round().astype(int)
    return [known[index] for index in np.union1d(ends, between)]


def _range_of(values: np.ndarray) -> list[float]:
    return [round(float(values.min()), 4), round(float(values.max()), 4)]
