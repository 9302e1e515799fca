"""What normal patches look like at each place of the picture, where camera and part stand still: a Gaussian per place.

As PaDiM has it (Defard et al. 2021, section 3), so small that it costs next to nothing: patches are seen along the
directions in which they differ most, neighbouring places share a covariance where there are many, and all places lend
each other some of theirs. Novelty is then the distance from what is normal at this place, and not from the nearest of
all normal patches (`docs/decisions/023-patches-at-their-place.md` and 025).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.data.spread import spread_evenly
from baad.learn.memory import Level
from baad.learn.pdn import Pdn
from baad.learn.pictures import to_image
from baad.learn.places import LEAST
from baad.progress import Progress

PICTURES = 500  # at most, spread over the set
KEPT = 32  # directions
FEW_PLACES = 1200  # up to which each has a covariance of its own; of more 2x2 share one
LENT = 10.0  # pictures that the covariance of all places counts as, beside the pictures of a block's own
RIDGE = 0.01  # of the mean variance, added to each
LEAST_RIDGE = 1e-4  # for pictures that do not vary; features have a variance of 1
TELLING = 0.1  # nats that a place must tell of each direction of a patch, lest it count as no place of its own


@dataclass(frozen=True)
class Gaussians:
    """axes [k, C]; mean [k, h, w] of each place along them; factor [blocks, k, k]: |(x - mean) @ factor| is the
    Mahalanobis distance. telling: how many nats more they tell of a held-out patch, per direction, than one Gaussian
    for all places does."""

    axes: Tensor
    mean: Tensor
    factor: Tensor
    telling: float


class PlacedMemory(nn.Module):
    """Features [B, C, h, w] -> novelty [B, 1, h / 2, w / 2]: distance from the patches of the same place, levelled.

    Empty until `remember`; it then takes features of one shape alone.
    """

    axes: Tensor
    mean: Tensor
    factor: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("axes", "mean", "factor"):
            self.register_buffer(name, torch.zeros(0))
        self.level = Level()

    @property
    def known(self) -> bool:
        """Whether anything is remembered."""
        return self.factor.numel() > 0

    def forward(self, features: Tensor) -> Tensor:
        offset = F.conv2d(pool_cells(features), self.axes[:, :, None, None]) - self.mean  # [B, k, h / 2, w / 2]
        height, width = offset.shape[-2:]
        side = math.isqrt(height * width // len(self.factor))
        scaled = to_blocks(offset, side) @ self.factor  # [B, blocks, side * side, k]
        distance = scaled.square().sum(3).clamp(min=1e-6).sqrt()
        return self.level(from_blocks(distance, (height, width), side))

    def remember(self, found: Gaussians) -> None:
        """Keep them; novelty is the plain distance until it is levelled."""
        self.axes, self.mean, self.factor = found.axes, found.mean, found.factor
        self.level.set(0.0, 1.0)

    def cost(self) -> tuple[int, int]:
        """Numbers that are kept, and multiply-accumulates for one picture."""
        kept, channels = self.axes.shape
        places = self.mean[0].numel()
        return sum(each.numel() for each in (self.axes, self.mean, self.factor)), places * kept * (channels + kept)


def pool_cells(features: Tensor) -> Tensor:
    """Means over 2x2 cells, side by side: [B, C, h, w] -> [B, C, h / 2, w / 2]. Means over 4x4, as remembered patches
    are, hide what is smaller."""
    return F.avg_pool2d(features, 2)


def to_blocks(maps: Tensor, side: int) -> Tensor:
    """[B, k, h, w] -> [B, blocks, side * side, k], blocks in rows."""
    batch, kept, height, width = maps.shape
    apart = maps.reshape(batch, kept, height // side, side, width // side, side).permute(0, 2, 4, 3, 5, 1)
    return apart.reshape(batch, -1, side * side, kept)


def from_blocks(values: Tensor, shape: tuple[int, int], side: int) -> Tensor:
    """[B, blocks, side * side] -> [B, 1, h, w] of that shape."""
    rows, columns = shape[0] // side, shape[1] // side
    apart = values.reshape(-1, rows, columns, side, side).permute(0, 1, 3, 2, 4)
    return apart.reshape(-1, 1, *shape)


@torch.no_grad()
def learn_gaussians(pdn: Pdn, pictures: np.ndarray, held_out: np.ndarray, progress: Progress) -> Gaussians | None:
    """What normal pictures uint8 [N, H, W, 3] look like at each place, from 500 of them at most; nothing from fewer
    than 10. held_out: others, likewise, of which `telling` is told. Patches are seen anew each time, not kept.
    """
    seen = pictures[spread_evenly(len(pictures), PICTURES)]
    if len(seen) < LEAST:
        return None
    nothing = torch.zeros((), dtype=torch.float64)

    def see_all(what: str) -> Iterator[Tensor]:
        with progress.task(f"what is normal at each place, {what}", len(seen)) as task:
            for picture in seen:
                yield _see(pdn, picture)
                task.advance()

    mean = sum((patches.double() for patches in see_all("mean")), nothing).div(len(seen)).float()  # [C, h, w]
    middle = mean.mean((1, 2), keepdim=True)
    covariance = sum((_products((patches - middle).flatten(1).T) for patches in see_all("directions")), nothing)
    variances, directions = torch.linalg.eigh(covariance / (len(seen) * mean[0].numel()))
    axes = directions.flip(1)[:, :KEPT].T.float()  # [k, C]
    side = 1 if mean[0].numel() <= FEW_PLACES else 2

    def place(patches: Tensor) -> Tensor:
        return to_blocks(_along(axes, patches - mean), side)[0]  # [blocks, side * side, k]

    own = sum((_products(place(patches)) for patches in see_all("spread")), nothing) / side**2
    shared = own.mean(0) / len(seen)
    ridge = (RIDGE * shared.diagonal().mean()).clamp(min=LEAST_RIDGE)
    found = (own + LENT * shared) / (len(seen) + LENT - 1.0) + ridge * torch.eye(len(axes))
    factor = torch.linalg.cholesky(torch.linalg.inv(found))
    anywhere = (variances.flip(0)[: len(axes)] + ridge).rsqrt().diag()[None]
    telling = 0.0
    for each in (_see(pdn, picture) for picture in held_out):
        telling += _log_likelihood(place(each), factor)
        telling -= _log_likelihood(to_blocks(_along(axes, each - middle), 1), anywhere)
    return Gaussians(axes, _along(axes, mean)[0], factor.float(), telling / max(1, len(held_out)))


def _see(pdn: Pdn, picture: np.ndarray) -> Tensor:
    """Patches [C, h, w] of a picture uint8 [H, W, 3]."""
    return pool_cells(pdn(to_image(picture)))[0]


def _along(axes: Tensor, patches: Tensor) -> Tensor:
    """Patches [C, h, w] -> [1, k, h, w]."""
    return F.conv2d(patches[None], axes[:, :, None, None])


def _products(rows: Tensor) -> Tensor:
    """Sum of the products of rows [..., n, k] with themselves: float64 [..., k, k], which differences of it need."""
    return rows.double().transpose(-1, -2) @ rows.double()


def _log_likelihood(offsets: Tensor, factor: Tensor) -> float:
    """Of offsets [..., places, k] from the means of Gaussians, in nats: mean over places and directions, less the
    constant. factor: as that of `Gaussians`."""
    distance = (offsets.double() @ factor).square().sum(-1).mean()
    return float(factor.diagonal(dim1=1, dim2=2).log().sum(1).mean() - distance / 2.0) / factor.shape[-1]
