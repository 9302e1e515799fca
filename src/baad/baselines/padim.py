"""One Gaussian per position: how unlikely is each patch where it lies? (PaDiM, Defard et al. 2021.)

At every cell of the feature grid the normal pictures' patches have a mean and a covariance, plus a hundredth of the
identity (equation 1); a patch's Mahalanobis distance is the anomaly map (equation 2), smoothed, its maximum the image
score. Of the channels a random hundred is kept, which costs little (section III.C).
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from baad.baselines.baseline import (
    Describe,
    Fitted,
    Normals,
    features_cost,
    plain_maps,
    resize_one,
    smooth_grid,
)
from baad.learn.offset import measure_offset
from baad.learn.pictures import to_images
from baad.progress import Progress
from baad.runtime.session import RawMaps

CHANNELS = 100
REGULARISER = 0.01
CELL = 4  # px: the finest grid of the paper


class PaDiM:
    """Gaussians over any patch features. Expects the part at the same place in every picture."""

    def __init__(self, describe: Describe, channels: int = CHANNELS, seed: int = 0) -> None:
        self._describe, self._channels, self._seed = describe, channels, seed

    def fit(self, normals: Normals, progress: Progress) -> Fitted:
        """Mean and covariance of every cell, in one pass over the pictures."""
        self._shape, count = normals.fit.shape[1:3], len(normals.fit)
        self._offset = measure_offset(self._describe)
        first = self._all_channels(to_images(normals.fit[:1]))  # [h * w, C]
        kept = min(self._channels, first.shape[1])
        rng = np.random.default_rng([self._seed, 12])
        self._chosen = torch.from_numpy(np.sort(rng.choice(first.shape[1], kept, replace=False)))
        first = first[:, self._chosen]  # what is summed is the offset from it: small numbers keep their digits
        total, squares = torch.zeros(len(first), kept), torch.zeros(len(first), kept, kept)
        with progress.task("Gaussians", count) as task:
            for picture in normals.fit:
                offset = self._all_channels(to_images(picture[None]))[:, self._chosen] - first
                total += offset
                squares.baddbmm_(offset[:, :, None], offset[:, None])
                task.advance()
        self._mean = first + total / count  # [h * w, c]
        squares.baddbmm_(total[:, :, None], total[:, None], alpha=-1.0 / count)
        covariance = squares.div_(max(1, count - 1))
        covariance.diagonal(dim1=1, dim2=2).add_(REGULARISER)
        self._precision = torch.linalg.inv(covariance)  # [h * w, c, c]
        parameters, macs = features_cost(self._describe, self._shape)
        kept_numbers = self._mean.numel() + self._precision.numel()
        return Fitted(0, parameters + kept_numbers, macs + self._precision.numel())

    def score(self, picture: np.ndarray) -> RawMaps:
        """Picture uint8 [H, W, 3] -> Mahalanobis distances float32, half the side of the normal pictures."""
        distances = self.distances(resize_one(picture, self._shape))
        anomaly = smooth_grid(distances.numpy(), self._shape, self._offset)
        return plain_maps(anomaly, self.pool(anomaly))

    def pool(self, anomaly: np.ndarray) -> float:
        return float(anomaly.max())

    def distances(self, images: Tensor) -> Tensor:
        """Mahalanobis distance of every cell of one image [1, 3, H, W]: [H / 4, W / 4]."""
        offset = self._all_channels(images)[:, self._chosen] - self._mean  # [h * w, c]
        squared = (torch.bmm(self._precision, offset[:, :, None])[:, :, 0] * offset).sum(1)
        return squared.clamp(min=0).sqrt().reshape(images.shape[2] // CELL, images.shape[3] // CELL)

    def _all_channels(self, images: Tensor) -> Tensor:
        """Features of one image [1, 3, H, W] on a grid of a quarter of its side: [h * w, C]."""
        with torch.no_grad():
            features = self._describe(images).float()
        grid = (images.shape[2] // CELL, images.shape[3] // CELL)
        return F.interpolate(features, grid, mode="bilinear", align_corners=False)[0].flatten(1).T
