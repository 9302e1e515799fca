"""Change the size of pictures, maps and masks. Pure functions; aspect is squashed, never cropped or padded."""

import numpy as np
from PIL import Image

from baad.errors import ImageError, MaskError


def resize_image(image: np.ndarray, size: int) -> np.ndarray:
    """Squash a picture uint8 [H, W, 3] -> uint8 [size, size, 3], bilinear with antialiasing (Pillow's BILINEAR).

    Raises ImageError for an array of another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ImageError(f"A picture is uint8 [height, width, 3]; this is {image.dtype} {list(image.shape)}.")
    return np.array(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))


def resize_map(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize a map [h, w] of real values to `shape` (height, width) -> float32, bilinear, antialiased when smaller.

    Values stay within the range of the input.
    """
    source = np.ascontiguousarray(values, np.float32)
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
