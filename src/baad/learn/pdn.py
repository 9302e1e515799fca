"""The patch description network: an image -> one vector per 4x4 pixels, distilled once from an ImageNet network.

Users never train it. Its weights lie in `weights/`, one safetensors file and one card (JSON) a size.
"""

import hashlib
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from baad.errors import BundleError
from baad.learn.blocks import ConvBlock

WEIGHTS = Path(__file__).parent / "weights"
FITTED_ON = 60  # pictures
STRIDE = 4  # image pixels per feature cell
MEAN = (0.485, 0.456, 0.406)  # of ImageNet's pictures in 0..1: the shipped weights expect it
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class PdnShape:
    """Widths of the stem (5x5 stride 2), of the layers at stride 4 and at stride 8, of the output."""

    stem: int
    fine: tuple[int, ...]
    coarse: tuple[int, ...]
    features: int


PDN_SHAPES = {
    "tiny": PdnShape(stem=16, fine=(32, 32, 48), coarse=(64, 96, 96), features=96),
    "fast": PdnShape(stem=32, fine=(48, 64, 64), coarse=(96, 128, 128), features=128),
}


class Pdn(nn.Module):
    """Images [B, 3, H, W] in 0..1 -> features [B, C, H / 4, W / 4].

    Two scales, added: each vector sees 25x25 pixels finely, at stride 4, and 65x65 coarsely, at stride 8. The wide
    view costs less there, and real defects are often out of place rather than oddly coloured (METHOD, prototype
    reading 4). Single-scale PDNs see 33x33 (Batzner et al. 2023, table 6).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shape: PdnShape) -> None:
        super().__init__()
        widths = [shape.stem, *shape.fine, *shape.coarse]
        layers = [ConvBlock(3, shape.stem, 5, 2)]
        for index, (before, after) in enumerate(pairwise(widths)):
            layers.append(ConvBlock(before, after, 3, 2 if index in (0, len(shape.fine)) else 1))
        self.fine = nn.Sequential(*layers[: 1 + len(shape.fine)])
        self.coarse = nn.Sequential(*layers[1 + len(shape.fine) :])
        self.head = nn.Conv2d(shape.fine[-1], shape.features, 1)
        self.coarse_head = nn.Conv2d(shape.coarse[-1], shape.features, 1, bias=False)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        fine = self.fine((images - self.mean) / self.std)  # [B, fine, H / 4, W / 4]
        coarse = self.coarse_head(self.coarse(fine))  # [B, C, H / 8, W / 8]
        return self.head(fine) + F.interpolate(coarse, scale_factor=2.0, mode="nearest")  # [B, C, H / 4, W / 4]


def shipped_sizes() -> list[str]:
    """Sizes whose distilled weights come with this package."""
    return sorted(file.stem.removeprefix("pdn_") for file in WEIGHTS.glob("pdn_*.safetensors"))


def load_pdn(size: str) -> Pdn:
    """The distilled network of that size, frozen, in evaluation mode.

    Raises BundleError where the weights are absent, or differ from the SHA-256 in their card.
    """
    file, card = WEIGHTS / f"pdn_{size}.safetensors", WEIGHTS / f"pdn_{size}.json"
    if not file.exists() or not card.exists():
        available = ", ".join(shipped_sizes()) or "none"
        raise BundleError(
            f"This version ships no distilled PDN of size {size!r} (available: {available}). "
            "Choose one of those with --set size=NAME."
        )
    return read_pdn(file, card, PDN_SHAPES[size])


def read_pdn(file: Path, card: Path, shape: PdnShape) -> Pdn:
    """A PDN from its weights file, after checking the hash that its card states."""
    stated = json.loads(card.read_text("utf-8"))["sha256"]
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != stated:
        raise BundleError(f"{file.name} is damaged: its SHA-256 is not the one in {card.name}. Install baad again.")
    network = Pdn(shape)
    network.load_state_dict({name: value.float() for name, value in load_file(file).items()})
    return network.eval().requires_grad_(False)


def fit_features(pdn: Pdn, pictures: np.ndarray) -> Pdn:
    """Shift and scale the features for one kind of picture, uint8 [N, H, W, 3]; the network handed in, changed.

    Each channel's mean over the pictures becomes 0, and the channels' mean variance 1: one factor for all of them,
    since what a photo network cannot predict is small and must stay so (Batzner et al. 2023, section 3.1, scale each
    channel by itself). A factory's pictures vary far less than photos, and losses would hardly see them.
    """
    chosen = pictures[:: max(1, len(pictures) // FITTED_ON)]
    with torch.no_grad():
        total, squares, count = torch.zeros(()), torch.zeros(()), 0
        for picture in chosen:
            images = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255.0
            features = pdn(images)[0].flatten(1).double()  # [C, h * w]
            total, squares = total + features.sum(1), squares + features.square().sum(1)
            count += features.shape[1]
        mean = total / count  # [C]
        scale = (squares / count - mean.square()).mean().clamp(min=1e-6).sqrt().float()
        pdn.coarse_head.weight.div_(scale)
        pdn.head.weight.div_(scale)
        assert pdn.head.bias is not None
        pdn.head.bias.sub_(mean.float()).div_(scale)
    return pdn


def new_pdn(size: str, seed: int) -> Pdn:
    """A PDN with random weights, frozen: the control that shows what distillation is worth."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Pdn(PDN_SHAPES[size])
        with torch.no_grad():  # batch norm from noise, so that activations have a sane scale
            for _ in range(20):
                network(torch.rand(2, 3, 64, 64))
    return network.eval().requires_grad_(False)
