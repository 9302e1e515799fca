"""An exported graph for pictures of one size, a fixed number at once, as some accelerators want it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.tools.onnx_model_utils import fix_output_shapes, make_dim_param_fixed

from baad.data.geometry import resize_image
from baad.errors import SettingError
from baad.learn.deploy import DeployGraph
from baad.learn.openvino_ir import read_ir, write_ir
from baad.learn.parity import Comparison, InPyTorch, Runner, compare
from baad.learn.witnesses import Witnesses
from baad.runtime.detector import check_input
from baad.runtime.session import FOREGROUND, INPUT, MAP, SCORE, Network, RawMaps
from baad.runtime.tiles import tile_shape

DIGITS = r"([1-9]\d{0,4})"


@dataclass(frozen=True)
class FixedSize:
    """What a graph takes, and nothing else: `batch` pictures of `height` x `width` px."""

    batch: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.batch}x{self.height}x{self.width}"


@dataclass(frozen=True)
class InBatches:
    """Runs one picture at a time through a graph for `size`: it fills the whole batch, and its last place counts."""

    network: Network
    size: FixedSize

    def run(self, image: np.ndarray) -> RawMaps:
        """Raw maps of one picture, uint8 [H, W, 3] of the graph's size."""
        batch = np.repeat(image[None], self.size.batch, 0)  # [B, H, W, 3]
        anomaly, foreground, score = self.network.run((MAP, FOREGROUND, SCORE), {INPUT: batch})
        return RawMaps(anomaly[-1], foreground[-1], float(score[-1]))

    def run_batch(self, images: Sequence[np.ndarray]) -> list[RawMaps]:
        """One after the other."""
        return [self.run(image) for image in images]


@dataclass(frozen=True)
class FixedRunner:
    """A graph for one size, in a runtime."""

    size: FixedSize
    runner: Runner


def read_fixed_size(text: str) -> FixedSize:
    """'1x480x640': number x height x width. Raises SettingError for another text."""
    found = re.fullmatch("x".join([DIGITS] * 3), text.strip().lower())
    if found is None:
        raise SettingError(f"--fixed is {text!r}: give number x height x width of the pictures, such as 1x480x640.")
    return FixedSize(*map(int, found.groups()))


def tell_misfits(size: FixedSize, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Why what a network of that size alone sees, pictures or tiles, is not as in training; nothing where it is."""
    shape, side = (size.height, size.width), manifest.get("tile_px", 0)
    if not side:
        return check_input(shape, manifest)
    height, width = tile_shape(side, manifest["input_shape"])
    return () if shape == (height, width) else (f"the model's tiles are {width}x{height} px",)


def fix_onnx(graph: bytes, size: FixedSize) -> bytes:
    """The ONNX graph for `size` alone."""
    model = onnx.load_from_string(graph)
    dims = model.graph.input[0].type.tensor_type.shape.dim  # [B, H, W, 3]
    names = [dim.dim_param for dim in dims[:3]]
    for name, value in zip(names, (size.batch, size.height, size.width), strict=True):
        make_dim_param_fixed(model.graph, name, value)
    fix_output_shapes(model)
    return model.SerializeToString()


def fix_openvino(folder: Path, size: FixedSize) -> None:
    """Make the graph in a folder, model.xml and model.bin, one for `size` alone. Weights keep their precision."""
    model = read_ir(folder)
    model.reshape({INPUT: [size.batch, size.height, size.width, 3]})
    write_ir(model, folder)


def compare_fixed(graph: DeployGraph, fixed: FixedRunner, witnesses: Witnesses, threshold: float) -> Comparison:
    """A graph for one size beside PyTorch, on the witnesses brought to that size."""
    shape = (fixed.size.height, fixed.size.width)
    pictures = (resize_image(picture, shape) for picture in witnesses)
    (comparison,) = compare(InPyTorch(graph), [fixed.runner], pictures, threshold)
    return comparison
