"""Weights files of teachers: read without running anything inside them, and every failed download in plain words."""

import errno
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from baad.data.checksum import hash_file
from baad.errors import BaadError, InputError, OutputError, first_line

NO_NETWORK = re.compile(
    r"Connect|NameResolution|name resolution|(failed to|could not|cannot) resolve|gaierror|unreachable|timed? ?out"
    r"|Timeout|Max retries|offline|LocalEntryNotFound"
    r"|urlopen error|Network|URLError|cannot find the requested files in the (local|disk) cache",
    re.I,
)
FULL = re.compile(r"no space left|disk quota exceeded", re.I)
DAMAGED = re.compile(r"invalid hash|consistency check|hash.{0,20}mismatch|checksum|file should be of size", re.I)


def read_weights(file: Path) -> dict[str, Tensor]:
    """Tensors by name from a .safetensors file, or from a .pth file that holds nothing but tensors.

    A name that ends in a hash, as PyTorch's files have (wide_resnet50_2-95faca4d.pth), is held against the content;
    digits alone, as in mine-20240131.pth, are taken for a date.

    Raises InputError where the file is absent, damaged, or holds more than tensors.
    """
    if not file.is_file():
        raise InputError(f"{file} does not exist. Give the file with the teacher's weights.")
    promised = re.search(r"-(?=[0-9]*[a-f])([0-9a-f]{8,64})\.\w+$", file.name)
    if promised and not hash_file(file).startswith(promised[1]):
        raise InputError(f"{file} is damaged: its SHA-256 does not begin with {promised[1]}. Download it again.")
    try:
        state: Any = (
            load_file(file)
            if file.suffix == ".safetensors"
            else torch.load(file, map_location="cpu", weights_only=True)
        )
    except Exception as error:  # safetensors, pickle, zip and torch have no common error
        more = "" if zipfile.is_zipfile(file) or file.suffix == ".safetensors" else ", or an old file"
        raise InputError(
            f"{file} cannot be read: it is damaged{more}, or holds more than tensors. "
            "Give a .safetensors file, or a .pth file of a state dict."
        ) from error
    if isinstance(state, dict):
        for wrapped in ("state_dict", "model"):  # what training programs put around it
            state = state[wrapped] if isinstance(state.get(wrapped), dict) else state
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{file} holds no weights by name. Give a .safetensors file, or a .pth file of a state dict.")
    return state


def explain_download(name: str, weights: Path | None, error: Exception) -> BaadError:
    """What went wrong between the hub, or a local file, and the network called `name`, and what to do."""
    if weights:
        return InputError(f"{weights} does not fit {name}: {first_line(error)}. Give its own weights.")
    remedy = (
        "Download the weights on another machine and give them with --weights FILE, "
        "or use --teacher efficientnet_lite2, which comes as a package."
    )
    causes = list(_causes(error))
    said = " ".join(f"{type(cause).__name__} {cause}" for cause in causes)
    full = any(isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT) for cause in causes)
    if full or FULL.search(said):
        return OutputError(
            f"The disk is full: the weights of {name} were not saved. Make room, or set HF_HOME to another disk."
        )
    if DAMAGED.search(said):
        return InputError(f"The weights of {name} arrived damaged: their checksum is wrong. Try again. {remedy}")
    if NO_NETWORK.search(said):
        return InputError(f"The weights of {name} cannot be downloaded: no connection to the model hub. {remedy}")
    return InputError(f"The weights of {name} cannot be had: {first_line(error)}. {remedy}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
