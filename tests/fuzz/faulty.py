"""Readers with every fault that the fuzzer must find, for the test of the fuzzer."""

import os
import time
from pathlib import Path

from baad.errors import DataError
from tests.fuzz.mutate import mutate
from tests.fuzz.targets import Original


def make_targets(folder: Path) -> dict[str, list[Original]]:
    """One target a fault: file 0 meets the first, file 1 the second, and so on."""
    faults = (_refuse, _raise, _hang, _die, _talk, _swell)
    return {each.__name__: [Original(each.__name__, b"whole", folder / "file", mutate, each)] for each in faults}


def _refuse(path: Path) -> None:
    raise DataError("it is bad. Mend it.")


def _raise(path: Path) -> None:
    raise KeyError("label")


def _hang(path: Path) -> None:
    time.sleep(1000)


def _die(path: Path) -> None:
    os._exit(7)


def _talk(path: Path) -> None:
    os.write(2, b"warning: odd\n")


def _swell(path: Path) -> None:
    len(b"x" * 1_100_000_000)
