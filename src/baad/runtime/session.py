"""ONNX Runtime session: threads, provider, names checked. Arrays in, arrays out; nothing of PyTorch."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime

from baad.errors import BundleError, ImageError, MissingExtra, SettingError

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
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
FATAL_ONLY = 4  # ONNX Runtime's severity scale; what it has to say comes as an exception


@dataclass(frozen=True, eq=False)
class RawMaps:
    """What the network says about one picture, at the network's own size, before any decision."""

    anomaly: np.ndarray  # float32 [h, w], any real number, higher is stranger
    foreground: np.ndarray  # float32 [h, w] in 0..1
    score: float  # any real number, higher is stranger
    reconstruction: np.ndarray | None = None  # uint8 [S, S, 3]: the picture as it would look without defect


class Session:
    """A network ready to run. May be shared between threads."""

    def __init__(self, onnx: bytes, threads: int = 0, provider: str = "cpu") -> None:
        """`onnx`: a graph that keeps the contract of TYPES. `threads`: 0 takes every core this process may use.

        Raises BundleError for a graph that does not load or keeps another contract, SettingError for an unknown
        provider or thread count, MissingExtra where ONNX Runtime was built without the provider.
        """
        self.threads = usable_cores() if threads == 0 else threads
        self._session = _start(onnx, self.threads, _resolve_provider(provider), provider)
        self._outputs = _check_contract(self._session)

    def run(self, image: np.ndarray) -> RawMaps:
        """Score one picture, uint8 [H, W, 3] (RGB). Raises ImageError for other arrays."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ImageError(f"The picture is {image.dtype} {list(image.shape)}: give uint8 [H, W, 3].")
        try:
            values = self._session.run(self._outputs, {INPUT: np.ascontiguousarray(image)[None]})
        except Exception as error:  # ONNX Runtime's exceptions have no common base but this one
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


def usable_cores() -> int:
    """Cores that this process may run on: fewer than the machine has where it is pinned or in a container."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _resolve_provider(provider: str) -> str:
    if provider not in PROVIDERS:
        raise SettingError(f"There is no provider {provider!r}. Choose one of: {', '.join(PROVIDERS)}.")
    if PROVIDERS[provider] not in onnxruntime.get_available_providers():
        raise MissingExtra(
            f"This ONNX Runtime cannot use {provider!r}. Install the build that can in place of `onnxruntime` "
            "(`onnxruntime-gpu` for cuda, `onnxruntime-openvino` for openvino), or choose 'cpu'."
        )
    return PROVIDERS[provider]


def _start(onnx: bytes, threads: int, resolved: str, provider: str) -> onnxruntime.InferenceSession:
    if threads < 0:
        raise SettingError(f"threads is {threads}: give 1 or more, or 0 for all cores.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the cores alone
    try:
        session = onnxruntime.InferenceSession(onnx, options, providers=[resolved])
    except Exception as error:  # see run()
        raise BundleError(
            f"The network in the model file does not load: {_first_line(error)} This is ONNX Runtime "
            f"{onnxruntime.__version__}: pip install --upgrade onnxruntime, or train the model again."
        ) from error
    if session.get_providers()[0] != resolved:
        raise MissingExtra(f"ONNX Runtime could not start {provider!r} and fell back. Check its driver, or use 'cpu'.")
    return session


def _check_contract(session: onnxruntime.InferenceSession) -> list[str]:
    """Names of the outputs to ask for. Raises BundleError where the graph's names, types or ranks are others."""
    found = {value.name: (value.type, len(value.shape)) for value in (*session.get_inputs(), *session.get_outputs())}
    for name, expected in TYPES.items():
        if name not in found and name != RECONSTRUCTION:
            raise BundleError(f"The network has no {name!r} (it has {', '.join(found)}): it was not made by BAAD.")
        if found.get(name, expected) != expected:
            raise BundleError(f"The network's {name!r} is {found[name]}, not {expected}: it was not made by BAAD.")
    if [value.name for value in session.get_inputs()] != [INPUT]:
        raise BundleError(f"The network wants more than a picture ({', '.join(found)}): it was not made by BAAD.")
    return [name for name in (MAP, FOREGROUND, SCORE, RECONSTRUCTION) if name in found]


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]} px"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
