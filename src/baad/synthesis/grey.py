"""Pictures of a grey camera: what is invented for them must be grey too, or its colour alone would give it away."""

import cv2
import numpy as np

ROUNDING = 1.5  # levels by which the channels of a grey picture may differ once each has a gain of its own


def fit_grey(picture: np.ndarray) -> np.ndarray | None:
    """Gain (first row) and offset (second) of each channel over the green one, [2, 3]; None for a picture in colours.

    picture: uint8 [H, W, 3]. The channels of a grey picture may differ by these, as after a change of white balance,
    but by nothing else.
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
    return np.stack([gains, offsets])


def keep_grey(before: np.ndarray, after: np.ndarray, channels: np.ndarray | None) -> np.ndarray:
    """`after` without its colours where it differs from `before`, both uint8 [H, W, 3]; as it is without `channels`.

    What is left is seen by the one channel that changed most, so that a change stays as strong as it was meant.
    """
    if channels is None or after is before:
        return after
    change = cv2.absdiff(before, after)
    seen = int(np.argmax(cv2.sumElems(change)[:3]))
    gains, offsets = channels
    green = (np.arange(256, dtype=np.float32) - offsets[seen]) / gains[seen]  # [256]
    curves = np.clip(np.rint(green[:, None] * gains + offsets), 0, 255).astype(np.uint8)  # [256, 3]
    grey = cv2.LUT(cv2.merge([after[..., seen]] * 3), curves[None])
    red, green_change, blue = cv2.split(change)
    changed = cv2.max(cv2.max(red, green_change), blue) > 0
    return cv2.copyTo(grey, changed.astype(np.uint8), before.copy())
