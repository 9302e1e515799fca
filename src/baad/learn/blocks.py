"""The few layers that the three parts of the network are built from.

Padding is zero padding inside the convolution, so that an exported graph holds no Pad node: those cost more than a
tenth of the time. The loss weighs the border less instead.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn


def normed(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution and batch norm, no activation: [B, inputs, H, W] -> [B, outputs, H / stride, W / stride]."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


class ConvBlock(nn.Sequential):
    """Convolution, batch norm, ReLU: [B, inputs, H, W] -> [B, outputs, H / stride, W / stride]."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__(*normed(inputs, outputs, kernel, stride, groups), nn.ReLU(inplace=True))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut; shape stays [B, channels, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


class RepBlock(nn.Module):
    """One convolution and ReLU that learns as several parallel ones (RepVGG, Ding et al. 2021).

    Beside the convolution a 1x1 one and, where the shape stays, the input itself, each with a batch norm of its own.
    All three are linear: `fold_batch_norms` merges them into a single convolution.
    [B, inputs, H, W] -> [B, outputs, H / stride, W / stride].
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.dense = normed(inputs, outputs, kernel, stride, groups)
        self.stride = stride
        self.point = normed(inputs, outputs, 1, 1, groups) if kernel > 1 else None
        self.same = nn.BatchNorm2d(inputs) if inputs == outputs and stride == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        found = self.dense(x)
        if self.point is not None:
            # not a convolution of stride 2: PyTorch 2.13 writes past its memory in one of 3 channels, channels last
            found = found + self.point(x[:, :, :: self.stride, :: self.stride])
        if self.same is not None:
            found = found + self.same(x)
        return torch.relu(found)

    def merged(self) -> nn.Sequential:
        """One convolution and ReLU that give what the branches give in evaluation mode."""
        whole = fuse_batch_norm(self.dense[0], self.dense[1])  # type: ignore[arg-type]
        assert whole.bias is not None
        middle = whole.kernel_size[0] // 2
        with torch.no_grad():
            if self.point is not None:
                point = fuse_batch_norm(self.point[0], self.point[1])  # type: ignore[arg-type]
                assert point.bias is not None
                whole.weight[:, :, middle, middle] += point.weight[:, :, 0, 0]
                whole.bias += point.bias
            if self.same is not None:
                identity = nn.Conv2d(whole.in_channels, whole.out_channels, 1, groups=whole.groups, bias=False)
                nn.init.dirac_(identity.weight, whole.groups)
                same = fuse_batch_norm(identity, self.same)
                assert same.bias is not None
                whole.weight[:, :, middle, middle] += same.weight[:, :, 0, 0]
                whole.bias += same.bias
        return nn.Sequential(whole, nn.ReLU(inplace=True))


class Negated(nn.Conv2d):
    """Minus a 1x1 convolution: [B, inputs, H, W] -> [B, outputs, H, W].

    `fold_batch_norms` turns the sign of its weights instead. Runtimes add to a convolution as they compute it; what
    they subtract from it takes two more passes.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return -super().forward(x)

    def merged(self) -> nn.Conv2d:
        """One convolution that gives the same."""
        whole = nn.Conv2d(self.in_channels, self.out_channels, 1)
        assert whole.bias is not None and self.bias is not None
        with torch.no_grad():
            whole.weight.copy_(-self.weight)
            whole.bias.copy_(-self.bias)
        return whole


class DepthwiseBlock(nn.Sequential):
    """A depthwise and a 1x1 RepBlock (MobileOne, Vasu et al. 2023): few multiplications, wide layers."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(RepBlock(inputs, inputs, kernel, stride, groups=inputs), RepBlock(inputs, outputs, 1))


class InvertedBlock(nn.Module):
    """Widen, look around depthwise, narrow, and add the input where the shape stays (Sandler et al. 2018).

    [B, inputs, H, W] -> [B, outputs, H / stride, W / stride].
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, expand: int = 6) -> None:
        super().__init__()
        wide = inputs * expand
        widen = [*normed(inputs, wide, 1), nn.ReLU6(inplace=True)] if expand > 1 else []
        look = [*normed(wide, wide, kernel, stride, groups=wide), nn.ReLU6(inplace=True)]
        self.layers = nn.Sequential(*widen, *look, *normed(wide, outputs, 1))
        self.adds = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        found = self.layers(x)
        return x + found if self.adds else found


def fuse_batch_norm(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """One convolution that gives what `convolution` followed by `norm` gives in evaluation mode."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)  # [outputs]
    fused = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        convolution.kernel_size,  # type: ignore[arg-type]
        convolution.stride,  # type: ignore[arg-type]
        convolution.padding,  # type: ignore[arg-type]
        groups=convolution.groups,
    )
    assert fused.bias is not None
    before = convolution.bias if convolution.bias is not None else torch.zeros_like(norm.running_mean)
    with torch.no_grad():
        fused.weight.copy_(convolution.weight * scale[:, None, None, None])
        fused.bias.copy_((before - norm.running_mean) * scale + norm.bias)
    return fused


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """Replace every convolution and batch norm that follow one another inside `module` by one convolution.

    Branches of a RepBlock become one as well, and a Negated one has other weights. Works on the module in place and
    returns it. The module must be in evaluation mode.
    """
    for name, child in module.named_children():
        if isinstance(child, RepBlock | Negated):
            setattr(module, name, child.merged().eval())
        else:
            fold_batch_norms(child)
    if isinstance(module, nn.Sequential):
        names = list(module._modules)
        for first, second in pairwise(names):
            convolution, norm = module._modules[first], module._modules[second]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module._modules[first] = fuse_batch_norm(convolution, norm)
                module._modules[second] = nn.Identity()
    return module


def count_parameters(module: nn.Module) -> int:
    """Number of weights in `module`, trainable or not."""
    return sum(parameter.numel() for parameter in module.parameters())


def count_macs(module: nn.Module, *inputs: Any) -> int:
    """Multiply-accumulates of all convolutions and linear layers for one picture of the batch `inputs`."""
    total = 0

    def add(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += output[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            total += output[0].numel() * layer.in_features

    handles = [layer.register_forward_hook(add) for layer in module.modules()]  # type: ignore[arg-type]
    was_training = module.training
    try:
        with torch.no_grad():
            module.eval()(*inputs)
    finally:
        module.train(was_training)
        for handle in handles:
            handle.remove()
    return total
