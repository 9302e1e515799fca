"""Drawn sets of pictures with known parts, and plain features that stand in for the PDN's."""

import cv2
import numpy as np

SIZE = 256


def describe(images: np.ndarray) -> np.ndarray:
    """Blurred Lab and gradient strength at two scales: uint8 [N, S, S, 3] -> float32 [N, S / 4, S / 4, 8]."""
    found = []
    for image in images:
        lab = cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB) / 20.0
        maps = []
        for sigma in (1.5, 4.0):
            soft = cv2.GaussianBlur(lab, (0, 0), sigma)
            slope = np.hypot(cv2.Sobel(soft[..., 0], cv2.CV_32F, 1, 0), cv2.Sobel(soft[..., 0], cv2.CV_32F, 0, 1))
            maps += [soft, cv2.GaussianBlur(slope, (0, 0), sigma)[..., None]]
        stacked = np.concatenate(maps, axis=-1)
        found.append(cv2.resize(stacked, (image.shape[1] // 4, image.shape[0] // 4), interpolation=cv2.INTER_AREA))
    return np.stack(found)


def clutter(rng: np.random.Generator, shapes: int = 40) -> np.ndarray:
    """A scene of overlapping blobs in all colours, uint8 [S, S, 3]."""
    scene = np.full((SIZE, SIZE, 3), rng.integers(30, 220, 3), np.uint8)
    for _ in range(shapes):
        centre, axes = rng.integers(0, SIZE, 2).tolist(), rng.integers(8, 50, 2).tolist()
        colour = rng.integers(0, 256, 3).tolist()
        cv2.ellipse(scene, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
    return cv2.GaussianBlur(scene, (0, 0), 1.0)


def grain(rng: np.random.Generator, sigma: float = 2.0, strength: float = 60.0) -> np.ndarray:
    """A pure texture: grey noise on brown, uint8 [S, S, 3]."""
    noise = cv2.GaussianBlur(rng.normal(0, 1, (SIZE, SIZE)).astype(np.float32), (0, 0), sigma)
    return np.clip(np.array([150, 130, 100]) + strength * noise[..., None], 0, 255).astype(np.uint8)


def put_part(
    scene: np.ndarray, rng: np.random.Generator, shift: int = 45, colour: tuple[int, int, int] = (40, 150, 70)
) -> tuple[np.ndarray, np.ndarray]:
    """A striped plate with a round end somewhere near the middle: picture uint8 [S, S, 3] and truth bool [S, S]."""
    x, y = (SIZE // 2 + rng.integers(-shift, shift + 1, 2)).tolist()
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.rectangle(mask, (x - 45, y - 30), (x + 35, y + 30), 1, -1)
    cv2.circle(mask, (x + 35, y), 30, 1, -1)
    stripes = 1.0 + 0.25 * np.sin(np.arange(SIZE)[None, :, None] / 3.0 - x / 3.0)
    plate = np.clip(np.array(colour) * stripes, 0, 255)
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)[..., None]
    picture = scene * (1 - alpha) + plate * alpha + rng.normal(0, 2, scene.shape)
    return np.clip(picture, 0, 255).astype(np.uint8), mask.astype(bool)


def generic_patches(rng: np.random.Generator, pictures: int = 24) -> np.ndarray:
    """Pooled patches of scenes without the part, float32 [P, 8]."""
    from baad.foreground.patches import pool_patches

    scenes = np.stack([clutter(rng) for _ in range(pictures)])
    return pool_patches(describe(scenes)).reshape(-1, 8)
