"""A network ready to run: runtime and threads chosen, names checked. Arrays in, arrays out; nothing of PyTorch."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np

from baad.errors import BundleError, ImageError, SettingError, first_line
from baad.runtime.onnx_network import OnnxNetwork
from baad.runtime.openvino_network import OpenVinoNetwork

PROVIDERS = {  # how a user names it -> what it is to ONNX Runtime; OpenVINO is a runtime of its own
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "",
}
LARGEST_BATCH = 8  # pictures: more of them are no faster each, and take more memory
QUOTA = Path("/sys/fs/cgroup/cpu.max")
INPUT = "image"
MAP, FOREGROUND, SCORE, RECONSTRUCTION = "anomaly_map", "foreground", "pred_score", "reconstruction"
TYPES = {
    INPUT: ("tensor(uint8)", 4),  # [B, H, W, 3], any H and W: the graph resizes
    MAP: ("tensor(float)", 3),  # [B, h, w]
    FOREGROUND: ("tensor(float)", 3),  # [B, h, w]
    SCORE: ("tensor(float)", 1),  # [B]
    RECONSTRUCTION: ("tensor(float)", 4),  # [B, 12, h / 2, w / 2], see unfold; a graph may leave it out
}


class Network(Protocol):
    """A graph in some runtime. `inputs`, `outputs`: name -> (type, rank), types as ONNX Runtime names them."""

    inputs: dict[str, tuple[str, int]]
    outputs: dict[str, tuple[str, int]]
    batches: bool  # whether it takes more than one picture at once

    def run(self, outputs: Sequence[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]: ...


@dataclass(frozen=True, eq=False)
class TileMap:
    """What the network says about one tile of a picture."""

    top: int  # in px of the picture's map
    left: int
    anomaly: np.ndarray  # float32 [h, w]
    score: float


@dataclass(frozen=True, eq=False)
class RawMaps:
    """What the network says about one picture, at the network's own size, before any decision."""

    anomaly: np.ndarray  # float32 [h, w], any real number, higher is stranger
    foreground: np.ndarray  # float32 [h, w] in 0..1
    score: float  # any real number, higher is stranger
    rebuilt: np.ndarray | None = None  # the reconstruction, folded as BAAD's network gives it, or uint8 [h, w, 3]
    tiles: tuple[TileMap, ...] = ()  # those that `anomaly` is blended of, twice its memory; `score` is their highest

    @property
    def reconstruction(self) -> np.ndarray | None:
        """uint8 [h, w, 3]: the picture as it would look without defect. Unfolded only when it is asked for."""
        folded = self.rebuilt is not None and self.rebuilt.dtype != np.uint8
        return unfold(self.rebuilt) if self.rebuilt is not None and folded else self.rebuilt


class Session:
    """A network ready to run. May be shared between threads."""

    def __init__(
        self,
        onnx: bytes,
        threads: int = 0,
        provider: str = "cpu",
        weights: bytes = b"",
        pin: bool = False,
        usual: tuple[int, int] | None = None,
    ) -> None:
        """`onnx`: a graph that keeps the contract of TYPES. `threads`: see settle_threads.

        `pin`, `usual`: see start_network.

        With `weights`, which OpenVINO keeps beside its graphs, `onnx` is such a graph (XML) instead.

        Raises BundleError for a graph that does not load or keeps another contract, SettingError for an unknown
        provider or thread count, MissingExtra where the provider is not installed.
        """
        self.threads = settle_threads(threads)
        self._network = start_network(onnx, self.threads, provider, weights, pin, usual)
        self._outputs = _check_contract(self._network)

    def run(self, image: np.ndarray) -> RawMaps:
        """Score one picture, uint8 [H, W, 3] (RGB). Raises ImageError for other arrays."""
        require_picture(image)
        return self._run(np.ascontiguousarray(image)[None])[0]

    def run_batch(self, images: Sequence[np.ndarray]) -> list[RawMaps]:
        """Score pictures of any sizes; neighbours of equal size go through the network together, up to 8 of them."""
        for image in images:
            require_picture(image)
        found: list[RawMaps] = []
        for _, group in groupby(images, key=lambda image: image.shape):
            alike = list(group)
            size = LARGEST_BATCH if self._network.batches else 1
            for start in range(0, len(alike), size):
                chunk = alike[start : start + size]
                found += self._run(np.stack(chunk)) if len(chunk) > 1 else [self.run(chunk[0])]
        return found

    def _run(self, images: np.ndarray) -> list[RawMaps]:
        """uint8 [B, H, W, 3] -> the maps of each."""
        try:
            values = self._network.run(self._outputs, {INPUT: images})
        except Exception as error:  # the runtimes' exceptions have no common base but this one
            where = f"The network cannot run on a picture of {_size(images[0])}: {first_line(error)}"
            raise ImageError(f"{where} Judge smaller pictures, or free memory; start again if it goes on.") from error
        found = dict(zip(self._outputs, values))
        if not all(np.isfinite(found[name]).all() for name in (SCORE, MAP, FOREGROUND)):
            raise BundleError("The network gives values that are not numbers: no verdict is possible. Train again.")
        rebuilt = found.get(RECONSTRUCTION, [None] * len(images))
        return [
            RawMaps(anomaly, foreground, float(score), picture)
            for anomaly, foreground, score, picture in zip(found[MAP], found[FOREGROUND], found[SCORE], rebuilt)
        ]


