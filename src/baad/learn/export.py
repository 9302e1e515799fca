"""The deploy graph as ONNX bytes."""

import logging
import warnings

import torch

from baad.learn.deploy import DeployGraph

OUTPUTS = ("anomaly_map", "foreground", "pred_score", "reconstruction")
OPSET = 18  # the first whose Resize knows antialiasing


def export_onnx(graph: DeployGraph) -> bytes:
    """One ONNX graph: input `image` uint8 [1, H, W, 3] with any H and W, outputs as `OUTPUTS` names them."""
    example = torch.zeros(1, 320, 288, 3, dtype=torch.uint8)
    height, width = torch.export.Dim("height", min=8, max=20000), torch.export.Dim("width", min=8, max=20000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            graph.eval(),
            (example,),
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_shapes={"pictures": {1: height, 2: width}},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto.SerializeToString()
