"""Checkpoints: everything a stopped run needs to go on, in one safetensors file, written whole or not at all."""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from baad.atomic import replacing
from baad.errors import BundleError


def save_checkpoint(
    file: Path, step: int, parts: dict[str, nn.Module], optimizer: torch.optim.Optimizer, note: str
) -> None:
    """Write weights and buffers of `parts`, the optimizer's moments, and the number of steps done.

    `note` says what run this belongs to; loading refuses another one.
    """
    state = {
        f"{name}/{key}": value.detach().contiguous()
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }
    for index, moments in optimizer.state_dict()["state"].items():
        state |= {f"optimizer/{index}/{key}": torch.as_tensor(value).contiguous() for key, value in moments.items()}
    with replacing(file) as partial:
        save_file(state, partial, {"step": str(step), "note": note})


def load_checkpoint(file: Path, parts: dict[str, nn.Module], optimizer: torch.optim.Optimizer, note: str) -> int:
    """Put a checkpoint's state into `parts` and `optimizer`; returns the number of steps done.

    Raises BundleError where the file is damaged or belongs to another run.
    """
    try:
        state = load_file(file)
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata()
    except Exception as error:
        raise BundleError(f"{file} is not a usable checkpoint: {error}. Delete it to start over.") from error
    if metadata.get("note") != note:
        raise BundleError(f"{file} belongs to a run with other settings or images. Delete it to start over.")
    for name, part in parts.items():
        prefix = f"{name}/"
        part.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in state.items():
        if key.startswith("optimizer/"):
            _, index, name = key.split("/")
            moments.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(metadata["step"])
