"""How long do the candidates for patch features take on a processor? All by turns, in every runtime, in one run."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from baad.bench.graphs import write_graph
from baad.bench.host import describe_host
from baad.bench.runtimes import ON_PROCESSOR, RUNTIMES, installed_runtimes, load_call
from baad.bench.timing import interleave
from baad.progress import Progress


@dataclass(frozen=True)
class Latency:
    """Of one picture of `size` x `size` px. `medians`: runtime -> milliseconds. `where`: processor and threads."""

    size: int
    gmac: float
    medians: dict[str, float]
    where: str = ""

    @property
    def ms(self) -> float:
        """In the faster runtime."""
        return min(self.medians.values())


def tell_threads(threads: int) -> str:
    """How `where` ends."""
    return f", {threads} threads"


def measure_latency(
    networks: Mapping[str, tuple[nn.Module, int]], threads: int, seconds: float, progress: Progress
) -> dict[str, Latency]:
    """Name -> (what takes images [B, 3, H, W], side of its square input in px) -> its times."""
    runtimes = [name for name in installed_runtimes() if name in ON_PROCESSOR]
    calls, macs = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (network, size) in networks.items():
            graph = write_graph(network, (torch.rand(1, 3, size, size),), Path(folder))
            macs[name] = graph.macs
            for runtime in runtimes:
                calls[name, runtime] = load_call(graph, RUNTIMES[runtime], threads)
        progress.say(f"timing {len(networks)} networks in turns for {seconds:.0f} s")
        times = interleave(calls, seconds)
    return {
        name: Latency(
            size,
            round(macs[name] / 1e9, 3),
            {runtime: round(float(np.median(times[name, runtime].wall)), 2) for runtime in runtimes},
            f"{describe_host()['processor']}{tell_threads(threads)}",
        )
        for name, (_, size) in networks.items()
    }
