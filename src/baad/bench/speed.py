"""How fast is it? Our networks, stages and the whole way to a verdict, beside peers, in every runtime there is.

All that is compared runs in one process in turns (see `timing`): figures of a busy machine are slow, their ratios hold.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baad.atomic import write_text
from baad.bench.cuda_graph import record
from baad.bench.footprint import judge_pictures, measure_peak, measure_start
from baad.bench.graphs import (
    draw_pictures,
    network_modules,
    stage_modules,
    write_dense,
    write_graph,
    write_model,
)
from baad.bench.host import describe_host
from baad.bench.runtimes import ON_PROCESSOR, RUNTIMES, installed_runtimes, load_call
from baad.bench.timing import Times, interleave
from baad.data.decode import read_image
from baad.progress import Progress
from baad.runtime.detector import Detector, judge
from baad.runtime.session import settle_threads

SIZES, BATCHES = (256, 384, 512), (1, 8)
SUMMARY = (256, 1)  # image size and batch of the figures that have a name
CUDA_GRAPH = "pytorch_cuda_graph"  # times networks, too, where PyTorch finds a graphics card
PEERS = ("efficientad_s", "wrn50_layer3")
DENSE = "dense_convolution"
NETWORKS = ("baad", "baad_near")  # without a background and with one; what has a name is the slower one's
WHOLE = {"array_to_verdict": False, "array_to_verdict_near": True}  # the whole way -> whether with the near view
COLUMNS = ("p50_ms", "p95_ms", "processor_ms", "images_per_s", "gmac", "gmac_per_s", "peak_rss_mib")


@dataclass(frozen=True)
class Case:
    """One thing that is timed."""

    what: str
    runtime: str
    image_size: int
    batch: int
    macs: int  # of one picture
    call: Callable[[], object]


def bench_speed(
    progress: Progress, threads: int = 0, seconds: float = 90.0, full: bool = False
) -> Iterator[dict[str, Any]]:
    """Time everything -> the summary at 256x256 and batch 1 under its named keys, and all rows under `rows`.

    Yields what there is after each combination of image size and batch, the last time all. `seconds`: for each of them.
    `full`: all sizes and batches, the stages, and two networks in place of one. `threads`: 0 takes every core.
    """
    threads = settle_threads(threads)
    torch.set_num_threads(1)
    runtimes = installed_runtimes()
    combinations = [(size, batch) for size in SIZES for batch in BATCHES] if full else [SUMMARY]  # that is the first
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, progress.task("speed", len(combinations)) as task:
        for size, batch in combinations:
            cases = list(make_cases(Path(folder), size, batch, runtimes, threads, full))
            progress.say(f"{size} px, batch {batch}: timing {len(cases)} things in turns for {seconds:.0f} s")
            times = interleave({(case.what, case.runtime): case.call for case in cases}, seconds)
            rows += [make_row(case, times[case.what, case.runtime]) for case in cases]
            add_memory(rows, Path(folder), size, batch, threads)
            if (size, batch) == SUMMARY:
                progress.say("timing the first verdict of a new process")
                starts = [measure_start(find_model(Path(folder), size, name), size, threads) for name in WHOLE]
                start = {name: max(each[name] for each in starts) for name in starts[0]}
            yield {**summarise(rows), **start, "threads": threads, "host": describe_host(), "rows": rows}
            task.advance()


def make_cases(
    folder: Path, size: int, batch: int, runtimes: Sequence[str], threads: int, full: bool
) -> Iterator[Case]:
    """All that is timed for one image size and batch."""
    graphs = {DENSE: write_dense(folder)} if batch == 1 else {}
    networks, images = network_modules(separate=full), torch.rand(batch, 3, size, size)
    for name, module in networks.items():
        graphs[name] = write_graph(module, (images,), folder)
    if torch.cuda.is_available():
        for name, module in networks.items():
            yield Case(name, CUDA_GRAPH, size, batch, graphs[name].macs, record(module, [images]))
    if full:
        for name, (module, inputs) in stage_modules(size, batch).items():
            graphs[name] = write_graph(module, inputs, folder)
    for name, near in WHOLE.items():
        write_model(find_model(folder, size, name), size, threads, near)
    pictures = draw_pictures(size, batch)
    for runtime in runtimes:
        for name, graph in graphs.items():
            call = load_call(graph, RUNTIMES[runtime], threads)
            yield Case(name, runtime, size, batch, graph.macs, call)
        for name, network in zip(WHOLE, NETWORKS):
            detector = Detector.load(find_model(folder, size, name), threads, RUNTIMES[runtime])
            whole = partial(judge_pictures, detector, pictures)
            yield Case(name, runtime, size, batch, graphs[network].macs, whole)
    if full:
        yield from outside_cases(folder, detector, pictures)


def find_model(folder: Path, size: int, whole: str) -> Path:
    """Where the model file lies with which the whole way is gone."""
    return folder / f"{whole}_{size}.baad"


def outside_cases(folder: Path, detector: Detector, pictures: Sequence[np.ndarray]) -> Iterator[Case]:
    """What happens outside of any runtime: reading files, and all that follows the network."""
    from PIL import Image

    size, batch = len(pictures[0]), len(pictures)
    for suffix in ("png", "jpg"):
        files = [folder / f"{index}.{suffix}" for index in range(batch)]
        for file, picture in zip(files, pictures):
            Image.fromarray(picture).save(file)
        yield Case(f"read_{suffix}", "-", size, batch, 0, partial(_call_all, read_image, files))
    raws = [detector.session.run(picture) for picture in pictures]
    after = partial(judge, shape=(size, size), calibration=detector.calibration)
    yield Case("post", "-", size, batch, 0, partial(_call_all, after, raws))


def _call_all(function: Callable[[Any], object], values: Sequence[Any]) -> None:
    for value in values:
        function(value)


def make_row(case: Case, times: Times) -> dict[str, Any]:
    """Figures of one case from its times."""
    p50, p95 = (float(np.percentile(times.wall, share)) for share in (50, 95))
    return {
        "what": case.what,
        "runtime": case.runtime,
        "image_size": case.image_size,
        "batch": case.batch,
        "p50_ms": round(p50, 3),
        "p95_ms": round(p95, 3),
        "processor_ms": round(float(np.median(times.processor)), 3),
        "images_per_s": round(1000.0 * case.batch / p50, 2),
        "gmac": round(case.macs / 1e9, 3),
        "gmac_per_s": round(case.batch * case.macs / p50 / 1e6, 1),
        "peak_rss_mib": None,
        "calls": len(times.wall),
    }


def add_memory(rows: Sequence[dict[str, Any]], folder: Path, size: int, batch: int, threads: int) -> None:
    """Fill in the peak memory of the whole way, from processes with the bare runtime."""
    for row in rows:
        if row["what"] in WHOLE and (row["image_size"], row["batch"]) == (size, batch):
            model = find_model(folder, size, row["what"])
            row["peak_rss_mib"] = round(measure_peak(model, size, batch, RUNTIMES[row["runtime"]], threads), 1)


def summarise(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The named figures at 256x256 and batch 1, and their ratios by processor time."""
    fastest = find_fastest(rows, "p50_ms")
    whole = [fastest[name] for name in WHOLE if name in fastest]
    return {
        "p50_ms": max(row["p50_ms"] for row in whole),
        "p95_ms": max(row["p95_ms"] for row in whole),
        **compare(rows, "p50_ms"),
        "peak_rss_mib": find_bare_peak(rows),
        "by_processor_time": compare(rows, "processor_ms"),
        "fastest": {what: row["runtime"] for what, row in fastest.items()},
    }


