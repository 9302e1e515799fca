"""The few layers that the three parts of the network are built from.

Padding is zero padding inside the convolution, so that an exported graph holds no Pad node (METHOD C1: those cost
more than a tenth of the time). The loss weighs the border less instead.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    """Convolution, batch norm, ReLU: [B, inputs, H, W] -> [B, outputs, H / stride, W / stride]."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut; shape stays [B, channels, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


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
    )
    assert fused.bias is not None
    before = convolution.bias if convolution.bias is not None else torch.zeros_like(norm.running_mean)
    with torch.no_grad():
        fused.weight.copy_(convolution.weight * scale[:, None, None, None])
        fused.bias.copy_((before - norm.running_mean) * scale + norm.bias)
    return fused


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """Replace every convolution and batch norm that follow one another inside `module` by one convolution.

    Works on the module in place and returns it. The module must be in evaluation mode.
    """
    for child in module.children():
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


def count_macs(module: nn.Module, *inputs: Tensor) -> int:
    """Multiply-accumulates of all convolutions and linear layers in one forward pass over `inputs`."""
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
