"""What `baad bench speed` times, as ONNX graphs of one fixed shape: whole networks, and ours stage by stage."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from baad.bench.peers import DENSE, EfficientAdS, WideResNet50, dense_convolution
from baad.bundle import write_bundle
from baad.learn.blocks import count_macs, fold_batch_norms
from baad.learn.deploy import DeployGraph, Scoring
from baad.learn.export import OPSET, export_onnx
from baad.learn.memory import CODES
from baad.learn.network import Baad, new_network
from baad.learn.pdn import name_pdn, new_pdn
from baad.runtime.session import Session
from baad.settings import TrainSettings
from baad.verdict.calibration import fit_calibration

TWO_NETWORKS = "baad_near_two_networks"
GOOD = 20  # scores that the threshold of the random network comes from


@dataclass(frozen=True)
class Graph:
    """A network on disk, and what it is fed: float32 arrays by input name."""

    file: Path
    inputs: dict[str, np.ndarray]
    macs: int  # multiply-accumulates of its convolutions, for one picture


class Network(nn.Module):
    """The whole network as peers are: images [B, 3, H, W] -> anomaly logits, foreground logits, novelty."""

    def __init__(self, model: Baad) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = self.model(images)
        return outputs.anomaly_logits, outputs.foreground_logits, self.model.memory(outputs.features)


def new_deploy(image_size: int, size: str = "fast", near: bool = False, separate: bool = False) -> DeployGraph:
    """The network as it is deployed, with random weights; `near`: with the view it has where a background was found;
    `separate`: picture and mask from networks of their own."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = new_network(
            new_pdn(name_pdn(size, near), seed=0), TrainSettings(size=size, separate_networks=separate)
        ).eval()
        model.memory.remember(torch.randn(CODES, model.pdn.head.out_channels))
    return DeployGraph(model, (image_size, image_size), Scoring(feature_error=0.5))


def network_modules(separate: bool = False) -> dict[str, nn.Module]:
    """Name -> what takes images [B, 3, H, W]: ours, its peers; `separate`: ours with a network for either task, too."""
    peers = {"efficientad_s": EfficientAdS(), "wrn50_layer3": WideResNet50()}
    folded = {name: fold_batch_norms(module.eval()) for name, module in peers.items()}
    ours = {name: Network(new_deploy(256, near=near).model) for name, near in (("baad", False), ("baad_near", True))}
    two = {TWO_NETWORKS: Network(new_deploy(256, near=True, separate=True).model)} if separate else {}
    return {**ours, **two, **folded}


def stage_modules(image_size: int, batch: int) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
    """Name -> (stage of our network, what it takes): resize, PDN, MTRS, discriminator, memory."""
    deploy = new_deploy(image_size)
    model, images = deploy.model, torch.rand(batch, 3, image_size, image_size)
    with torch.no_grad():
        outputs = model(images)
    pictures = (torch.rand(batch, image_size, image_size, 3) * 255.0).to(torch.uint8)
    foreground = torch.sigmoid(outputs.foreground_logits)
    seen = (images, outputs.picture, outputs.features, outputs.difference, foreground)
    return {
        "resize": (deploy.resizing, (pictures,)),
        "pdn": (model.pdn, (images,)),
        "mtrs": (model.mtrs, (outputs.features,)),
        "discriminator": (model.discriminator, seen),
        "memory": (model.memory, (outputs.features,)),
    }


def write_graph(module: nn.Module, inputs: tuple[Tensor, ...], folder: Path) -> Graph:
    """Export a module for just these inputs, to a file of its own in the folder: its number there is its name."""
    names = [f"input_{index}" for index in range(len(inputs))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            module.eval(), inputs, input_names=names, opset_version=OPSET, dynamo=True, verbose=False
        )
    assert program is not None
    file = folder / f"{len(list(folder.glob('*.onnx')))}.onnx"
    file.write_bytes(program.model_proto.SerializeToString())
    return Graph(file, {name: value.numpy() for name, value in zip(names, inputs)}, count_macs(module, *inputs))


def write_dense(folder: Path) -> Graph:
    """The one convolution whose rate stands for what the machine can do."""
    return write_graph(dense_convolution(), (torch.rand(1, DENSE[0], DENSE[1], DENSE[1]),), folder)


def write_model(file: Path, image_size: int, threads: int, near: bool = False) -> Path:
    """A whole model file of the random network."""
    onnx = export_onnx(new_deploy(image_size, near=near))
    session = Session(onnx, threads)
    scores = [session.run(picture).score for picture in draw_pictures(image_size, GOOD)]
    return write_bundle(
        file,
        manifest={"input_shape": [image_size, image_size], "image_shapes": [[image_size, image_size]]},
        onnx=onnx,
        weights=b"",
        calibration=fit_calibration(scores, scores, [""] * GOOD, 0.05),
        card="# Random weights\n",
        samples={},
    )


def draw_pictures(image_size: int, count: int) -> list[np.ndarray]:
    """Pictures of coarse noise, uint8 [S, S, 3] each."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, image_size // 16, image_size // 16, 3), dtype=np.uint8)
    return [np.ascontiguousarray(each.repeat(16, 0).repeat(16, 1)) for each in coarse]
