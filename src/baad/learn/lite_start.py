"""A PDN whose trunk starts as the first stages of an EfficientNet-Lite, which ImageNet taught already."""

from typing import Any

import torch
from torch import nn

from baad.learn.pdn import MEAN, STD, Pdn
from baad.learn.teacher import load_lite

LITE_MEAN, LITE_STD = 127.0 / 255.0, 128.0 / 255.0  # what those networks expect of pictures in 0..1


@torch.no_grad()
def start_from(network: Pdn, name: str) -> None:
    """Copy the weights of the packaged network `name` into the trunk, layer by layer in the order of execution.

    Two differences are absorbed: this trunk expects pictures normalised by ImageNet's mean and deviation, and its
    batch norms add another small number to the variance.
    """
    source = load_lite(name)
    trunk = nn.ModuleList([network.fine, *(network.get_submodule(scale) for scale in network.scales)])
    for kind in (nn.Conv2d, nn.BatchNorm2d):
        theirs: list[Any] = [layer for layer in source.modules() if isinstance(layer, kind)]
        for mine, other in zip([layer for layer in trunk.modules() if isinstance(layer, kind)], theirs):
            mine.load_state_dict(other.state_dict())
            if isinstance(mine, nn.BatchNorm2d):
                assert mine.running_var is not None
                mine.weight.mul_(((mine.running_var + mine.eps) / (mine.running_var + other.eps)).sqrt())
    first, norm = network.fine[0][0], network.fine[0][1]  # type: ignore[index]
    offset = (torch.tensor(MEAN) - LITE_MEAN) / LITE_STD  # [3]
    norm.running_mean.sub_((first.weight * offset.view(1, 3, 1, 1)).sum((1, 2, 3)))
    first.weight.mul_(torch.tensor(STD).view(1, 3, 1, 1) / LITE_STD)
