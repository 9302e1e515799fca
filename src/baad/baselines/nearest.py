"""Nearest neighbour: how far is each patch from every patch of the normal pictures? (PatchCore, Roth et al. 2022.)

The protocol: pictures squashed to a square, patch features averaged over 3x3 cells on a grid of an eighth of the
side, a random sample of the normal patches as memory, the distance to the nearest one as anomaly map, smoothed; its
maximum as image score.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from baad.data.decode import read_image
from baad.data.geometry import resize_image
from baad.data.sample import GoodImage
from baad.runtime.session import RawMaps

Describe = Callable[[Tensor], Tensor]  # images [B, 3, S, S] in 0..1 -> features [B, C, h, w]


class NearestNeighbour:
    """Memory bank of normal patches over any patch features.

    `standardise` divides every channel by its deviation over the normal patches: right for a teacher's raw maps, wrong
    for distilled features, where it makes the components that the student could not learn count like the others.
    """

    def __init__(
        self, describe: Describe, image_size: int = 256, memory: int = 20_000, seed: int = 0, standardise: bool = True
    ) -> None:
        self._describe, self._size, self._memory, self._standardise = describe, image_size, memory, standardise
        self._rng = np.random.default_rng([seed, 11])

    def fit(self, images: Sequence[GoodImage]) -> None:
        """Remember a random sample of the pictures' patches."""
        per_picture = -(-self._memory // len(images)) * 2
        kept = []
        for image in images:
            patches = self._patches(read_image(image.path)).flatten(0, 1)  # [h * w, C]
            chosen = self._rng.choice(len(patches), min(per_picture, len(patches)), replace=False)
            kept.append(patches[torch.from_numpy(chosen)])
        patches = torch.cat(kept)
        self._mean = patches.mean(0)
        self._std = patches.std(0) + 1e-6 if self._standardise else torch.ones_like(self._mean)
        chosen = self._rng.choice(len(patches), min(self._memory, len(patches)), replace=False)
        self._bank = (patches[torch.from_numpy(chosen)] - self._mean) / self._std  # [memory, C]
        self._norms = (self._bank**2).sum(1)

    def score(self, picture: np.ndarray) -> RawMaps:
        """Picture uint8 [H, W, 3] -> anomaly map float32 [S / 2, S / 2], at least 0, and its maximum."""
        patches = (self._patches(picture) - self._mean) / self._std  # [h, w, C]
        flat = patches.flatten(0, 1)
        squared = self._norms[None] - 2.0 * flat @ self._bank.T  # [h * w, memory]
        nearest = (squared.min(1).values + (flat**2).sum(1)).clamp(min=0).sqrt()
        side = self._size // 2
        grid = nearest.reshape(patches.shape[:2]).numpy()
        anomaly = cv2.GaussianBlur(cv2.resize(grid, (side, side), interpolation=cv2.INTER_LINEAR), (0, 0), 2.0)
        return RawMaps(anomaly, np.ones_like(anomaly), float(anomaly.max()), None)

    def _patches(self, picture: np.ndarray) -> Tensor:
        """Patch features on a grid of an eighth of the side: [h, w, C]."""
        square = resize_image(picture, (self._size, self._size))
        with torch.no_grad():
            features = self._describe(torch.tensor(square).permute(2, 0, 1)[None].float() / 255.0).float()
        features = F.avg_pool2d(features, 3, 1, 1, count_include_pad=False)
        features = F.adaptive_avg_pool2d(features, self._size // 8)  # [1, C, h, w]
        return features[0].permute(1, 2, 0)
