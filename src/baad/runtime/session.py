"""A network ready to run: runtime and threads chosen, names checked. Arrays in, arrays out; nothing of PyTorch."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from baad.errors import BundleError, ImageError, SettingError
from baad.runtime.onnx_network import OnnxNetwork
from baad.runtime.openvino_network import OpenVinoNetwork

PROVIDERS = {  # how a user names it -> what it is to ONNX Runtime; OpenVINO is a runtime of its own
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "",
}
INPUT = "image"
MAP, FOREGROUND, SCORE, RECONSTRUCTION = "anomaly_map", "foreground", "pred_score", "reconstruction"
TYPES = {
    INPUT: ("tensor(uint8)", 4),  # [1, H, W, 3], any H and W: the graph resizes
    MAP: ("tensor(float)", 3),  # [1, h, w]
    FOREGROUND: ("tensor(float)", 3),  # [1, h, w]
    SCORE: ("tensor(float)", 1),  # [1]
    RECONSTRUCTION: ("tensor(uint8)", 4),  # [1, S, S, 3]; a graph may leave it out
}


class Network(Protocol):
    """A graph in some runtime. `inputs`, `outputs`: name -> (type, rank), types as ONNX Runtime names them."""

    inputs: dict[str, tuple[str, int]]
    outputs: dict[str, tuple[str, int]]

    def run(self, outputs: Sequence[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]: ...


@dataclass(frozen=True, eq=False)
class RawMaps:
    """What the network says about one picture, at the network's own size, before any decision."""

    anomaly: np.ndarray  # float32 [h, w], any real number, higher is stranger
    foreground: np.ndarray  # float32 [h, w] in 0..1
    score: float  # any real number, higher is stranger
    reconstruction: np.ndarray | None = None  # uint8 [S, S, 3]: the picture as it would look without defect


class Session:
    """A network ready to run. May be shared between threads."""

    def __init__(self, onnx: bytes, threads: int = 0, provider: str = "cpu", weights: bytes = b"") -> None:
        """`onnx`: a graph that keeps the contract of TYPES. `threads`: see settle_threads.

        With `weights`, which OpenVINO keeps beside its graphs, `onnx` is such a graph (XML) instead.

        Raises BundleError for a graph that does not load or keeps another contract, SettingError for an unknown
        provider or thread count, MissingExtra where the provider is not installed.
        """
        self.threads = settle_threads(threads)
        self._network = start_network(onnx, self.threads, provider, weights)
        self._outputs = _check_contract(self._network)

    def run(self, image: np.ndarray) -> RawMaps:
        """Score one picture, uint8 [H, W, 3] (RGB). Raises ImageError for other arrays."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ImageError(f"The picture is {image.dtype} {list(image.shape)}: give uint8 [H, W, 3].")
        try:
            values = self._network.run(self._outputs, {INPUT: np.ascontiguousarray(image)[None]})
        except Exception as error:  # the runtimes' exceptions have no common base but this one
            raise BundleError(f"The network cannot run on a picture of {_size(image)}: {_first_line(error)}") from error
        found = dict(zip(self._outputs, values))
        anomaly, foreground, score = found[MAP][0], found[FOREGROUND][0], float(found[SCORE][0])
        if not (np.isfinite(score) and np.isfinite(anomaly).all() and np.isfinite(foreground).all()):
            raise BundleError("The network gives values that are not numbers: no verdict is possible. Train again.")
        reconstruction = found[RECONSTRUCTION][0] if RECONSTRUCTION in found else None
        return RawMaps(anomaly, foreground, score, reconstruction)

    def run_batch(self, images: Sequence[np.ndarray]) -> list[RawMaps]:
        """Score pictures of any sizes, one after the other: the graph takes one at a time."""
        return [self.run(image) for image in images]


def settle_threads(threads: int) -> int:
    """How many threads work: 0 takes every core this process may use, and none takes more, for more only wait.

    Raises SettingError for a negative number.
    """
    if threads < 0:
        raise SettingError(f"threads is {threads}: give 1 or more, or 0 for all cores.")
    return min(threads or usable_cores(), usable_cores())


def usable_cores() -> int:
    """Cores that this process may run on: fewer than the machine has where it is pinned or in a container."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def start_network(onnx: bytes, threads: int, provider: str, weights: bytes = b"") -> Network:
    """The graph, ready to run in the runtime that `provider` names. `threads`: at least 1."""
    if provider not in PROVIDERS:
        raise SettingError(f"There is no provider {provider!r}. Choose one of: {', '.join(PROVIDERS)}.")
    if threads < 1:
        raise SettingError(f"threads is {threads}: give 1 or more, or 0 for all cores.")
    if provider == "openvino":
        return OpenVinoNetwork(onnx, threads, weights)
    return OnnxNetwork(onnx, threads, PROVIDERS[provider])


def _check_contract(network: Network) -> list[str]:
    """Names of the outputs to ask for. Raises BundleError where the graph's names, types or ranks are others."""
    found = {**network.inputs, **network.outputs}
    for name, expected in TYPES.items():
        if name not in found and name != RECONSTRUCTION:
            raise BundleError(f"The network has no {name!r} (it has {', '.join(found)}): it was not made by BAAD.")
        if found.get(name, expected) != expected:
            raise BundleError(f"The network's {name!r} is {found[name]}, not {expected}: it was not made by BAAD.")
    if list(network.inputs) != [INPUT]:
        raise BundleError(f"The network wants more than a picture ({', '.join(found)}): it was not made by BAAD.")
    return [name for name in (MAP, FOREGROUND, SCORE, RECONSTRUCTION) if name in found]


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]} px"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
