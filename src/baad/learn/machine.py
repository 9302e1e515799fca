"""The machine that trains: which of its devices, and how many of its threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from baad.errors import SettingError, first_line
from baad.runtime.session import settle_threads
from baad.settings import TrainSettings


def choose_device(name: str) -> str:
    """The device that a setting names, tried out: "auto" is a GPU where there is one. Raises SettingError."""
    device = ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
    try:
        torch.empty(1, device=device)
    except Exception as error:  # PyTorch raises whatever its build has for it
        told = first_line(error, most=100)
        raise SettingError(f"device is {name!r}, which cannot be used here: {told}. Give auto or cpu.") from error
    return device


@contextmanager
def using_threads(threads: int) -> Iterator[int]:
    """So many threads of PyTorch's, 0: one for each core; gives how many they are. Afterwards all is as it was."""
    before, used = torch.get_num_threads(), settle_threads(threads)
    torch.set_num_threads(used)
    try:
        yield used
    finally:
        torch.set_num_threads(before)


@contextmanager
def using_machine(settings: TrainSettings) -> Iterator[None]:
    """Threads as set, and tiny numbers count as zero, which keeps processors fast; afterwards all is as it was, torch's
    generators too, which the training seeds anew in each step."""
    card = torch.device(choose_device(settings.device))
    keeps_tiny = bool((torch.tensor(1e-310, dtype=torch.float64) * 1).item())
    torch.set_flush_denormal(True)
    cards = [torch.cuda.current_device() if card.index is None else card.index] if card.type == "cuda" else []
    try:
        with using_threads(settings.threads), torch.random.fork_rng(devices=cards):
            yield
    finally:
        torch.set_flush_denormal(not keeps_tiny)
