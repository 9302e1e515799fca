"""Trainings that are interrupted and continued: python killed_runs.py DATA FOLDER SEED. Prints one JSON object.

Each training is a process of its own, forked from this one so that PyTorch is loaded once.
"""

import io
import json
import os
import random
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import torch

import baad.learn.checkpoint as checkpoint
import baad.learn.loop as loop
from baad.cli.app import main

STEPS = 20
TINY = ("image_size=64", "size=tiny", "batch_size=2", "threads=1", "held_out=0.25", "device=cpu", "foreground=off")
TINY += ("pdn=random",)
CHANGES = [word for change in TINY for word in ("--set", change)]


def train(data: Path, out: Path, *words: str, plant=lambda: None) -> tuple[int, str]:
    """Exit code (negative: the signal that killed it) and standard error of `baad train` after `plant` in a child."""
    told = out.with_suffix(".err")
    child = os.fork()
    if child == 0:
        with told.open("w") as sys.stderr, io.StringIO() as sys.stdout:
            sys.argv = ["baad", "train", str(data), "-o", str(out), *CHANGES, *words]
            plant()
            try:
                main()
            except SystemExit as exit:
                sys.stderr.flush()
                os._exit(int(exit.code or 0))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, told.read_text()


def at_step(wanted: int, number: int, after_the_update: bool = False):
    """Send a signal in the middle of a step: before the weights are changed, or when half of it is done."""

    def plant() -> None:
        check, update = loop.check_loss, loop.Average.update

        def check_and_strike(total, step):
            check(total, step)
            if step == wanted and not after_the_update:
                os.kill(os.getpid(), number)

        def strike_and_update(self, model, step):
            if step == wanted and after_the_update:
                os.kill(os.getpid(), number)
            update(self, model, step)

        loop.check_loss, loop.Average.update = check_and_strike, strike_and_update

    return plant


def inside_the_write() -> None:
    """Kill when half of a checkpoint is on the disk."""

    def strike(handle: int) -> None:
        os.ftruncate(handle, os.fstat(handle).st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

    checkpoint.os = SimpleNamespace(fsync=strike)


def clock(seconds: float, then=lambda: None):
    """A clock that goes on by so much whenever the loop looks at it."""

    def plant() -> None:
        now = [0.0]

        def monotonic() -> float:
            now[0] += seconds
            return now[0]

        loop.time = SimpleNamespace(monotonic=monotonic)
        then()

    return plant


def run(data: Path, folder: Path, seed: int) -> dict[str, object]:
    """What each call said, and its exit code."""
    loop.SAVE_EVERY = 3
    steps, whole, cut = ("--steps", str(STEPS)), folder / "whole.baad", folder / "cut.baad"
    told: dict[str, object] = {"whole": train(data, whole, *steps)}

    told["ctrl_c"] = train(data, cut, *steps, plant=at_step(5, signal.SIGINT))  # steps 0 to 4 are tried first
    log = Path(f"{cut}.run", "losses.jsonl")
    told["lines"] = len(log.read_text().splitlines())
    with log.open("a") as lines:
        lines.write('{"step": 6, "total": 9}\n{"step": 7, "to')  # as a kill between two checkpoints leaves it
    told["other_settings"] = train(data, cut, "--steps", str(STEPS + 1), "--resume")
    rng = random.Random(seed)
    kills = [at_step(at, signal.SIGKILL, rng.random() < 0.5) for at in sorted(rng.sample(range(6, 17), 5))]
    told["killed"] = [train(data, cut, *steps, "--resume", plant=kill)[0] for kill in [*kills, inside_the_write]]
    told["left"] = [file.name for file in log.parent.glob("*.partial")]
    told["sigterm"] = train(data, cut, *steps, "--resume", plant=at_step(18, signal.SIGTERM))
    told["cut"] = train(data, cut, *steps, "--resume")
    told["finished"] = train(data, cut, *steps, "--resume")

    timed = folder / "timed.baad"  # most of the 25 steps on trial take .5 s on that clock; .25 minutes are 30
    told["minutes"] = train(data, timed, "--minutes", "0.25", plant=clock(0.5, at_step(26, signal.SIGTERM)))
    told["minutes_on"] = train(
        data, timed, "--minutes", "0.25", "--resume", plant=clock(5.0, at_step(28, signal.SIGTERM))
    )
    return told


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
