"""The runtimes that can be timed here, and one of them running a graph."""

from collections.abc import Callable
from functools import partial

import onnxruntime

from baad.bench.graphs import Graph
from baad.runtime.openvino_network import has_openvino
from baad.runtime.session import start_network

RUNTIMES = {"onnxruntime": "cpu", "openvino": "openvino", "onnxruntime_cuda": "cuda"}  # in the tables -> provider
ON_PROCESSOR = ("onnxruntime", "openvino")


def installed_runtimes() -> list[str]:
    """Names of RUNTIMES that can run here."""
    there = {
        "onnxruntime": True,
        "openvino": has_openvino(),
        "onnxruntime_cuda": "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    }
    return [name for name in RUNTIMES if there[name]]


def load_call(graph: Graph, provider: str, threads: int) -> Callable[[], object]:
    """What runs a graph once on its inputs."""
    network = start_network(graph.file.read_bytes(), threads, provider)
    return partial(network.run, list(network.outputs), graph.inputs)
