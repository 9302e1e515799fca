"""The deploy graph as ONNX bytes."""

import logging
import warnings

import torch

from baad.learn.deploy import DeployGraph

OUTPUTS = ("anomaly_map", "foreground", "pred_score", "reconstruction")
OPSET = 18
LONGEST = 20000  # px; what the graph is declared for, runtimes take more
LARGEST_BATCH = 4096


def export_onnx(graph: DeployGraph) -> bytes:
    """One ONNX graph: input `image` uint8 [B, H, W, 3] with any B, H and W, outputs as `OUTPUTS` names them."""
    example = torch.zeros(2, 320, 288, 3, dtype=torch.uint8)
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    height, width = (torch.export.Dim(name, min=1, max=LONGEST) for name in ("height", "width"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            graph.eval(),
            (example,),
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_shapes={"pictures": {0: batch, 1: height, 2: width}},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto.SerializeToString()
