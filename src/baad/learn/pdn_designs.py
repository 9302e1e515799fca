"""The designs of patch description networks: three sizes, and the candidates that the default one was chosen among.

What each costs and is worth stands in docs/results/pdn/, why it is a candidate in docs/decisions/.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from baad.learn.blocks import ConvBlock, DepthwiseBlock, InvertedBlock, RepBlock


@dataclass(frozen=True)
class Layer:
    """`repeat` blocks of one kind and width; the first has the stride. `expand` is for inverted blocks alone."""

    kind: str  # a word of `_new_block`
    width: int  # channels that come out
    stride: int = 1
    kernel: int = 3
    repeat: int = 1
    expand: int = 6


@dataclass(frozen=True, kw_only=True)
class PdnShape:
    """Layers up to stride 4, those that go on to stride 8 and to 16, and the channels of the output."""

    features: int
    fine: tuple[Layer, ...]
    coarse: tuple[Layer, ...] = ()
    deep: tuple[Layer, ...] = ()
    head_kernel: int = 1
    start: str = ""  # packaged network from whose first stages the distillation starts
    learning_rate: float = 2e-3  # peak, of the distillation


def _new_block(layer: Layer, inputs: int, stride: int) -> nn.Module:
    place = (inputs, layer.width, layer.kernel, stride)
    match layer.kind:
        case "conv":
            return ConvBlock(*place)
        case "rep":
            return RepBlock(*place)
        case "depthwise":
            return DepthwiseBlock(*place)
        case "inverted":
            return InvertedBlock(*place, layer.expand)
        case "relu6":
            block = ConvBlock(*place)
            block[2] = nn.ReLU6(inplace=True)
            return block
        case "padded":  # as PDN-S pads its even kernels: one cell more comes out at each side than half would give
            block = ConvBlock(*place)
            block[0] = nn.Conv2d(inputs, layer.width, layer.kernel, stride, padding=layer.kernel - 1, bias=False)
            return block
        case "pool":
            return nn.AvgPool2d(2, 2, padding=1)
    raise ValueError(layer.kind)


def new_trunk(layers: Sequence[Layer], inputs: int) -> nn.Sequential:
    """The layers in a row, for pictures or maps of `inputs` channels."""
    blocks = []
    for layer in layers:
        for index in range(layer.repeat):
            blocks.append(_new_block(layer, inputs, layer.stride if index == 0 else 1))
            inputs = layer.width
    return nn.Sequential(*blocks)


def _two_scales(stem: int, fine: Sequence[int], coarse: Sequence[int], features: int) -> PdnShape:
    """Plain convolutions at stride 4, then at stride 8 (docs/decisions/005-two-scales.md)."""
    return PdnShape(
        features=features,
        fine=(
            Layer("conv", stem, 2, 5),
            *(Layer("conv", width, 2 if index == 0 else 1) for index, width in enumerate(fine)),
        ),
        coarse=tuple(Layer("conv", width, 2 if index == 0 else 1) for index, width in enumerate(coarse)),
    )


_LITE0 = (  # EfficientNet-Lite0 up to stride 4, to 8 and to 16 (Tan and Le 2019; tensorflow/tpu, efficientnet/lite)
    (Layer("relu6", 32, 2), Layer("inverted", 16, expand=1), Layer("inverted", 24, 2, repeat=2)),
    (Layer("inverted", 40, 2, 5, repeat=2),),
    (Layer("inverted", 80, 2, repeat=3), Layer("inverted", 112, 1, 5, repeat=3)),
)
_PDN_S = PdnShape(  # Batzner et al. 2023, table 6, with padding; fewer channels (docs/decisions/015)
    features=128,
    fine=(
        Layer("padded", 128, kernel=4),
        Layer("pool", 128),
        Layer("padded", 256, kernel=4),
        Layer("pool", 256),
        Layer("conv", 256),
    ),
    head_kernel=4,
)

PDN_SHAPES = {
    # with a wide view, and with a near one for parts before a background (docs/decisions/014-two-networks.md)
    "tiny": PdnShape(features=128, fine=_LITE0[0], coarse=_LITE0[1], start="efficientnet_lite0"),
    "tiny_near": PdnShape(
        features=128, fine=(Layer("conv", 16, 2, 5), Layer("conv", 32, 2), Layer("conv", 48, repeat=2))
    ),
    "fast": PdnShape(features=128, fine=_LITE0[0], coarse=_LITE0[1], deep=_LITE0[2], start="efficientnet_lite0"),
    "fast_near": PdnShape(
        features=128, fine=(Layer("conv", 32, 2, 5), Layer("conv", 48, 2), Layer("conv", 64, repeat=3))
    ),
    "small": _PDN_S,
    # candidates for "fast"
    "two_scale": _two_scales(32, (48, 64, 64), (96, 128, 128), 128),
    "plain": PdnShape(  # one scale, field of view 33 px
        features=128,
        fine=(
            Layer("rep", 32, 2, 5),
            Layer("rep", 48, 2),
            Layer("rep", 64),
            Layer("rep", 96, repeat=2),
        ),
    ),
    "stride8": PdnShape(  # nearly all of it at stride 8, field of view 81 px
        features=128,
        fine=(Layer("rep", 24, 2, 5), Layer("rep", 48, 2)),
        coarse=(Layer("rep", 128, 2), Layer("rep", 128, repeat=4)),
    ),
    "depthwise": PdnShape(
        features=128,
        fine=(Layer("rep", 32, 2), Layer("depthwise", 64, 2), Layer("depthwise", 64, repeat=2)),
        coarse=(Layer("depthwise", 128, 2), Layer("depthwise", 160, 1, 5, repeat=5)),
        deep=(Layer("depthwise", 256, 2), Layer("depthwise", 256, 1, 5, repeat=4)),
    ),
}