def compare(rows: Sequence[Mapping[str, Any]], time: str) -> dict[str, float]:
    """Our network against EfficientAD-S and the dense convolution, the whole way against WideResNet-50.

    Each as it is with the view that is worse off.
    """
    fastest = find_fastest(rows, time)
    networks, whole = ([fastest[name] for name in names if name in fastest] for names in (NETWORKS, WHOLE))
    efficientad, wide = (fastest[peer][time] for peer in PEERS)
    dense = {
        row["runtime"]: row["gmac"] / row[time] for row in rows if (row["what"], *_place(row)) == (DENSE, *SUMMARY)
    }
    shares = [row["gmac"] / row[time] / dense[row["runtime"]] for row in networks]
    return {
        "times_faster_than_efficientad_s": round(efficientad / max(row[time] for row in networks), 2),
        "times_faster_than_wrn50_layer3": round(wide / max(row[time] for row in whole), 2),
        "share_of_conv_peak": round(min(shares), 3),
    }


def find_fastest(rows: Sequence[Mapping[str, Any]], time: str) -> dict[str, Mapping[str, Any]]:
    """Of each thing at 256x256 and batch 1, the row of the runtime that runs it fastest on the processor."""
    fastest: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if _place(row) == SUMMARY and row["runtime"] in ON_PROCESSOR:
            fastest[row["what"]] = min(fastest.get(row["what"], row), row, key=lambda each: each[time])
    return fastest


