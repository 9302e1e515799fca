"""Networks that speed is compared with, weights random: EfficientAD-S, WideResNet-50 to layer 3, one dense convolution.

A forward pass costs the same whatever the weights are. All take images [B, 3, H, W] in 0..1, but for the convolution.
"""

import torch
from torch import Tensor, nn

from baad.baselines.efficientad import Autoencoder
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


class EfficientAdS(nn.Module):
    """Teacher, student and autoencoder of EfficientAD-S -> their two maps, [B, 1, H / 4 - 8, W / 4 - 8] each."""

    def __init__(self) -> None:
        super().__init__()
        self.teacher = pdn_s(TEACHER_CHANNELS)
        self.student = pdn_s(2 * TEACHER_CHANNELS)
        self.autoencoder = Autoencoder(TEACHER_CHANNELS)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        teacher, student = self.teacher(images), self.student(images)
        rebuilt = self.autoencoder(images, teacher.shape[-2:])
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
