"""Memory: a few hundred patches of normal parts, and how far any patch is from the nearest of them.

The discriminator learns from invented defects what defects look like; the memory knows of whatever normal parts do not
have, invented or not. It is not trained and no input of the discriminator: the two are added on the anomaly map
(`docs/decisions/006-memory.md`). As PatchCore's memory bank (Roth et al. 2022, section 3.2), small enough for one
convolution.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.data.spread import spread_evenly
from baad.learn.pdn import STRIDE, Pdn
from baad.learn.pictures import to_image

CODES = 512
SAMPLE = 20_000  # patches that the codes are chosen from
PICTURES = 150  # at most, spread over the set
EDGE = 8  # px inside the part's outline whose patches see the background too
LEAST_PART = 0.5  # share of a patch's cell that must be part, its edge left out


class Nearness(nn.Conv2d):
    """A 1x1 convolution as one product of matrices: [B, C, h, w] -> [B, h * w, codes].

    The least of a row of 512 is found in a tenth of the time that the least of 512 channels takes.
    """

    def __init__(self, features: int, codes: int) -> None:
        super().__init__(features, codes, 1)

    def forward(self, patches: Tensor) -> Tensor:
        return F.linear(patches.flatten(2).transpose(1, 2), self.weight[:, :, 0, 0], self.bias)


class Level(nn.Module):
    """gain x (what comes in - centre): maps of different kinds, made comparable. With a gain of 0 until it is set."""

    centre: Tensor
    gain: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("gain", torch.zeros(()))

    def forward(self, found: Tensor) -> Tensor:
        return (found - self.centre) * self.gain

    def set(self, centre: float, gain: float) -> None:
        """What counts as usual, and how much the rest counts."""
        self.centre.fill_(centre)
        self.gain.fill_(gain)


class Memory(nn.Module):
    """Features [B, C, h, w] -> novelty [B, 1, h / 2, w / 2]: distance to the nearest code, levelled.

    Empty, with a gain of 0, until `remember`.
    """

    def __init__(self, features: int, codes: int = CODES) -> None:
        super().__init__()
        self.nearness = Nearness(features, codes).requires_grad_(False)  # weight -2 x code, bias its squared norm
        nn.init.zeros_(self.nearness.weight)
        nn.init.zeros_(self.nearness.bias)  # type: ignore[arg-type]
        self.level = Level()

    def forward(self, features: Tensor) -> Tensor:
        patches = pool_patches(features)  # [B, C, h / 2, w / 2]
        batch, _, height, width = patches.shape
        near = self.nearness(patches).amin(dim=2).reshape(batch, 1, height, width)  # |code|^2 - 2 patch . code
        distance = (near + patches.square().sum(1, keepdim=True)).clamp(min=1e-6).sqrt()
        return self.level(distance)

    @torch.no_grad()
    def remember(self, codes: Tensor) -> None:
        """Keep codes [K, C]; novelty is the plain distance until it is levelled."""
        assert self.nearness.bias is not None
        self.nearness.weight.copy_(-2.0 * codes[:, :, None, None])
        self.nearness.bias.copy_(codes.square().sum(1))
        self.level.set(0.0, 1.0)


def pool_patches(features: Tensor) -> Tensor:
    """Means over 4x4 cells at every second cell: [B, C, h, w] -> [B, C, h / 2, w / 2]."""
    return F.avg_pool2d(features, 4, 2, 1, count_include_pad=False)


@torch.no_grad()
def choose_codes(pdn: Pdn, pictures: np.ndarray, foregrounds: np.ndarray, count: int, seed: int) -> Tensor:
    """Codes [count, C] from the part of normal pictures: uint8 [N, H, W, 3], bool [N, H, W].

    Greedily, each the patch furthest from those before it, so that rare details of normal parts are kept.
    """
    sample = _sample_patches(pdn, pictures, foregrounds, np.random.default_rng([seed, 13]))
    return sample[choose_coreset(sample, count)]


def choose_coreset(patches: Tensor, count: int) -> Tensor:
    """Greedy k-centre (Gonzalez 1985), as PatchCore's coreset (section 3.2): indices [count] of patches [P, C]; with
    fewer patches some come again."""
    squared, nearest, chosen = patches.square().sum(1), torch.full((len(patches),), torch.inf), [0]
    nearest = nearest.to(patches.device)
    while len(chosen) < count:
        code = patches[chosen[-1]]
        nearest = torch.minimum(nearest, squared - 2.0 * (patches @ code) + code.square().sum())
        chosen.append(int(nearest.argmax()))
    return torch.tensor(chosen)


def _sample_patches(pdn: Pdn, pictures: np.ndarray, foregrounds: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Patches of the part [P, C], about as many from every picture that shows it; of everything where none does."""
    chosen = spread_evenly(len(pictures), PICTURES)
    on_part = [_cells_of_part(foregrounds[index]) for index in chosen]
    if not any(cells.any() for cells in on_part):
        on_part = [np.ones_like(cells) for cells in on_part]
    device, kept = next(pdn.parameters()).device, []
    for index, places in zip(chosen, map(np.flatnonzero, on_part)):
        image = to_image(pictures[index], device)
        patches = pool_patches(pdn(image))[0].flatten(1).T  # [h * w / 4, C]
        some = rng.choice(places, min(len(places), -(-SAMPLE // len(chosen))), replace=False)
        kept.append(patches[torch.from_numpy(some).to(device)])
    return torch.cat(kept)


def _cells_of_part(foreground: np.ndarray) -> np.ndarray:
    """bool [H, W] -> bool [h * w / 4]: the patches of which enough is part, EDGE px inside its outline."""
    off_part = F.max_pool2d(torch.from_numpy(~foreground).float()[None, None], 2 * EDGE + 1, 1, EDGE)
    return F.avg_pool2d(off_part, 2 * STRIDE)[0, 0].flatten().numpy() <= 1.0 - LEAST_PART
