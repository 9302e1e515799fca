"""A network that can be computed in the head, as ONNX: green is strange, red is the part. `onnx` is for tests only.

anomaly_map = (green - 128) / 16     raw, may be negative
foreground  = red / 255
pred_score  = highest value of the anomaly map
"""

from pathlib import Path

import numpy as np
import pytest

from baad.bundle import write_bundle
from baad.verdict.calibration import fit_calibration

onnx = pytest.importorskip("onnx")
SIDE = 32  # px of its maps; the real network has 256


def tiny_onnx(
    rename: tuple[str, str] = ("", ""), drop: str = "", scale: float = 1 / 16, batch: int | str = "B"
) -> bytes:
    """Graph as training exports it; `rename` and `drop` break it, a `scale` of inf makes values no numbers. A number
    as `batch` fixes that, as other exporters do."""
    helper, types = onnx.helper, onnx.TensorProto
    constants = {
        "to_chw": np.array([3, SIDE, SIDE], np.int64),
        "first": np.array([0], np.int64),
        "second": np.array([1], np.int64),
        "cells": np.array([0, 3, SIDE // 2, 2, SIDE // 2, 2], np.int64),  # 0: as many as there are
        "folded": np.array([0, 12, SIDE // 2, SIDE // 2], np.int64),
        "red": np.array(0, np.int64),
        "green": np.array(1, np.int64),
        "middle": np.array(128, np.float32),
        "scale": np.array(scale, np.float32),
        "white": np.array(255, np.float32),
        "plane": np.array([1, 2], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["levels"], to=types.FLOAT),
        helper.make_node("Transpose", ["levels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Shape", ["planes"], ["shape"]),
        helper.make_node("Slice", ["shape", "first", "second"], ["pictures"]),
        helper.make_node("Concat", ["pictures", "to_chw"], ["sizes"], axis=0),
        helper.make_node("Resize", ["planes", "", "", "sizes"], ["small"], mode="linear", antialias=1),
        helper.make_node("Gather", ["small", "green"], ["greens"], axis=1),
        helper.make_node("Sub", ["greens", "middle"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["anomaly_map"]),
        helper.make_node("Gather", ["small", "red"], ["reds"], axis=1),
        helper.make_node("Div", ["reds", "white"], ["foreground"]),
        helper.make_node("ReduceMax", ["anomaly_map", "plane"], ["pred_score"], keepdims=0),
        helper.make_node("Div", ["small", "white"], ["rebuilt"]),
        helper.make_node("Reshape", ["rebuilt", "cells"], ["split"]),
        helper.make_node("Transpose", ["split"], ["gathered"], perm=[0, 1, 3, 5, 2, 4]),
        helper.make_node("Reshape", ["gathered", "folded"], ["reconstruction"]),
    ]
    outputs = {
        "anomaly_map": (types.FLOAT, [batch, SIDE, SIDE]),
        "foreground": (types.FLOAT, [batch, SIDE, SIDE]),
        "pred_score": (types.FLOAT, [batch]),
        "reconstruction": (types.FLOAT, [batch, 12, SIDE // 2, SIDE // 2]),
    }
    for node in nodes:
        for names in (node.input, node.output):
            names[:] = [rename[1] if name == rename[0] else name for name in names]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(_renamed("image", rename), types.UINT8, [batch, "H", "W", 3])],
        [helper.make_tensor_value_info(_renamed(name, rename), *outputs[name]) for name in outputs if name != drop],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


def _renamed(name: str, rename: tuple[str, str]) -> str:
    return rename[1] if name == rename[0] else name


def tiny_bundle(path: Path, **manifest: object) -> Path:
    """Model file around the graph above. Good scores are 0, 1 and 2: a green of more than 160 is rejected."""
    return write_bundle(
        path,
        manifest={"baad_version": "0.1.0", "image_shapes": [[40, 60]], **manifest},
        onnx=tiny_onnx(),
        weights=b"weights",
        calibration=fit_calibration([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], ["", "", ""], 0.01),
        card="# Tiny",
        samples={},
    )


def draw_part(shape: tuple[int, int] = (40, 60), green: int = 100) -> np.ndarray:
    """A picture whose left half is part; a spot of `green` covers rows 10 to 19, columns 6 to 20."""
    picture = np.zeros((*shape, 3), np.uint8)
    picture[:, : shape[1] // 2, 0] = 255
    picture[..., 1] = 100
    picture[10:20, 6:21, 1] = green
    return picture
