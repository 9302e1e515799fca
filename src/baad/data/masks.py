"""Mask file <-> bool [H, W]. A mask has the size of its picture; it is never resized silently.

Any non-zero value marks, of any bit depth and in any colour channel: 1, 255 and 65535 all count. Colours of 16 bits are
refused, for they would be read in part, and so is a TIFF that takes 0 for white, which programs write with either
meaning. Where the file has alpha, a pixel marks only if it is not fully transparent either, so that both a black sheet
with white paint and a transparent sheet with paint mean what they look like. Outlines of an annotation file are painted
(outlines.py).
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from baad.atomic import replacing
from baad.data.decode import UnreadableFile, open_samples, read_content, show_path
from baad.data.outlines import paint_outlines
from baad.data.sample import Mask, Outlines
from baad.errors import ImageError, MaskError


def read_mask(mask: Mask | str, shape: tuple[int, int]) -> np.ndarray:
    """Read the mask of a picture of `shape` (height, width) px -> bool [H, W], True = marked.

    Raises MaskError where the file is missing, damaged, or of another size.
    """
    mask = Path(mask) if isinstance(mask, str) else mask
    try:
        marked = read_marks(mask)
    except ImageError as error:
        raise MaskError(f"mask {error}") from error
    if marked.shape != tuple(shape):
        problem, remedy = explain_mismatch(marked.shape, shape)
        raise MaskError(f"mask {show_path(mask_file(mask))}: {problem}. {remedy}.")
    return marked


def read_marks(mask: Mask) -> np.ndarray:
    """Read a mask of any size -> bool [H, W]. Raises ImageError as read_image does."""
    if isinstance(mask, Outlines):
        return paint_outlines(mask)
    samples = open_samples(read_content(mask), mask)
    if samples.cut:
        problem, remedy = "its colours have 16 bits, of which small values would be lost", "Save the mask in 8 bits"
        raise UnreadableFile(mask, problem, remedy)
    if samples.inverted:
        problem = "it is a TIFF that takes 0 for white, in which some programs mark with 0 and others with all else"
        raise UnreadableFile(mask, problem, "Save the mask as PNG, white on the defect")
    marked = samples.values != 0  # [H, W] or [H, W, 3]; before any scaling, which would lose small values
    if marked.ndim == 3:
        marked = marked.any(axis=2)
    return marked if samples.alpha is None else marked & (samples.alpha != 0)


def mask_file(mask: Mask) -> Path:
    """The file in which a mask stands."""
    return mask.file if isinstance(mask, Outlines) else mask


def explain_mismatch(mask_shape: tuple[int, ...], picture_shape: tuple[int, ...]) -> tuple[str, str]:
    """Problem and remedy for a mask that does not fit; shapes are (height, width)."""
    mask, picture = (f"{shape[1]} x {shape[0]} px" for shape in (mask_shape, picture_shape))
    turned = " after its EXIF rotation" if tuple(mask_shape) == tuple(picture_shape)[::-1] else ""
    problem = f"it is {mask}, but its picture is {picture}{turned}"
    return problem, "Save the mask at the size of its picture; masks are never resized"


def unite_masks(masks: Iterable[Mask], shape: tuple[int, int]) -> np.ndarray:
    """What any of the masks marks, bool [H, W]; without masks nothing is marked. Raises MaskError as read_mask does."""
    united = np.zeros(shape, bool)
    for mask in masks:
        united |= read_mask(mask, shape)
    return united


def write_mask(path: Path | str, mask: np.ndarray) -> None:
    """Write bool [H, W] as an 8-bit grey PNG, 255 = marked, whole or not at all. Raises OutputError."""
    with replacing(Path(path)) as partial:
        Image.fromarray(np.asarray(mask, bool).astype(np.uint8) * 255).save(partial, format="PNG")
