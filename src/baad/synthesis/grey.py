"""Pictures of a grey camera: what is invented for them must be grey too, or its colour alone would give it away."""

import cv2
import numpy as np

ROUNDING = 1.5  # levels by which the channels of a grey picture may differ once each has a gain of its own


def is_grey(picture: np.ndarray) -> bool:
    """Whether all three channels of uint8 [H, W, 3] are the same."""
    red, green, blue = cv2.split(picture)
    return bool(np.array_equal(red, green) and np.array_equal(green, blue))


def fit_grey(picture: np.ndarray) -> np.ndarray | None:
    """How the channels of a grey picture follow from its green, uint8 [256, 3]; None for a picture in colours.

    picture: uint8 [H, W, 3]. Channels may differ by a gain and an offset, as after a change of white balance, but by
    nothing else.
    """
    pixels = picture[:: max(1, picture.shape[0] // 64), :: max(1, picture.shape[1] // 64)].reshape(-1, 3)
    pixels = pixels[(pixels.min(axis=1) > 4) & (pixels.max(axis=1) < 251)].astype(np.float32)  # not clipped
    if len(pixels) < 8:
        pixels = picture.reshape(-1, 3).astype(np.float32)
    centred = pixels - pixels.mean(axis=0)
    spread = float((centred[:, 1] ** 2).mean())
    gains = (centred * centred[:, 1:2]).mean(axis=0) / spread if spread > 1.0 else np.ones(3, np.float32)
    offsets = pixels.mean(axis=0) - gains * pixels[:, 1].mean()
    wrong = np.abs(pixels - (pixels[:, 1:2] * gains + offsets))
    if np.abs(gains - 1).max() > 0.15 or np.abs(offsets).max() > 20 or np.quantile(wrong, 0.999) > ROUNDING:
        return None
    return np.clip(np.rint(np.arange(256)[:, None] * gains + offsets), 0, 255).astype(np.uint8)


def keep_grey(before: np.ndarray, after: np.ndarray, curves: np.ndarray | None) -> np.ndarray:
    """`after` without its colours where it differs from `before`; as it is if `curves` is None. uint8 [H, W, 3]."""
    if curves is None or after is before:
        return after
    luminance = cv2.cvtColor(after, cv2.COLOR_RGB2GRAY)
    grey = cv2.LUT(cv2.merge([luminance] * 3), curves[None])
    red, green, blue = cv2.split(cv2.absdiff(before, after))
    changed = cv2.max(cv2.max(red, green), blue)
    result = before.copy()
    return cv2.copyTo(grey, (changed > 0).astype(np.uint8), result)
