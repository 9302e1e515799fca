"""Discriminative sub-network: compares the image with its reconstruction and says where they differ for a reason.

It reads four things at 64x64 cells: image beside reconstruction, the difference between the PDN's features and the
rebuilt ones, the features themselves, and the predicted foreground (BAAD, figure 1b).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.learn.blocks import ConvBlock, ResidualBlock


@dataclass(frozen=True)
class DiscriminatorShape:
    """Channels of the inputs (fine and coarse pixels, difference, features), at 64, 32, 16 cells, and on the way up."""

    fine: int
    pixels: int
    difference: int
    features: int
    down: tuple[int, int, int]
    up: tuple[int, int]


class Discriminator(nn.Module):
    """-> anomaly logits [B, 1, 128, 128]; cells are for 256 px images."""

    def __init__(self, features: int, shape: DiscriminatorShape) -> None:
        super().__init__()
        # at 128x128, one step above the features, so that hairlines are seen before they are averaged away
        self.from_image = nn.Conv2d(3, shape.fine, 3, 2, padding=1)
        self.from_picture = nn.Conv2d(12, shape.fine, 1)
        self.from_fine = nn.Conv2d(shape.fine, shape.pixels, 3, 2, padding=1)
        self.from_difference = nn.Conv2d(features, shape.difference, 1)
        self.from_features = nn.Conv2d(features, shape.features, 1)
        first, second, third = shape.down
        inputs = shape.pixels + shape.difference + shape.features
        self.mix = nn.Sequential(nn.Conv2d(inputs, first, 1, bias=False), nn.BatchNorm2d(first))
        self.from_foreground = nn.Conv2d(1, first, 1, bias=False)  # apart: 129 channels would leave blocks of 16
        self.at_64 = ConvBlock(first, first)
        self.at_32 = ConvBlock(first, second, 3, 2)
        self.at_16 = nn.Sequential(ConvBlock(second, third, 3, 2), ResidualBlock(third))
        self.skip_32 = nn.Conv2d(second, shape.up[0], 1)
        self.skip_64 = nn.Conv2d(first, shape.up[1], 1)
        self.lift_16 = nn.Conv2d(third, shape.up[0], 1)
        self.lift_32 = nn.Conv2d(shape.up[0], shape.up[1], 1)
        self.up_32 = ConvBlock(shape.up[0], shape.up[0])
        self.up_64 = ConvBlock(shape.up[1], shape.up[1])
        self.out = nn.Conv2d(shape.up[1], 4, 1)
        nn.init.constant_(self.out.bias, -3.0)  # type: ignore[arg-type]  # anomalies are rare

    def forward(
        self, image: Tensor, picture: Tensor, features: Tensor, difference: Tensor, foreground: Tensor
    ) -> Tensor:
        fine = torch.relu(self.from_image(image) + self.from_picture(picture))  # [B, fine, 128, 128]
        x = torch.cat(
            [
                torch.relu(self.from_fine(fine)),
                torch.relu(self.from_difference(difference.abs())),
                torch.relu(self.from_features(features)),
            ],
            dim=1,
        )  # [B, pixels + difference + features, 64, 64]
        at_64 = self.at_64(torch.relu(self.mix(x) + self.from_foreground(foreground)))  # [B, down 0, 64, 64]
        at_32 = self.at_32(at_64)  # [B, down 1, 32, 32]
        x = self.lift_16(self.at_16(at_32))  # [B, up 0, 16, 16]
        x = self.up_32(F.interpolate(x, scale_factor=2.0, mode="nearest") + self.skip_32(at_32))
        x = F.interpolate(self.lift_32(x), scale_factor=2.0, mode="nearest") + self.skip_64(at_64)
        return F.pixel_shuffle(self.out(self.up_64(x)), 2)  # [B, 1, 128, 128]
