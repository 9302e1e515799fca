"""Nearest neighbour on patch features, a whole category at once: what tells how much a network's features are worth.

The protocol of PatchCore (Roth et al. 2022) with a random memory: pictures squashed to a square, patch features as
3x3 means on a grid of an eighth of 256 px, the distance to the nearest of 20,000 random normal patches as anomaly map
at half of 256 px, smoothed; its maximum as image score. As in baselines/nearest.py, which takes pictures one by one.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from baad.baselines.baseline import Describe, smooth_grid
from baad.baselines.nearest import nearest_distance, pool_patches, to_maps
from baad.data.decode import read_image
from baad.data.geometry import resize_image, resize_map
from baad.data.masks import unite_masks
from baad.data.sample import Category
from baad.learn.pictures import to_images
from baad.metrics.ranking import auroc, count_levels, fit_bins
from baad.progress import Progress

NEIGHBOURS = 1  # raise it where what follows changes figures
MEMORY = 20_000  # normal patches
GRID = 32  # cells a side
MAP_SIZE = 128  # px of the anomaly map
SAMPLE = 2**22  # scores from which the levels of the pixel figures are placed


@dataclass(frozen=True)
class Pictures:
    """A category, read once for all networks: uint8 [N, S, S, 3] squares, and the truth at its own size."""

    train: np.ndarray
    test: np.ndarray
    defective: np.ndarray  # bool [M]
    truths: tuple[np.ndarray | None, ...]  # bool [H, W]; None where a defective picture has no mask
    shapes: tuple[tuple[int, int], ...]


def read_pictures(category: Category, size: int, progress: Progress) -> Pictures:
    """All pictures of the category at `size` px."""
    shapes, truths, test = [], [], []
    with progress.task(f"reading {category.name}", len(category.train) + len(category.test)) as task:
        train = np.empty((len(category.train), size, size, 3), np.uint8)
        for index, image in enumerate(category.train):
            train[index] = resize_image(read_image(image.path), (size, size))
            task.advance()
        for labelled in category.test:
            picture = read_image(labelled.path)
            shape = picture.shape[:2]
            known = not labelled.defective or bool(labelled.masks)
            truths.append(
                (unite_masks(labelled.masks, shape) if labelled.masks else np.zeros(shape, bool)) if known else None
            )
            shapes.append(shape)
            test.append(resize_image(picture, (size, size)))
            task.advance()
    defective = np.array([image.defective for image in category.test])
    return Pictures(train, np.stack(test), defective, tuple(truths), tuple(shapes))


def describe_grid(describe: Describe, squares: np.ndarray) -> Tensor:
    """Patch features of each square: uint8 [N, S, S, 3] -> float32 [N, 32 * 32, C]."""
    found = []
    for square in squares:
        with torch.no_grad():
            features = to_maps(describe(to_images(square[None])))
        found.append(pool_patches(features, (GRID, GRID)))  # [32 * 32, C]
    return torch.stack(found)


def draw_memory(patches: Tensor, seed: int, memory: int = MEMORY) -> Tensor:
    """A random sample of the normal patches, rows of [N, P, C] -> [memory, C]."""
    flat = patches.flatten(0, 1)
    chosen = np.random.default_rng([seed, 11]).permutation(len(flat))[:memory]
    return flat[torch.from_numpy(np.sort(chosen))]


def anomaly_map(distances: Tensor) -> np.ndarray:
    """Distances [32 * 32] -> float32 [128, 128], smoothed; as in PatchCore, cells stand for the places they lie at."""
    return smooth_grid(distances.reshape(GRID, GRID).numpy(), (2 * MAP_SIZE, 2 * MAP_SIZE), (0.0, 0.0))


def score_features(
    describe: Describe, pictures: Pictures, seed: int, progress: Progress, *, raw: bool = False, memory: int = MEMORY
) -> dict[str, float | None]:
    """Image and pixel AUROC of the detector on these features; a figure is None where the truth for it is missing.

    `raw`: a teacher's own maps, whose channels are each divided by their deviation over the normal patches. What was
    distilled keeps its proportions: the components that a student could not learn would count like the others.
    """
    normal = describe_grid(describe, pictures.train)
    mean = normal.mean((0, 1))
    spread = normal.std((0, 1)) + 1e-6 if raw else torch.ones_like(mean)
    bank = (draw_memory(normal, seed, memory) - mean) / spread
    del normal
    maps = []
    with progress.task("nearest neighbour", len(pictures.test)) as task:
        for square in pictures.test:
            patches = (describe_grid(describe, square[None])[0] - mean) / spread
            maps.append(anomaly_map(nearest_distance(patches, bank)))
            task.advance()
    scores = np.array([float(each.max()) for each in maps])
    image = float(auroc(*count_levels(scores, pictures.defective)))
    pixel = _pixel_auroc(maps, pictures)
    return {"image_auroc": _finite(image), "pixel_auroc": _finite(pixel)}


def _pixel_auroc(maps: list[np.ndarray], pictures: Pictures) -> float:
    """Over all pixels of all pictures whose truth is known, at their own size."""
    bins = fit_bins(np.concatenate([each.ravel() for each in maps])[:: -(-len(maps) * MAP_SIZE**2 // SAMPLE)])
    positives, everything = np.zeros(bins.size, np.int64), np.zeros(bins.size, np.int64)
    for each, truth in zip(maps, pictures.truths):
        if truth is not None:
            anomaly = resize_map(each, truth.shape)
            everything += bins.count(anomaly)
            positives += bins.count(anomaly[truth]) if truth.any() else 0
    return float(auroc(positives, everything - positives))


def _finite(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
