"""Drawn photos, and a teacher that costs nothing: for the tests of distillation."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from baad.learn.teacher import Teacher


def write_photos(folder: Path, count: int = 10) -> Path:
    """Blurred coarse noise, 90 x 80 px."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for index in range(count):
        coarse = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((90, 80), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return folder


class _ColourMaps(nn.Module):
    """Local colours, mixed at random: 70 channels at stride 8 and 70 at stride 16."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        for name in ("fine", "coarse"):
            self.register_buffer(name, torch.randn(70, 3, 1, 1, generator=generator))

    def forward(self, x: Tensor) -> list[Tensor]:
        scales = ((self.fine, 8), (self.coarse, 16))
        return [torch.tanh(F.conv2d(F.avg_pool2d(x, scale), mixing)) for mixing, scale in scales]


class _ChannelsLast(_ColourMaps):
    def forward(self, x: Tensor) -> list[Tensor]:
        return [each.permute(0, 2, 3, 1) for each in super().forward(x)]


def channels_last_teacher(*_: object) -> Teacher:
    """Stands for a network such as Swin, whose maps are [B, H, W, C]."""
    return Teacher("last", "none", (0.5,) * 3, (0.25,) * 3, _ChannelsLast())


def colour_teacher(*_: object) -> Teacher:
    """Stands for a network, with more channels than the students that are taught."""
    return Teacher("colours", "none", (0.5,) * 3, (0.25,) * 3, _ColourMaps())
