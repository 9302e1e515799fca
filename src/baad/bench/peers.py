"""Networks that speed is compared with, weights random: EfficientAD-S, WideResNet-50 to layer 3, one dense convolution.

A forward pass costs the same whatever the weights are. All take images [B, 3, H, W] in 0..1, but for the convolution.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.learn.blocks import ConvBlock

DENSE = (128, 64)  # channels and side of the convolution that stands for what a machine can do
TEACHER_CHANNELS = 384


def pdn_s(outputs: int) -> nn.Sequential:
    """Patch description network, small: [B, 3, H, W] -> [B, outputs, H / 4 - 8, W / 4 - 8].

    Batzner et al. 2023, table 6, without padding as it is when it looks for anomalies: a fifth cheaper than with.
    """
    return nn.Sequential(
        nn.Conv2d(3, 128, 4),
        nn.ReLU(inplace=True),
        nn.AvgPool2d(2),
        nn.Conv2d(128, 256, 4),
        nn.ReLU(inplace=True),
        nn.AvgPool2d(2),
        nn.Conv2d(256, 256, 3),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, outputs, 4),
    )


class AutoEncoder(nn.Module):
    """[B, 3, H, W] -> [B, 384, H / 4 - 8, W / 4 - 8], through 64 channels of one cell at 256 px.

    Batzner et al. 2023, table 7. Dropout does nothing in use and is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        encoder: list[nn.Module] = []
        for before, after in ((3, 32), (32, 32), (32, 64), (64, 64), (64, 64)):
            encoder += [nn.Conv2d(before, after, 4, 2, 1), nn.ReLU(inplace=True)]
        self.encoder = nn.Sequential(*encoder, nn.Conv2d(64, 64, 8))
        self.decoder = nn.ModuleList(nn.Conv2d(64, 64, 4, padding=2) for _ in range(6))
        self.head = nn.Sequential(
            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(64, TEACHER_CHANNELS, 3, padding=1)
        )

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        x = self.encoder(images)
        for layer, (step, less) in zip(self.decoder, ((64, 1), (32, 0), (16, 1), (8, 0), (4, 1), (2, 1))):
            size = (height // step - less, width // step - less)
            x = torch.relu(layer(F.interpolate(x, size=size, mode="bilinear", align_corners=False)))
        size = (math.ceil(height / 4) - 8, math.ceil(width / 4) - 8)
        return self.head(F.interpolate(x, size=size, mode="bilinear", align_corners=False))


class EfficientAdS(nn.Module):
    """Teacher, student and autoencoder of EfficientAD-S -> their two maps, [B, 1, H / 4 - 8, W / 4 - 8] each."""

    def __init__(self) -> None:
        super().__init__()
        self.teacher = pdn_s(TEACHER_CHANNELS)
        self.student = pdn_s(2 * TEACHER_CHANNELS)
        self.autoencoder = AutoEncoder()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        teacher, student, rebuilt = self.teacher(images), self.student(images), self.autoencoder(images)
        local = ((teacher - student[:, :TEACHER_CHANNELS]) ** 2).mean(dim=1, keepdim=True)
        return local, ((rebuilt - student[:, TEACHER_CHANNELS:]) ** 2).mean(dim=1, keepdim=True)


class Bottleneck(nn.Module):
    """Residual block of the wide network: 1x1, 3x3, 1x1 (Zagoruyko and Komodakis 2016)."""

    def __init__(self, inputs: int, width: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.narrow = nn.Sequential(ConvBlock(inputs, width, 1), ConvBlock(width, width, 3, stride))
        self.widen = nn.Sequential(nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        same = inputs == outputs and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.widen(self.narrow(x)) + self.shortcut(x))


class WideResNet50(nn.Module):
    """[B, 3, H, W] -> layers 2 and 3, [B, 512, H / 8, W / 8] and [B, 1024, H / 16, W / 16]: what PatchCore reads."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvBlock(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1))
        self.layer1 = _layer(64, 128, 256, 3, 1)
        self.layer2 = _layer(256, 256, 512, 4, 2)
        self.layer3 = _layer(512, 512, 1024, 6, 2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        second = self.layer2(self.layer1(self.stem(images)))
        return second, self.layer3(second)


def _layer(inputs: int, width: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(inputs, width, outputs, stride)
    return nn.Sequential(first, *(Bottleneck(outputs, width, outputs, 1) for _ in range(blocks - 1)))


def dense_convolution() -> nn.Conv2d:
    """3x3, 128 to 128 channels; its input is [1, 128, 64, 64] whatever the pictures are."""
    return nn.Conv2d(DENSE[0], DENSE[0], 3, padding=1)