def unfold(folded: np.ndarray) -> np.ndarray:
    """float32 [12, h / 2, w / 2] in 0..1, three colours of 2x2 pixels each -> uint8 [h, w, 3]."""
    _, height, width = folded.shape
    pixels = np.rint(folded * 255.0).astype(np.uint8).reshape(3, 2, 2, height, width)  # colour, row, column, cell
    return pixels.transpose(3, 1, 4, 2, 0).reshape(2 * height, 2 * width, 3)


def require_picture(image: np.ndarray) -> None:
    """Raises ImageError for what is not uint8 [H, W, 3]."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ImageError(f"The picture is {image.dtype} {list(image.shape)}: give uint8 [H, W, 3].")


def settle_threads(threads: int) -> int:
    """How many threads work: 0 takes every core this process may use, and none takes more, for more only wait.

    Raises SettingError for a negative number.
    """
    if threads < 0:
        raise SettingError(f"threads is {threads}: give 1 or more, or 0 for all cores.")
    return min(threads or usable_cores(), usable_cores())


def name_cores() -> list[int]:
    """Numbers of the cores that this process may run on; empty where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def usable_cores() -> int:
    """Cores that this process may run on: fewer than the machine has where it is pinned or in a container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _quota() or cores)


def _quota() -> int:
    """Cores' worth of time that a container is given, rounded up; 0 where nothing limits it (Linux, cgroup v2)."""
    if not QUOTA.is_file():
        return 0
    granted, _, period = QUOTA.read_text().strip().partition(" ")  # microseconds in each period, or "max"
    return math.ceil(int(granted) / int(period)) if granted != "max" else 0


def start_network(
    onnx: bytes,
    threads: int,
    provider: str,
    weights: bytes = b"",
    pin: bool = False,
    usual: tuple[int, int] | None = None,
) -> Network:
    """The graph, ready to run in the runtime that `provider` names. `threads`: at least 1.

    `usual`: (H, W) of most pictures, for which OpenVINO prepares a second copy of the graph; others are judged as well.

    `pin`: tie to cores the threads that the runtime starts. ONNX Runtime's work beside the caller's thread, which stays
    free: whoever owns it may want it elsewhere, and threads that it starts later would be tied with it.
    """
    if provider not in PROVIDERS:
        raise SettingError(f"There is no provider {provider!r}. Choose one of: {', '.join(PROVIDERS)}.")
    if threads < 1:
        raise SettingError(f"threads is {threads}: give 1 or more, or 0 for all cores.")
    if provider == "openvino":
        return OpenVinoNetwork(onnx, threads, weights, pin, usual)
    cores = name_cores()[:threads] if pin else ()
    return OnnxNetwork(onnx, threads, PROVIDERS[provider], cores)


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
