"""The exported graph as OpenVINO's own files: FP32, FP16 or INT8 weights, and what Intel's Model API reads of them.

`model_info` holds the keys of Model API's AnomalyDetection (openvino-model-api 0.4.7). That wrapper compares the
highest value of the anomaly map, not the score, with `image_threshold`, so that it gets the threshold of the map's
highest values; BAAD's own decision stands under `baad`.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from baad.runtime.openvino_network import shared_core
from baad.runtime.session import Session
from baad.verdict.calibration import QUARTER_AT, Calibration

if TYPE_CHECKING:
    import openvino

XML, BIN = "model.xml", "model.bin"
LABELS = ("ok", "ng")
PRECISE = ("discriminator.out.", "memory.", "error_map.")  # weights of the convolutions whose sums are the map itself


def read_onnx(onnx: bytes) -> "openvino.Model":
    """An ONNX graph in OpenVINO."""
    return shared_core().read_model(onnx, b"")


def describe_model_info(
    calibration: Calibration,
    input_shape: tuple[int, int],
    tile_px: int = 0,
    image_shapes: Iterable[Sequence[int]] = (),
    has_zones: bool = False,
) -> dict[str, Any]:
    """What Model API's AnomalyDetection wants to know. input_shape: (height, width) of the network.

    `embedded_processing`: the graph takes pictures uint8 [1, H, W, 3] as they are, red first. Nothing where the
    threshold of the map does not hold for what Model API compares with it, the map of a whole picture at the network's
    size: for a model that judges in tiles, with drawn zones, which the network does not know, or of pictures smaller
    than that, `image_shapes` (H, W) of training's.
    """
    shrunk = any(side < seen for shape in image_shapes for side, seen in zip(shape, input_shape))
    if tile_px or shrunk or has_zones:
        return {}
    return {
        "model_type": "AnomalyDetection",
        "task": "segmentation",
        "labels": list(LABELS),
        "image_threshold": calibration.pixel_threshold,
        "pixel_threshold": calibration.pixel_threshold,
        "normalization_scale": 4.0 * QUARTER_AT * calibration.pixel_spread,  # .75 where the display value is .75
        "embedded_processing": True,
        "orig_height": input_shape[0],
        "orig_width": input_shape[1],
        "reverse_input_channels": False,
        "resize_type": "standard",
        "input_dtype": "u8",
    }


def write_ir(model: "openvino.Model", folder: Path, *, half: bool = False) -> None:
    """Write model.xml and model.bin into a folder that is not yet in its place. half: weights as float16."""
    import openvino

    openvino.save_model(model, folder / XML, compress_to_fp16=half)


def read_ir(folder: Path) -> "openvino.Model":
    """What `write_ir` wrote, as a graph that can be changed."""
    return shared_core().read_model((folder / XML).read_bytes(), (folder / BIN).read_bytes())


def read_session(folder: Path, threads: int) -> Session:
    """What `write_ir` wrote, ready to run."""
    return Session((folder / XML).read_bytes(), threads, "openvino", (folder / BIN).read_bytes())


def add_info(folder: Path, info: Mapping[str, Any], decision: Mapping[str, Any]) -> None:
    """Write what Model API and others read into model.xml; the network stays as it is."""
    import openvino

    model = read_ir(folder)
    for name, value in info.items():  # OpenVINO rounds numbers to six digits, and would move a threshold
        model.set_rt_info(repr(value) if isinstance(value, float) else value, ["model_info", name])
    model.set_rt_info(json.dumps(decision, ensure_ascii=False), ["baad", "decision"])
    openvino.save_model(model, folder / XML, compress_to_fp16=False)


def quantize(model: "openvino.Model", numbers: Iterable[int], read: Callable[[int], np.ndarray]) -> "openvino.Model":
    """The graph with INT8 convolutions, their ranges taken from pictures uint8 [H, W, 3] `read` by number.

    Ranges hold all that the pictures do, not what they do on average, or the rare peaks that defects are would be cut
    off. NNCF's reports to its makers are switched off: nothing leaves the machine.
    """
    os.environ.setdefault("NNCF_CI", "1")
    import nncf
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    nncf.set_log_level(logging.ERROR)
    chosen = list(numbers)
    return nncf.quantize(
        model,
        nncf.Dataset(chosen, lambda number: {"image": read(number)[None]}),
        subset_size=len(chosen),
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(names=find_precise(model), types=["MatMul"]),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
        ),
    )


def find_precise(model: "openvino.Model") -> list[str]:
    """Names of the convolutions that stay in float32, by the names of their weights.

    Weights without a dotted name are no layer's own: the directions of `PlacedMemory`, whose sums are the map, too.
    """
    found = []
    for node in model.get_ops():
        if node.get_type_name() == "Convolution":
            weights = node.input(1).get_source_output().get_node().get_friendly_name()
            if "." not in weights or any(name in weights for name in PRECISE):
                found.append(node.get_friendly_name())
    return found
