"""Drawn sets of pictures for the foreground gate: parts in front of backgrounds of all kinds, and pictures without any.

The parts are the embedded example's, cut out along their exact outlines.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from baad.data.example import draw_scene as draw_example
from baad.data.example_bodies import DESIGNS
from baad.synthesis.scene import draw_scene
from baad.synthesis.texture import draw_palette, draw_pattern

PICTURES = 16
SIZE = 256
TEXTURES = 8
WINDOW = 0.5  # of a texture's side that one picture shows


@dataclass(frozen=True)
class DrawnSet:
    """Pictures uint8 [N, S, S, 3] of one set; `truth` bool [N, S, S] is the part, None where all of it is.

    Sets of one `kind` show the same parts.
    """

    kind: str
    name: str
    images: np.ndarray
    truth: np.ndarray | None


def draw_sets(seed: int = 0) -> Iterator[DrawnSet]:
    """All sets, one after the other. Same seed: same pictures."""
    for number, part in enumerate(DESIGNS):
        rng = np.random.default_rng([seed, 1, number])
        cut_outs = [draw_example(rng, part=part, size=SIZE) for _ in range(PICTURES)]
        images = np.stack([each.image for each in cut_outs])
        parts = np.stack([each.foreground for each in cut_outs])
        yield DrawnSet(part, f"{part}, photographed on other things each time", images, parts)
        for name, scenes in BACKGROUNDS.items():
            behind = scenes(rng)
            yield DrawnSet(part, f"{part}, {name}", _put_on(images, parts, behind), parts)
        yield DrawnSet(part, f"{part}, from so near that it fills the picture", _come_near(images, parts), None)
    for number in range(TEXTURES):
        rng = np.random.default_rng([seed, 2, number])
        yield DrawnSet(f"texture {number}", f"texture {number}", _cut_texture(rng), None)


def _plain(rng: np.random.Generator) -> np.ndarray:
    """One surface of one colour, unevenly lit and a little noisy, the same in all pictures but for the noise."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    light = 1.0 + rng.uniform(-0.2, 0.2) * (x - 0.5) + rng.uniform(-0.2, 0.2) * (y - 0.5)
    surface = rng.uniform(20, 235) + rng.uniform(-15, 15, 3)
    noisy = surface * light[..., None] + rng.normal(0, 3, (PICTURES, SIZE, SIZE, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _static(rng: np.random.Generator) -> np.ndarray:
    """The same clutter in all pictures, but for the noise."""
    noisy = draw_scene(SIZE, rng) + rng.normal(0, 3, (PICTURES, SIZE, SIZE, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _varying(rng: np.random.Generator) -> np.ndarray:
    """Other clutter in every picture."""
    return np.stack([draw_scene(SIZE, rng) for _ in range(PICTURES)])


BACKGROUNDS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "on one plain surface": _plain,
    "in front of the same clutter": _static,
    "in front of other clutter each time": _varying,
}


def _put_on(images: np.ndarray, parts: np.ndarray, scenes: np.ndarray) -> np.ndarray:
    """The parts on other scenes, with an edge as soft as a lens makes it."""
    found = np.empty_like(images)
    for index, (image, part, scene) in enumerate(zip(images, parts, scenes)):
        alpha = cv2.GaussianBlur(part.astype(np.float32), (0, 0), 0.8)[..., None]
        found[index] = np.rint(image * alpha + scene * (1 - alpha)).astype(np.uint8)
    return found


def _come_near(images: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """The largest square around each part's middle that shows nothing else, enlarged to the whole picture."""
    found = np.empty_like(images)
    for index, (image, part) in enumerate(zip(images, parts)):
        depth = cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_C, 3)
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        reach = max(8, int(depth.max()) - 1)
        near = image[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]
        found[index] = cv2.resize(near, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return found


def _cut_texture(rng: np.random.Generator) -> np.ndarray:
    """Windows of one coloured pattern that is larger than any of them."""
    whole = round(SIZE / WINDOW)
    pattern = draw_palette(rng)[draw_pattern(whole, rng)]  # [W, W, 3]
    found = np.empty((PICTURES, SIZE, SIZE, 3), np.uint8)
    for index in range(PICTURES):
        y, x = rng.integers(0, whole - SIZE + 1, 2)
        gain = rng.uniform(0.9, 1.1)
        found[index] = np.clip(pattern[y : y + SIZE, x : x + SIZE] * gain + rng.normal(0, 3, (SIZE, SIZE, 3)), 0, 255)
    return found
