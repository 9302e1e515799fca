"""The folder that Triton Inference Server loads a model from: config.pbtxt beside numbered versions.

https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html
"""

import re
from collections.abc import Sequence

import onnx
from onnx import TensorProto

from baad.errors import SettingError

CONFIG, VERSION = "config.pbtxt", "1"
LARGEST_BATCH = 8  # pictures of one size that the server may put together
TYPES: dict[int, str] = {TensorProto.UINT8: "TYPE_UINT8", TensorProto.FLOAT: "TYPE_FP32"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def check_name(name: str) -> str:
    """The model's name, which is its folder's. Raises SettingError where a URL could not hold it."""
    if not NAME.fullmatch(name):
        raise SettingError(f"{name!r} cannot name a model: give letters, digits, '_', '-' and '.', with --name.")
    return name


def describe_config(name: str, graph: bytes) -> str:
    """config.pbtxt for an ONNX graph whose first axis is the batch."""
    model = onnx.load_from_string(graph)
    inputs = [_describe_tensor(value) for value in model.graph.input]
    outputs = [_describe_tensor(value) for value in model.graph.output]
    return (
        f'name: "{name}"\nbackend: "onnxruntime"\nmax_batch_size: {LARGEST_BATCH}\n'
        f"input [\n{_list(inputs)}\n]\noutput [\n{_list(outputs)}\n]\ndynamic_batching {{ }}\n"
    )


def _describe_tensor(value: onnx.ValueInfoProto) -> str:
    """One input or output without its batch axis. Triton wants an axis at least: one number is given as [ 1 ]."""
    shape = [axis.dim_value or -1 for axis in value.type.tensor_type.shape.dim][1:]
    lines = [f'name: "{value.name}"', f"data_type: {TYPES[value.type.tensor_type.elem_type]}"]
    lines += [f"dims: {_show(shape)}"] if shape else ["dims: [ 1 ]", "reshape { shape: [ ] }"]
    return "  {\n" + "\n".join(f"    {line}" for line in lines) + "\n  }"


def _show(shape: Sequence[int]) -> str:
    return f"[ {', '.join(map(str, shape))} ]"


def _list(items: Sequence[str]) -> str:
    return ",\n".join(items)
