"""Change the size of pictures, maps and masks. Pure functions; nothing is cropped or padded."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from baad.errors import ImageError, MaskError

STEP = 32  # px: the network halves its picture five times
LONGEST = 4.0  # times the shorter side: beyond it a picture is squashed


def fit_shape(shapes: Sequence[tuple[int, int]], image_size: int) -> tuple[int, int]:
    """The (height, width) at which the network sees pictures of `shapes` (H, W): multiples of 32 px.

    As many pixels as a square of `image_size`, and the aspect of the middle picture, so that a round pit stays round
    on a long picture and costs no more time. Aspects beyond 4 are squashed to it.
    """
    ratios = sorted(math.log(width / height) for height, width in shapes)
    ratio = min(max(ratios[len(ratios) // 2], -math.log(LONGEST)), math.log(LONGEST))
    sides = range(STEP, 4 * image_size + 1, STEP)
    fitting = [(h, w) for h in sides for w in sides if 0.8 * image_size**2 <= h * w <= 1.05 * image_size**2]

    def misfit(shape: tuple[int, int]) -> float:
        height, width = shape
        return abs(math.log(width / height) - ratio) + abs(math.log(height * width / image_size**2))

    return min(fitting, key=misfit)


def describe_view(shapes: Sequence[tuple[int, int]], seen: tuple[int, int]) -> str:
    """A line on how the network sees pictures of `shapes` (H, W), at `seen` (h, w): how much smaller, how squashed.

    Of the middle picture's area, and of the middle aspect.
    """
    reduced = math.sqrt(sorted(height * width for height, width in shapes)[len(shapes) // 2] / (seen[0] * seen[1]))
    ratio = sorted(width / height for height, width in shapes)[len(shapes) // 2]
    told = f"pictures are seen at {seen[1]}x{seen[0]} px"
    if reduced > 1.1:
        told += f", {reduced:.1f} times smaller; what is less than about {math.ceil(2 * reduced)} px wide is lost"
    if max(ratio, 1 / ratio) > LONGEST:
        told += f"; an aspect of {ratio:.3g} is squashed to {seen[1] / seen[0]:.3g} (--set tile_px=... keeps it)"
    return told


def resize_image(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize a picture uint8 [H, W, 3] to `shape` (height, width), bilinear with antialiasing (Pillow's BILINEAR).

    Raises ImageError for an array of another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ImageError(f"A picture is uint8 [height, width, 3]; this is {image.dtype} {list(image.shape)}.")
    return np.array(Image.fromarray(image).resize((shape[1], shape[0]), Image.Resampling.BILINEAR))


def resize_map(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize a map [h, w] of real values to `shape` (height, width) -> float32, bilinear, antialiased when smaller.

    Values stay within the range of the input.
    """
    source = np.ascontiguousarray(values, np.float32)
    if source.shape == shape:
        return source.copy()
    resized = np.array(Image.fromarray(source).resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
    return resized.clip(source.min(), source.max())  # float rounding may step over the end by one unit


def resize_mask(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize bool [H, W] to `shape` (height, width): True where at least half the pixel's area is marked.

    Raises MaskError for an array that is not bool: a resize of grey levels would need a threshold nobody chose.
    """
    if mask.dtype != bool:
        raise MaskError(f"A mask is bool [height, width]; this is {mask.dtype} {list(mask.shape)}.")
    area = Image.fromarray(mask.astype(np.float32)).resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.array(area) >= 0.5 - 1e-6