def find_bare_peak(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Peak memory of the whole way with nothing but the base install, MiB; None where it was not measured."""
    place = (*SUMMARY, ON_PROCESSOR[0])
    bare = [row["peak_rss_mib"] for row in rows if row["what"] in WHOLE and (*_place(row), row["runtime"]) == place]
    return max((peak for peak in bare if peak is not None), default=None)


def _place(row: Mapping[str, Any]) -> tuple[int, int]:
    return row["image_size"], row["batch"]


def write_results(found: Mapping[str, Any], out: Path, command: str) -> None:
    """`speed.json` with everything and `README.md` with tables, in a folder."""
    write_text(out / "speed.json", json.dumps(found, indent=1) + "\n")
    write_text(out / "README.md", format_page(found, command))


def format_page(found: Mapping[str, Any], command: str) -> str:
    """Markdown: the named figures, the machine, and a table for every image size and batch."""
    host = found["host"]
    card = f", {host['graphics_card']}" if host["graphics_card"] else ""
    versions = ", ".join(f"{name} {number}" for name, number in host["versions"].items())
    lines = [
        "# Speed",
        "",
        f"Written by `{command}`. Random weights; FP32; {found['threads']} threads on {host['processor']}, "
        f"{host['cores']} cores{card}, load {host['load']} when it ended; {host['system']}, Python {host['python']}, "
        f"{versions}. All rows of a table were timed in turns in one run.",
        "",
        "| at 256x256, batch 1 | |",
        "|---|---|",
        *(f"| `{name}` | {found[name]} |" for name in NAMED),
        "",
        "`p50_ms` and `p95_ms`: array in to verdict out; set against `wrn50_layer3` alone. Our network alone is set "
        "against `efficientad_s`. Each in the runtime that runs it fastest. `share_of_conv_peak`: "
        "multiply-accumulates of our network over its time, by those of one 3x3 convolution of 128 channels on 64x64 "
        "cells in the same runtime. `peak_rss_mib`: of a process that only judges, in ONNX Runtime, which the base "
        "install brings. `first_verdict_s`: from the start of a process with the base install to its verdict on a PNG "
        "file, `import_s`: of that for `import baad`; medians of some processes. `baad_near`, "
        "`array_to_verdict_near`: our network as it is where a background was found; named figures are those of the "
        "slower one. `baad_near_two_networks`, with `--all`: the same with a network of its own for the mask, in "
        "place of one trunk for both tasks.",
        "",
        "By processor time, which others on the machine hardly change: "
        + ", ".join(f"`{name}` {value}" for name, value in found["by_processor_time"].items())
        + ". `processor_ms` adds up all threads.",
    ]
    for size, batch in dict.fromkeys(map(_place, found["rows"])):
        lines += ["", f"## {size}x{size}, batch {batch}", ""]
        lines += ["| what | runtime | " + " | ".join(COLUMNS) + " |", "|---" * (2 + len(COLUMNS)) + "|"]
        for row in found["rows"]:
            if _place(row) == (size, batch):
                figures = ["" if row[key] in (None, 0) else str(row[key]) for key in COLUMNS]
                lines.append(f"| {row['what']} | {row['runtime']} | " + " | ".join(figures) + " |")
    return "\n".join(lines) + "\n"


NAMED = (
    *("p50_ms", "p95_ms", "times_faster_than_efficientad_s", "times_faster_than_wrn50_layer3"),
    *("share_of_conv_peak", "peak_rss_mib", "first_verdict_s", "import_s"),
)
