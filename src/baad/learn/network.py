"""The whole network: PDN, MTRS, discriminator, in three sizes of one design."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from baad.learn.blocks import count_macs, count_parameters, fold_batch_norms
from baad.learn.discriminator import Discriminator, DiscriminatorShape
from baad.learn.memory import Level, Memory
from baad.learn.mtrs import Mtrs, MtrsShape, fold
from baad.learn.pdn import STRIDE, Pdn
from baad.learn.placed_memory import PlacedMemory
from baad.learn.places import Places
from baad.settings import TrainSettings


@dataclass(frozen=True)
class Size:
    """Widths of MTRS and discriminator that go with a PDN of the same name."""

    mtrs: MtrsShape
    discriminator: DiscriminatorShape


_FAST = Size(
    MtrsShape(neck=48, down=(64, 96, 128), up=(96, 64), image=(32, 16), mask=32),
    DiscriminatorShape(fine=16, pixels=32, difference=48, features=48, down=(48, 64, 96), up=(64, 32)),
)
SIZES = {
    "tiny": Size(
        MtrsShape(neck=32, down=(48, 64, 96), up=(64, 48), image=(24, 16), mask=16),
        DiscriminatorShape(fine=12, pixels=24, difference=32, features=32, down=(32, 48, 64), up=(48, 24)),
    ),
    "fast": _FAST,
    "small": _FAST,  # its PDN costs several times as much as all of "fast": narrower parts would save next to nothing
}


@dataclass(frozen=True)
class Outputs:
    """What the network says of a batch. `features` are the PDN's own of the images handed in."""

    features: Tensor  # [B, C, 64, 64]
    picture: Tensor  # [B, 12, 128, 128] in 0..1: the folded reconstruction
    foreground_logits: Tensor  # [B, 1, 64, 64]
    rebuilt_features: Tensor  # [B, C, 64, 64]
    difference: Tensor  # [B, C, 64, 64]: features - rebuilt features
    anomaly_logits: Tensor  # [B, 1, 128, 128]


class Baad(nn.Module):
    """Images [B, 3, H, W] in 0..1, sides multiples of 32 -> Outputs, whose shapes are for 256 px. The PDN is frozen.

    Without `mask_head` the discriminator is told that everything is foreground; without `image_head` it sees the image
    in the place of the reconstruction, and without `feature_head` no difference of features. The heads keep their
    weights, so that one design serves every ablation. With `separate` the mask has a network of its own.

    `usual` [1, 1, h, w] in 0..1: share of the training pictures in which a cell of the mask is part, where the part
    always lies alike; one cell of 0 where it does not. `memory` is filled after training, and `placed` where the part
    stands still; one of them tells of novelty when pictures are scored, and `forward` does not ask it. `error_level`
    levels the error of the rebuilt features then, and `places` the whole map. `offset` [2]: how many px further down
    and to the right the PDN's features tell of what they see, see `measure_offset`.
    """

    usual: Tensor
    offset: Tensor

    def __init__(
        self,
        pdn: Pdn,
        size: Size,
        image_head: bool = True,
        mask_head: bool = True,
        feature_head: bool = True,
        separate: bool = False,
    ) -> None:
        super().__init__()
        features = pdn.head.out_channels
        self.pdn: Pdn = fold_batch_norms(pdn.eval())  # type: ignore[assignment]
        self.mtrs = Mtrs(features, size.mtrs, separate)
        self.discriminator = Discriminator(features, size.discriminator)
        self.memory, self.placed = Memory(features), PlacedMemory()
        self.error_level, self.places = Level(), Places()
        self.image_head, self.mask_head, self.feature_head = image_head, mask_head, feature_head
        self.register_buffer("usual", torch.zeros(1, 1, 1, 1))
        self.register_buffer("offset", torch.zeros(2))

    def train(self, mode: bool = True) -> "Baad":
        super().train(mode)
        self.pdn.eval()  # frozen, so that its features mean the same in training and on the line
        return self

    def forward(self, images: Tensor) -> Outputs:
        with torch.no_grad():
            features = self.pdn(images)  # [B, C, 64, 64]
        picture, foreground_logits, minus_rebuilt = self.mtrs(features)
        if not self.feature_head:
            minus_rebuilt = -features
        difference = features + minus_rebuilt
        foreground = torch.sigmoid(foreground_logits)
        if not self.mask_head:
            foreground = torch.ones_like(foreground)
        seen = picture if self.image_head else fold(images)  # [B, 12, 128, 128]
        anomaly_logits = self.discriminator(images, seen, features, difference, foreground)
        return Outputs(features, picture, foreground_logits, -minus_rebuilt, difference, anomaly_logits)

    def novelty(self, features: Tensor) -> Tensor:
        """How new patches of features [B, C, h, w] are, at their place where that is known: [B, 1, h / 2, w / 2]."""
        return self.placed(features) if self.placed.known else self.memory(features)

    def trained_parts(self) -> dict[str, nn.Module]:
        """The parts that training changes, by name."""
        return {"mtrs": self.mtrs, "discriminator": self.discriminator}


def sees_near(settings: TrainSettings, has_foreground: bool) -> bool:
    """Whether the network's PDN is the one with the near view."""
    return settings.view == "near" or (settings.view == "auto" and has_foreground)


def new_network(pdn: Pdn, settings: TrainSettings) -> Baad:
    """The network that the settings describe, around a PDN of their size."""
    heads = (settings.image_head, settings.mask_head, settings.feature_head)
    return Baad(pdn, SIZES[settings.size], *heads, separate=settings.separate_networks)


def describe_cost(model: Baad, input_shape: tuple[int, int]) -> dict[str, int]:
    """Parameters of the whole network, and multiply-accumulates for one image of that (height, width)."""
    image = torch.zeros(1, 3, *input_shape)
    features = torch.zeros(1, model.pdn.head.out_channels, input_shape[0] // STRIDE, input_shape[1] // STRIDE)
    parameters, macs = model.placed.cost() if model.placed.known else (0, count_macs(model.memory, features))
    return {"parameters": count_parameters(model) + parameters, "macs": count_macs(model, image) + macs}
