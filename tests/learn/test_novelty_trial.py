import numpy as np
import torch
from torch import nn

from baad.learn.novelty_trial import try_memories
from baad.progress import Silence


class Plain(nn.Module):
    """As a PDN: a quarter of the side."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return nn.functional.avg_pool2d(images, 4)


class Knows(nn.Module):
    """Novelty: how far from grey, so many times."""

    def __init__(self, times: float) -> None:
        super().__init__()
        self.times = times

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.times * nn.functional.avg_pool2d((features - 0.5).abs().mean(1, keepdim=True), 2)


def test_who_knows_what_is_normal_finds_the_defects_and_who_knows_nothing_finds_half():
    rng = np.random.default_rng(0)
    pictures = rng.integers(126, 130, (3, 64, 64, 3), dtype=np.uint8)
    knowing, blind = try_memories(Plain(), [Knows(1.0), Knows(0.0)], pictures, False, 0, Silence())
    assert knowing > 0.9 and blind == 0.5


def test_the_same_seed_draws_the_same_defects_and_another_others():
    pictures = np.random.default_rng(0).integers(60, 200, (2, 64, 64, 3), dtype=np.uint8)
    first, again, other = (try_memories(Plain(), [Knows(1.0)], pictures, False, seed, Silence()) for seed in (0, 0, 1))
    assert first == again != other
