"""A PDN that knows something before its first step: first stages of an EfficientNet-Lite, heads by regression."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from baad.learn.pdn import MEAN, STD, Pdn
from baad.learn.pictures import to_image
from baad.learn.targets import Targets
from baad.learn.teacher import load_lite

LITE_MEAN, LITE_STD = 127.0 / 255.0, 128.0 / 255.0  # what those networks expect of pictures in 0..1
FITTED_ON = 64  # pairs that the heads are fitted on
RIDGE = 1e-3  # share of the mean variance of the maps' channels


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


@torch.no_grad()
def fit_heads(network: Pdn, targets: Targets) -> None:
    """Set the heads to what gives the targets best from the maps of the trunk as it is, by ridge regression.

    From random heads the first steps would tear at a trunk that knows something already. All heads are 1x1
    convolutions, whose outputs are added: one linear regression on the maps, side by side at stride 4.
    """
    network.eval()
    heads, count = network.heads(), min(FITTED_ON, len(targets.images) - targets.held_out)
    widths = [head.in_channels for head in heads]
    products, answers = torch.zeros(sum(widths) + 1, sum(widths) + 1).double(), torch.zeros(1)
    for image, target in zip(targets.images[:count], targets.targets[:count]):
        maps = network.maps(to_image(image.copy()))
        cells = target.shape[:2]
        seen = torch.cat([F.interpolate(each, size=cells, mode="nearest") for each in maps], 1)[0].flatten(1)
        rows = torch.cat([seen, torch.ones(1, seen.shape[1])]).double()  # [widths + 1, h * w]
        wanted = torch.from_numpy(target.astype(np.float64)).flatten(0, 1)  # [h * w, C]
        products, answers = products + rows @ rows.T, answers + rows @ wanted
    strength = RIDGE * products.diagonal()[:-1].mean()
    products.diagonal()[:-1].add_(strength)
    weights = torch.linalg.solve(products, answers).float()  # [widths + 1, C]
    for head, part in zip(heads, weights[:-1].split(widths)):
        head.weight.copy_(part.T[:, :, None, None])
    assert network.head.bias is not None
    network.head.bias.copy_(weights[-1])
