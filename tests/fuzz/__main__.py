"""Feed damaged files to every reader: only BAAD's own errors may come out, soon, and in little memory.

    python -m tests.fuzz                              10,000 files, about a minute
    python -m tests.fuzz --count 500 --seed 7
    python -m tests.fuzz --only 1234                  one of them again, with its traceback
    python -m tests.fuzz --only 1234 --keep bad.bin   and the file itself

The seed and a number make the same file again. The reading is done by a process of its own, which is watched: an
answer that takes longer than 20 s is a hang, more than 1 GB of memory (of the whole process, its libraries included)
and any word on the terminal are failures too. Exit code 1 where anything failed.
"""

import argparse
import importlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from baad.bench.footprint import peak_of_this_process
from baad.errors import BaadError
from tests.fuzz.targets import Original, make_targets

ROOT = Path(__file__).parents[2]
TARGETS = "tests.fuzz.targets"
PATIENCE = 20.0  # seconds for one file
STARTING = 120.0  # seconds for the reading process to say that it is ready
MEMORY = 1_000_000_000  # bytes


@dataclass
class Found:
    """What came of a run. `outcomes` counts by target and answer; `failures` tells each that must not be."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    peak: tuple[int, int] = (0, 0)  # bytes, and the number of the file
    slowest: tuple[float, int] = (0.0, 0)  # seconds, and the number of the file
    seconds: float = 0.0


def fuzz(count: int, seed: int, say: bool = False, targets: str = TARGETS) -> Found:
    """Read `count` damaged files in a process that is watched, and started again where it fell.

    `targets`: module with the `make_targets` to use.
    """
    found, began, next_one = Found(), time.monotonic(), 0
    while next_one < count:
        next_one = _watch(next_one, count, seed, found, say, targets)
    found.seconds = time.monotonic() - began
    return found


def _watch(first: int, count: int, seed: int, found: Found, say: bool, targets: str) -> int:
    """One reading process, until it is through or must be ended; the number to go on with."""
    command = [sys.executable, "-m", "tests.fuzz", "--worker", f"{first}:{count}", "--seed", str(seed)]
    command += ["--targets", targets]
    with tempfile.TemporaryFile("w+b") as complaints, selectors.DefaultSelector() as waiting:
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, cwd=ROOT)
        assert worker.stdout is not None
        waiting.register(worker.stdout, selectors.EVENT_READ)
        at, rest, patience = first, b"", STARTING
        try:
            while True:
                if not waiting.select(patience):
                    found.failures.append(f"{at}: no answer within {patience:.0f} s")
                    return at + 1
                chunk = os.read(worker.stdout.fileno(), 1 << 16)
                if not chunk:
                    break
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    at, patience = _note(json.loads(line), at, found), PATIENCE
                    if say and at % 500 == 0:
                        print(f"{at} of {count}, {len(found.failures)} failed", file=sys.stderr, flush=True)
            if worker.wait() != 0 and at < count:
                complaints.seek(0)
                told = complaints.read().decode("utf-8", "replace").strip().splitlines()[-1:]
                found.failures.append(f"{at}: the process died with {worker.returncode} {' '.join(told)}")
                return at + 1
            return at
        finally:
            worker.kill()
            worker.wait()


def _note(answer: dict[str, object], at: int, found: Found) -> int:
    """Count one answer of the reading process; the number of the file that it reads next."""
    if "ready" in answer:
        return at
    found.outcomes[str(answer["target"]), str(answer["outcome"])] += 1
    found.failures += [f"{answer['number']}: {failure}" for failure in answer["failures"]]  # type: ignore[attr-defined]
    found.peak = max(found.peak, (int(answer["peak"]), -int(answer["number"])))  # type: ignore
    found.slowest = max(found.slowest, (float(answer["seconds"]), int(answer["number"])))  # type: ignore
    return int(answer["number"]) + 1  # type: ignore[call-overload]


def work(first: int, last: int, seed: int, module: str) -> None:
    """The reading process: a JSON line on each file. It ends itself where its memory has grown too large."""
    warnings.simplefilter("ignore")  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        targets = importlib.import_module(module).make_targets(Path(folder))
        print(json.dumps({"ready": True}), flush=True)
        for number in range(first, last):
            target, original, mutant = draw(targets, number, seed)
            before, began = os.fstat(2).st_size, time.monotonic()
            failures, outcome = [], "read"
            try:
                read(original, mutant)
            except BaadError as error:
                outcome = "refused"
                if not str(error).strip() or "\n\n" in str(error):
                    failures.append(f"{original.name}: an error without words")
            except BaseException as error:
                outcome = "failed"
                last_call = traceback.extract_tb(error.__traceback__)[-1]
                told = f"{type(error).__name__}: {error}"[:160].encode("ascii", "backslashreplace").decode()
                failures.append(f"{original.name}: {told} ({Path(last_call.filename).name}:{last_call.lineno})")
            if os.fstat(2).st_size > before:
                failures.append(f"{original.name}: something was said on the terminal")
            peak = int(peak_of_this_process() * 2**20)
            if peak > MEMORY:
                failures.append(f"{original.name}: {peak / 1e9:.1f} GB of memory")
            answer = {"number": number, "target": target, "outcome": outcome, "failures": failures, "peak": peak}
            print(json.dumps({**answer, "seconds": time.monotonic() - began}), flush=True)
            if peak > MEMORY:
                return


def draw(targets: dict[str, list[Original]], number: int, seed: int) -> tuple[str, Original, bytes]:
    """The damaged file of a number: its target, what it was, what became of it."""
    rng = np.random.default_rng([seed, number])
    target = list(targets)[number % len(targets)]
    original = targets[target][int(rng.integers(len(targets[target])))]
    return target, original, original.change(original.content, [each.content for each in targets[target]], rng)


def read(original: Original, mutant: bytes) -> None:
    """Let the reader have the damaged file; afterwards the whole one lies there again."""
    try:
        original.place.write_bytes(mutant)
        original.read(original.place)
    finally:
        original.place.write_bytes(original.content)


def again(number: int, seed: int, keep: Path | None) -> None:
    """Read one damaged file in this process, errors and all."""
    with tempfile.TemporaryDirectory() as folder:
        target, original, mutant = draw(make_targets(Path(folder)), number, seed)
        print(f"{target}: {original.name}, {len(mutant)} bytes of {len(original.content)}")
        if keep is not None:
            keep.write_bytes(mutant)
        try:
            read(original, mutant)
            print("read")
        except BaadError as error:
            print(f"refused: {error}")


def summarise(found: Found, count: int) -> str:
    """A few lines for people."""
    lines = [
        f"{name}: "
        + ", ".join(f"{number} {answer}" for (of, answer), number in sorted(found.outcomes.items()) if of == name)
        for name in dict.fromkeys(name for name, _ in found.outcomes)
    ]
    rate = f"{count} files in {found.seconds:.0f} s, peak {found.peak[0] / 1e6:.0f} MB (number {-found.peak[1]})"
    rate += f", the slowest {found.slowest[0]:.1f} s (number {found.slowest[1]})"
    return "\n".join([*lines, rate, f"{len(found.failures)} failures", *found.failures])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="NUMBER")
    parser.add_argument("--keep", type=Path, metavar="FILE")
    parser.add_argument("--targets", default=TARGETS, help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        first, last = map(int, given.worker.split(":"))
        work(first, last, given.seed, given.targets)
    elif given.only is not None:
        again(given.only, given.seed, given.keep)
    else:
        found = fuzz(given.count, given.seed, say=True)
        print(summarise(found, given.count))
        return bool(found.failures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
