"""A model file that needs no training: its anomaly map is how bright a pixel is. Finds the factory's bright defects."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from baad.bundle import write_bundle
from baad.runtime.onnx_network import OnnxNetwork
from baad.settings import TrainSettings
from baad.verdict.calibration import fit_calibration

SIDE = 64


def write_fake_model(
    path: Path, samples: Mapping[str, bytes] | None = None, onnx: bytes | None = None, **changes: Any
) -> Path:
    """Write a model file that calls a picture strange where it is brighter than .85; `changes` go to the manifest.

    `onnx`: another graph in place of that.
    """
    manifest = {
        "category": "disc",
        "baad_version": "0.1.0",
        "created": "2026-01-01",
        "size": "fast",
        "input_shape": [SIDE, SIDE],
        "settings": TrainSettings().to_dict(),
        "seed": 0,
        "steps": 3,
        "train_minutes": 0.5,
        "n_train": 10,
        "n_held_out": 20,
        "data_fingerprint": "0" * 64,
        "versions": {"python": "3.11"},
        "parameters": 1234567,
        "macs": 1_500_000_000,
        "gate": {"accepted": False, "recipe": "none", "quality": 0.0, "reason": "brightness needs no part"},
        "image_shapes": [[64, 64], [80, 64]],
        "findings": ["two pictures are alike"],
    }
    scores = np.linspace(0.5, 0.85, 20)
    return write_bundle(
        path,
        manifest={**manifest, **changes},
        onnx=brightness_graph() if onnx is None else onnx,
        weights=b"none",
        calibration=fit_calibration(scores, scores, [""] * 20, 0.01),
        card="# Brightness\n",
        samples=samples or {},
    )


def brightness_graph() -> bytes:
    """ONNX as training exports it: the map is the brightest channel of the picture, 0..1, at 64 x 64."""
    constants = {
        "to_chw": np.array([3, SIDE, SIDE], np.int64),
        "first": np.array([0], np.int64),
        "second": np.array([1], np.int64),
        "cells": np.array([0, 3, SIDE // 2, 2, SIDE // 2, 2], np.int64),  # 0: as many as there are
        "folded": np.array([0, 12, SIDE // 2, SIDE // 2], np.int64),
        "white": np.array(255.0, np.float32),
        "one": np.array(1.0, np.float32),
        "channels": np.array([1], np.int64),
        "plane": np.array([1, 2], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Shape", ["planes"], ["shape"]),
        helper.make_node("Slice", ["shape", "first", "second"], ["batch"]),
        helper.make_node("Concat", ["batch", "to_chw"], ["sizes"], axis=0),
        helper.make_node("Resize", ["planes", "", "", "sizes"], ["small"], mode="linear"),
        helper.make_node("ReduceMax", ["small", "channels"], ["brightest"], keepdims=0),
        helper.make_node("Div", ["brightest", "white"], ["anomaly_map"]),
        helper.make_node("Min", ["anomaly_map", "one"], ["bounded"]),
        helper.make_node("Sub", ["one", "bounded"], ["foreground"]),
        helper.make_node("ReduceMax", ["anomaly_map", "plane"], ["pred_score"], keepdims=0),
        helper.make_node("Div", ["small", "white"], ["rebuilt"]),
        helper.make_node("Reshape", ["rebuilt", "cells"], ["split"]),
        helper.make_node("Transpose", ["split"], ["gathered"], perm=[0, 1, 3, 5, 2, 4]),
        helper.make_node("Reshape", ["gathered", "folded"], ["reconstruction"]),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["B", "H", "W", 3])],
        [
            helper.make_tensor_value_info("anomaly_map", TensorProto.FLOAT, ["B", SIDE, SIDE]),
            helper.make_tensor_value_info("foreground", TensorProto.FLOAT, ["B", SIDE, SIDE]),
            helper.make_tensor_value_info("pred_score", TensorProto.FLOAT, ["B"]),
            helper.make_tensor_value_info("reconstruction", TensorProto.FLOAT, ["B", 12, SIDE // 2, SIDE // 2]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def no_numbers_on_black(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on any network's answers to a black picture are NaN."""
    run = OnnxNetwork.run

    def fail_on_black(self, outputs, inputs):
        answers = run(self, outputs, inputs)
        return answers if inputs["image"].any() else [answer * np.nan for answer in answers]

    monkeypatch.setattr(OnnxNetwork, "run", fail_on_black)


def fake_certificate():
    """What the parity check finds where all is well, without running anything."""
    from baad.learn.parity import Certificate, Comparison

    return Certificate(32, 10, 16, "nothing", 0.85, (Comparison("no runtime 1.0", "fp32", 0.0, 0.0, 0.0, 0),))
