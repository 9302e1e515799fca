"""Multi-task reconstruction sub-network: one shared trunk, a head that rebuilds the image, one that finds the part.

The trunk squeezes the PDN's features through an 8x8 bottleneck without skips, so that a defect does not pass. The
image head therefore draws the picture as it would be without the defect (BAAD, section 3.2).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.learn.blocks import ConvBlock, Negated


@dataclass(frozen=True)
class MtrsShape:
    """Channels of the neck, of the four scales of the trunk (32, 16, 8 cells, and the way up), of the heads."""

    neck: int
    down: tuple[int, int, int]
    up: tuple[int, int]
    image: tuple[int, int]  # channels of the image head at 64 and at 128 cells
    mask: int


class Trunk(nn.Module):
    """Neck [B, neck, 64, 64] -> shared features [B, up[1], 32, 32], through 8x8 cells."""

    def __init__(self, shape: MtrsShape) -> None:
        super().__init__()
        first, second, third = shape.down
        self.down = nn.Sequential(
            ConvBlock(shape.neck, first, 3, 2), ConvBlock(first, second, 3, 2), ConvBlock(second, third, 3, 2)
        )
        self.token = nn.Sequential(nn.Conv2d(third, third, 1), nn.ReLU(inplace=True), nn.Conv2d(third, third, 1))
        self.up_16 = ConvBlock(third, shape.up[0])
        self.up_32 = ConvBlock(shape.up[0], shape.up[1])

    def forward(self, neck: Tensor) -> Tensor:
        x = self.down(neck)  # [B, third, 8, 8]
        x = x + self.token(x.mean((2, 3), keepdim=True))
        x = self.up_16(F.interpolate(x, scale_factor=2.0, mode="nearest"))  # [B, up 0, 16, 16]
        return self.up_32(F.interpolate(x, scale_factor=2.0, mode="nearest"))  # [B, up 1, 32, 32]


class ImageHead(nn.Module):
    """Shared features [B, C, 32, 32] -> the picture as [B, 12, 128, 128] in 0..1, and a 64x64 map on the way.

    The twelve channels are the 2x2 pixels of each cell, three colours each: `unfold` them for a [B, 3, 256, 256]
    image. The discriminator reads them as they are, which saves the last and dearest shuffle.
    """

    def __init__(self, inputs: int, shape: MtrsShape) -> None:
        super().__init__()
        middle, last = shape.image
        self.at_32 = ConvBlock(inputs, 4 * middle)
        self.at_64 = ConvBlock(middle, last)
        self.at_128 = nn.Conv2d(last, 12, 3, padding=1)

    def forward(self, shared: Tensor) -> tuple[Tensor, Tensor]:
        at_64 = F.pixel_shuffle(self.at_32(shared), 2)  # [B, middle, 64, 64]
        at_128 = F.interpolate(self.at_64(at_64), scale_factor=2.0, mode="nearest")  # [B, last, 128, 128]
        return torch.sigmoid(self.at_128(at_128)), at_64


class MaskHead(nn.Module):
    """Shared features [B, C, 32, 32] and neck [B, N, 64, 64] -> foreground logits [B, 1, 64, 64].

    In half of the training images the neck is withheld, so that the bottleneck alone must know the part.
    """

    def __init__(self, inputs: int, neck: int, width: int) -> None:
        super().__init__()
        self.from_shared = nn.Sequential(ConvBlock(inputs, inputs), nn.Conv2d(inputs, width, 1))
        self.from_neck = nn.Conv2d(neck, width, 1)
        self.out = nn.Sequential(ConvBlock(width, width), nn.Conv2d(width, 1, 1))

    def forward(self, shared: Tensor, neck: Tensor) -> Tensor:
        detail = self.from_neck(neck)  # [B, width, 64, 64]
        if self.training:
            detail = detail * (torch.rand(len(detail), 1, 1, 1, device=detail.device) < 0.5)
        return self.out(F.interpolate(self.from_shared(shared), scale_factor=2.0, mode="nearest") + detail)


class Mtrs(nn.Module):
    """PDN features [B, C, 64, 64] -> picture, foreground logits, minus the rebuilt features. Cells are for 256 px.

    With `separate`, the two-network way that a shared trunk stands against: the mask has a neck and trunk of its own.
    """

    def __init__(self, features: int, shape: MtrsShape, separate: bool = False) -> None:
        super().__init__()
        self.neck = nn.Conv2d(features, shape.neck, 1)
        self.trunk = Trunk(shape)
        self.image_head = ImageHead(shape.up[1], shape)
        self.mask_head = MaskHead(shape.up[1], shape.neck, shape.mask)
        self.feature_head = Negated(shape.image[0], features)
        self.mask_neck = nn.Conv2d(features, shape.neck, 1) if separate else None
        self.mask_trunk = Trunk(shape) if separate else None

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        neck = F.dropout2d(self.neck(features), 0.1, self.training)  # [B, neck, 64, 64]
        shared = self.trunk(neck)  # [B, up 1, 32, 32]
        picture, at_64 = self.image_head(shared)
        logits = self.mask_head(shared, neck) if self.mask_neck is None else self.see_part(features)
        return picture, logits, self.feature_head(at_64)

    def see_part(self, features: Tensor) -> Tensor:
        """Foreground logits [B, 1, 64, 64] alone."""
        if self.mask_neck is not None and self.mask_trunk is not None:
            return see_part(features, self.mask_neck, self.mask_trunk, self.mask_head)
        return see_part(features, self.neck, self.trunk, self.mask_head)


def see_part(features: Tensor, neck: nn.Conv2d, trunk: Trunk, head: MaskHead) -> Tensor:
    """What one neck, trunk and head make of PDN features [B, C, 64, 64]: foreground logits [B, 1, 64, 64]."""
    narrow = F.dropout2d(neck(features), 0.1, head.training)
    return head(trunk(narrow), narrow)


def unfold(picture: Tensor) -> Tensor:
    """Picture [..., 12, H / 2, W / 2] -> image [..., 3, H, W]."""
    return F.pixel_shuffle(picture, 2)


def fold(image: Tensor) -> Tensor:
    """Image [..., 3, H, W] -> [..., 12, H / 2, W / 2], what `unfold` undoes."""
    return F.pixel_unshuffle(image, 2)
