"""A network in OpenVINO on the processor: the extra `openvino`. The same graph as ONNX Runtime's, the same float32."""

import importlib.util
import os
import threading
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from baad.errors import BundleError, MissingExtra, first_line, how_to_install

if TYPE_CHECKING:
    import openvino

TYPE_NAMES = {"u8": "tensor(uint8)", "f32": "tensor(float)"}  # OpenVINO's name -> ONNX Runtime's
CAPACITY = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
# What OpenVINO itself keeps, some two sizes' worth: with none, batches of two sizes in turns take a sixth longer.
KEPT = 128
_ONE_AT_A_TIME = threading.Lock()


def has_openvino() -> bool:
    """Whether it is installed; nothing of it is loaded."""
    return importlib.util.find_spec("openvino") is not None


def shared_core() -> "openvino.Core":  # noqa: TID251
    """The one OpenVINO core of this process, kept until its end. Raises MissingExtra where it is absent or broken.

    The processor plugin of each core gives the thread a stack for signal handlers and takes it away at its end. Where
    two come and go out of order, the next signal (Ctrl-C) finds no stack, and the process dies (seen in 2026.4 on a
    processor with AMX). So BAAD never makes a second one, whichever threads ask first.
    """
    with _ONE_AT_A_TIME:
        return _new_core()


@cache
def _new_core() -> "openvino.Core":  # noqa: TID251
    try:
        import openvino

        core = openvino.Core()  # noqa: TID251 (the one place)
        _keep_no_primitives(core)
        return core
    except (ImportError, OSError, RuntimeError) as error:
        if has_openvino():
            told = f"OpenVINO is installed and does not load: {first_line(error)}"
            raise MissingExtra(f"{told}. Install it again: pip install --force-reinstall openvino") from error
        raise MissingExtra(f"Running in OpenVINO needs openvino. {how_to_install('openvino')}") from error


def _keep_no_primitives(core: "openvino.Core") -> None:  # noqa: TID251
    """Let OpenVINO's copy of oneDNN keep nothing of sizes of pictures, with every new one of which memory would grow.

    It reads how much it may keep when it first computes, from the environment and nowhere else. The variable is gone
    afterwards: PyTorch's own copy would read it, too, and be slower.
    """
    from openvino import Model
    from openvino import opset13 as ops

    if CAPACITY in os.environ:  # the user's
        return
    os.environ[CAPACITY] = "0"
    try:
        image = ops.parameter([1, 16, 8, 8], np.float32)
        kernels = ops.constant(np.ones((16, 16, 3, 3), np.float32))
        convolved = ops.convolution(image, kernels, [1, 1], [1, 1], [1, 1], [1, 1])
        compiled = core.compile_model(Model([convolved], [image]), "CPU", {"INFERENCE_NUM_THREADS": 1})
        compiled.infer_new_request([np.zeros((1, 16, 8, 8), np.float32)])
    finally:
        del os.environ[CAPACITY]


class OpenVinoNetwork:
    """Runs an ONNX graph, or one of OpenVINO's own. May be shared between threads: each has a request of its own."""

    def __init__(
        self,
        onnx: bytes,
        threads: int,
        weights: bytes = b"",
        pin: bool = False,
        usual: tuple[int, int] | None = None,
    ) -> None:
        """`pin`: tie each thread to a core. `usual`: (H, W) of most pictures; see `_fix_size`.

        Raises MissingExtra where OpenVINO is not installed, BundleError where it does not read the graph.
        """
        core = shared_core()
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": pin,
            "CPU_RUNTIME_CACHE_CAPACITY": KEPT,
            "INFERENCE_PRECISION_HINT": "f32",  # else it takes bfloat16 where the processor has it, and scores differ
        }
        try:
            model = core.read_model(onnx, weights)
            self._compiled = core.compile_model(model, "CPU", settings)
            fixed = None if usual is None else _fix_size(model, usual)
            self._fixed = None if fixed is None else core.compile_model(fixed, "CPU", settings)
        except RuntimeError as error:
            from openvino import __version__

            raise BundleError(
                f"The network in the model file does not load in OpenVINO {__version__}: {first_line(error)} "
                "Run it without --provider, or upgrade with pip install --upgrade openvino."
            ) from error
        self._requests = threading.local()
        self.inputs = {port.any_name: _describe(port) for port in self._compiled.inputs}
        self.outputs = {port.any_name: _describe(port) for port in self._compiled.outputs}
        self.batches = all(port.get_partial_shape()[0].is_dynamic for port in self._compiled.inputs)

    def run(self, outputs: Sequence[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """The named outputs for arrays by input name."""
        name, compiled = "any", self._compiled
        if self._fixed and all(inputs[port.any_name].shape == tuple(port.shape) for port in self._fixed.inputs):
            name, compiled = "fixed", self._fixed
        if not hasattr(self._requests, name):
            setattr(self._requests, name, compiled.create_infer_request())
        found = getattr(self._requests, name).infer(inputs)
        return [found[output] for output in outputs]


def _fix_size(model: "openvino.Model", usual: tuple[int, int]) -> "openvino.Model | None":
    """The graph for one picture of `usual` (H, W) and no other; None where it takes only one size anyway.

    OpenVINO then works out shapes, and all that depends on nothing else, before the first picture: a tenth of the time.
    """
    port = model.inputs[0]
    shape = port.get_partial_shape()
    if not shape.is_dynamic or shape.rank.get_length() != 4:  # a graph of another contract is refused by who reads it
        return None
    fixed = model.clone()
    fixed.reshape({port.any_name: [1, *usual, 3]})
    return fixed


def _describe(port: object) -> tuple[str, int]:
    """Type and rank of an input or output, in ONNX Runtime's words."""
    name = port.get_element_type().get_type_name()  # type: ignore[attr-defined]
    return TYPE_NAMES.get(name, name), port.get_partial_shape().rank.get_length()  # type: ignore[attr-defined]
