"""The patch description network: an image -> one vector per 4x4 pixels, distilled once from an ImageNet network.

Users never train it. Its weights lie in `weights/`, one safetensors file and one card (JSON) a size.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from baad.data.checksum import hash_file
from baad.data.spread import spread_evenly
from baad.errors import BundleError
from baad.learn.blocks import fold_batch_norms
from baad.learn.pdn_designs import PDN_SHAPES, PdnShape, new_trunk
from baad.learn.pictures import to_image

WEIGHTS = Path(__file__).parent / "weights"
FITTED_ON = 60  # pictures
NEAR = "_near"  # ends the names of networks with a near view
STRIDE = 4  # image pixels per feature cell
MEAN = (0.485, 0.456, 0.406)  # of ImageNet's pictures in 0..1: the shipped weights expect it
STD = (0.229, 0.224, 0.225)


class Pdn(nn.Module):
    """Images [B, 3, H, W] in 0..1 -> features [B, C, H / 4, W / 4].

    Up to three scales, added: each vector sees a little finely, at stride 4, and more at strides 8 and 16. A wide view
    costs less there, and real defects are often out of place rather than oddly coloured: a view of 25 px misses those
    (docs/decisions/005). A near view sees 33x33 px, as PDN-S does (Batzner et al. 2023, table 6), or little more.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shape: PdnShape) -> None:
        super().__init__()
        self.shape = shape
        self.fine = new_trunk(shape.fine, 3)
        self.head = nn.Conv2d(shape.fine[-1].width, shape.features, shape.head_kernel)
        self.scales: list[str] = []  # names of the coarser parts
        inputs = shape.fine[-1].width
        for name, layers in (("coarse", shape.coarse), ("deep", shape.deep)):
            if layers:
                self.scales.append(name)
                self.add_module(name, new_trunk(layers, inputs))
                inputs = layers[-1].width
                self.add_module(f"{name}_head", nn.Conv2d(inputs, shape.features, 1, bias=False))
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        found, *coarser = [head(x) for head, x in zip(self.heads(), self.maps(images))]  # [B, C, H / 4, W / 4], ...
        for index, coarse in enumerate(coarser, 1):
            found = found + F.interpolate(coarse, scale_factor=2.0**index, mode="nearest")
        return found

    def maps(self, images: Tensor) -> list[Tensor]:
        """What the heads read: [B, width, H / 4, W / 4], and at strides 8 and 16 where the design has them."""
        found = [self.fine((images - self.mean) / self.std)]
        for name in self.scales:
            found.append(self.get_submodule(name)(found[-1]))
        return found

    def heads(self) -> list[nn.Conv2d]:
        """The last layers, whose outputs are added; the first alone has a bias."""
        return [self.head, *(getattr(self, f"{name}_head") for name in self.scales)]


def shipped_pdns() -> list[str]:
    """Keys of PDN_SHAPES whose distilled weights come with this package."""
    return sorted(file.stem.removeprefix("pdn_") for file in WEIGHTS.glob("pdn_*.safetensors"))


def name_pdn(size: str, near: bool) -> str:
    """The network of that size with a wide view, or with a near one where it has one: a key of PDN_SHAPES."""
    return f"{size}{NEAR}" if near and f"{size}{NEAR}" in PDN_SHAPES else size


def hash_of(name: str) -> str:
    """SHA-256 that the card of shipped weights states; `name`: a key of PDN_SHAPES."""
    return str(json.loads((WEIGHTS / f"pdn_{name}.json").read_text("utf-8"))["sha256"])


def load_pdn(size: str) -> Pdn:
    """The distilled network of that name, see `name_pdn`, frozen, in evaluation mode.

    Raises BundleError where the weights are absent, or differ from the SHA-256 in their card.
    """
    file, card = WEIGHTS / f"pdn_{size}.safetensors", WEIGHTS / f"pdn_{size}.json"
    if not file.exists() or not card.exists():
        raise BundleError(
            f"The distilled PDN {size!r} is not in this installation (it has {', '.join(shipped_pdns()) or 'none'}). "
            "Install baad again."
        )
    return read_pdn(file, card, PDN_SHAPES[size])


def read_pdn(file: Path, card: Path, shape: PdnShape) -> Pdn:
    """A PDN from its weights file, after checking the hash that its card states."""
    verify(file, card)
    return read_weights(file, shape)


def verify(file: Path, card: Path) -> dict[str, Any]:
    """The card of a file of weights. Raises BundleError where the file's SHA-256 is not the one that it states."""
    try:
        told: dict[str, Any] = json.loads(card.read_text("utf-8"))
        stated = told["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{card.name} is damaged: it states no SHA-256. Install baad again.") from error
    if hash_file(file) != stated:
        raise BundleError(f"{file.name} is damaged: its SHA-256 is not the one in {card.name}. Install baad again.")
    return told


def read_weights(file: Path, shape: PdnShape) -> Pdn:
    """A PDN from its weights file alone, frozen, as it is used: in float32, its branches and batch norms folded."""
    network = Pdn(shape)
    network.load_state_dict({name: value.float() for name, value in load_file(file).items()})
    return _deployed(network)


def fit_features(pdn: Pdn, pictures: np.ndarray) -> Pdn:
    """Shift and scale the features for one kind of picture, uint8 [N, H, W, 3]; the network handed in, changed.

    Each channel's mean over the pictures becomes 0, and the channels' mean variance 1: one factor for all of them,
    since what a photo network cannot predict is small and must stay so (Batzner et al. 2023, section 3.1, scale each
    channel by itself). A factory's pictures vary far less than photos, and losses would hardly see them.
    """
    chosen = pictures[spread_evenly(len(pictures), FITTED_ON)]
    with torch.no_grad():
        total, squares, count = torch.zeros(()), torch.zeros(()), 0
        for picture in chosen:
            images = to_image(picture)
            features = pdn(images)[0].flatten(1).double()  # [C, h * w]
            total, squares = total + features.sum(1), squares + features.square().sum(1)
            count += features.shape[1]
        mean = total / count  # [C]
        scale = (squares / count - mean.square()).mean().clamp(min=1e-6).sqrt().float()
        for head in pdn.heads():
            head.weight.div_(scale)
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
    return _deployed(network)


def _deployed(network: Pdn) -> Pdn:
    """Frozen, its branches and batch norms folded into plain convolutions."""
    fold_batch_norms(network.eval())
    return network.requires_grad_(False)
