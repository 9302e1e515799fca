"""How well a detector does its two other tasks, seen while it judges: rebuilding normal pictures, finding the part."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from baad.bench.rows import mean
from baad.data.decode import read_image
from baad.data.geometry import resize_image, resize_mask
from baad.data.masks import read_mask
from baad.data.sample import Category, LabelledImage
from baad.foreground.refine import overlap
from baad.learn.losses import ssim
from baad.metrics.scorecard import rounded
from baad.runtime.session import RawMaps

HIGHEST_PSNR = 100.0  # dB, for what is equal
SURE = 0.999  # a detector whose foreground is more everywhere knows no background, and has no IoU


class Watched:
    """A detector, and what was seen of it: call it with the path of a test picture, then ask for the `figures`."""

    def __init__(self, score: Callable[[np.ndarray], RawMaps], category: Category, rebuilds: bool = True) -> None:
        self._score, self._rebuilds = score, rebuilds
        self._images = {image.path: image for image in category.test}
        self._psnr: list[float] = []
        self._ssim: list[float] = []
        self._overlap: list[float] = []
        self._times: list[float] = []
        self._finds = False

    def __call__(self, path: Path) -> RawMaps:
        picture, image = read_image(path), self._images[path]
        began = time.perf_counter()
        maps = self._score(picture)
        self._times.append(time.perf_counter() - began)
        if self._rebuilds and maps.reconstruction is not None and not image.defective:
            self._compare(picture, maps.reconstruction)
        if image.foreground is not None:
            self._find(image, picture.shape[:2], maps.foreground)
        return maps

    def figures(self) -> dict[str, float | None]:
        """Means, None where there was nothing to see; `score_ms` is the median time without reading the file."""
        return {
            "psnr": rounded(mean(self._psnr)),
            "ssim": rounded(mean(self._ssim)),
            "mask_iou": rounded(mean(self._overlap)) if self._finds else None,
            "score_ms": rounded(1000.0 * float(np.median(self._times))) if self._times else None,
        }

    def _compare(self, picture: np.ndarray, rebuilt: np.ndarray) -> None:
        seen = resize_image(picture, (rebuilt.shape[0], rebuilt.shape[1]))
        self._psnr.append(psnr(seen, rebuilt))
        first, second = (torch.tensor(each).permute(2, 0, 1)[None].float() / 255.0 for each in (seen, rebuilt))
        self._ssim.append(float(ssim(first, second)))

    def _find(self, image: LabelledImage, shape: tuple[int, int], foreground: np.ndarray) -> None:
        assert image.foreground is not None
        self._finds |= bool((foreground < SURE).any())
        truth = resize_mask(read_mask(image.foreground, shape), (foreground.shape[0], foreground.shape[1]))
        self._overlap.append(overlap(foreground > 0.5, truth))


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 arrays of one shape: 20 log10(255 / root mean square error)."""
    error = float(np.mean((first.astype(np.float64) - second) ** 2))
    return min(HIGHEST_PSNR, float(10.0 * np.log10(255.0**2 / error))) if error else HIGHEST_PSNR
