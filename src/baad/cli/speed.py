"""baad bench speed: how fast this machine judges, beside peers."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad bench speed                                               the figures that matter, in about two minutes
baad bench speed --json speed.json                             the same for programs
baad bench speed --all --out docs/results/speed                all sizes, batches and stages, as a page
"""


def main(
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="All figures and rows; - for standard output.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Gets speed.json and a page, README.md.")] = None,
    full: Annotated[bool, typer.Option("--all", help="Also 384 and 512 px, batch 8, stages, two networks.")] = False,
    seconds: Annotated[float, typer.Option(min=0.0, metavar="S", help="How long each table is timed.")] = 90.0,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> int:
    """Time the network, its stages and the whole way to a verdict beside peers.

    No model is needed: weights are random. Every runtime that is installed takes part. All calls run in turns, so that
    their ratios hold on a busy machine too.
    """
    from baad.cli.outputs import require_file, require_page_folder
    from baad.progress import choose_progress

    options.require_extra("train")
    from baad.atomic import write_text
    from baad.bench.speed import NAMED, bench_speed, write_results

    require_file(json_file, "--json")
    require_page_folder(out, "--out")
    progress = choose_progress(quiet)
    command = "baad bench speed" + (" --all" if full else "") + f" --seconds {seconds:g} --out DIR"
    for found in bench_speed(progress, options.limit_threads(threads, progress), seconds, full):
        if out is not None:
            write_results(found, out, command)  # after each table, so that a stop loses none
    text = json.dumps(found, indent=1) + "\n"
    if json_file == "-":
        sys.stdout.write(text)
    elif json_file is not None:
        write_text(Path(json_file), text)
    if json_file != "-" and not quiet:
        for name in NAMED:
            print(f"{name:<36}{'–' if found[name] is None else found[name]:>10}")
    return 0
