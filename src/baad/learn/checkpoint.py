"""Checkpoints: everything a stopped run needs to go on, in one safetensors file, written whole or not at all."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import torch
from safetensors import safe_open
from safetensors.torch import load, save
from torch import Tensor, nn

from baad.atomic import replacing
from baad.errors import BundleError, OutputError
from baad.learn.took import Took

CHECKPOINT, LOG = "checkpoint.safetensors", "losses.jsonl"  # in a run folder


def save_checkpoint(
    file: Path,
    step: int,
    parts: dict[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    note: str,
    took: Took,
) -> None:
    """Write weights and buffers of `parts`, the optimizer's moments, the number of steps done and what they took.

    `note` says what run this belongs to; loading refuses another one. Raises OutputError where the disk refuses.
    """
    state = {
        f"{name}/{key}": value.detach().contiguous()
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }
    for index, moments in optimizer.state_dict()["state"].items():
        state |= {f"optimizer/{index}/{key}": torch.as_tensor(value).contiguous() for key, value in moments.items()}
    content = save(state, {"step": str(step), "minutes": str(took.minutes), "busy": str(took.busy), "note": note})
    with replacing(file) as partial, partial.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())  # the old checkpoint goes only when the new one is on the disk


def load_checkpoint(file: Path, parts: dict[str, nn.Module], optimizer: torch.optim.Optimizer, note: str) -> int:
    """Put a checkpoint's state into `parts` and `optimizer`; returns the number of steps done.

    Raises BundleError where the file is damaged or belongs to another run.
    """
    header = read_header(file)
    if header.get("note") != note:
        raise BundleError(f"{file} belongs to a run with other settings or images. Delete it to start over.")
    try:
        state = load(file.read_bytes())  # a mapped file could not be replaced on Windows while a tensor looks into it
        for name, part in parts.items():
            prefix = f"{name}/"
            part.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
        load_moments(state, optimizer)
        return int(header["step"])
    except Exception as error:  # of safetensors, of load_state_dict where the network is another, of the header
        raise _unusable(file, error) from error


def load_moments(state: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> None:
    """The optimizer's part of a checkpoint, laid out in memory as its parameters are: the fused step needs that."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in state.items():
        if key.startswith("optimizer/"):
            _, index, name = key.split("/")
            like = parameters[int(index)]
            laid_out = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
            moments.setdefault(int(index), {})[name] = laid_out
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})


def read_header(file: Path) -> dict[str, str]:
    """What stands in a checkpoint beside the tensors. Raises BundleError where it is damaged."""
    try:
        with safe_open(file, "pt") as opened:
            return opened.metadata() or {}
    except Exception as error:  # safetensors' own errors have no common base with OSError
        raise _unusable(file, error) from error


def read_took(file: Path) -> Took:
    """What the steps of a checkpoint took. Raises BundleError where it is damaged."""
    header = read_header(file)
    return Took(float(header.get("minutes", 0.0)), float(header.get("busy", 0.0)))


@contextmanager
def continued_log(file: Path, start: int) -> Iterator[TextIO]:
    """The log of losses, open for the line of step `start`: lines of later steps, and half of one, are cut off.

    Raises OutputError where the disk refuses, at once or while lines are written. A pipe that nobody reads any more is
    no disk: a BrokenPipeError is the caller's.
    """
    try:
        if start:
            lines = file.read_text("utf-8").splitlines(keepends=True)
            with replacing(file) as partial:
                partial.write_text("".join(line for line in lines if _is_before(line, start)), "utf-8")
        with file.open("a" if start else "w", encoding="utf-8") as log:
            yield log
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"Cannot write {file}: {error.strerror or error}. Make room, or check the folder.") from error


def _is_before(line: str, start: int) -> bool:
    try:
        return line.endswith("\n") and json.loads(line)["step"] < start
    except (ValueError, KeyError, TypeError):
        return False


def _unusable(file: Path, error: Exception) -> BundleError:
    return BundleError(f"{file} is not a usable checkpoint: {error}. Delete it to start over.")
