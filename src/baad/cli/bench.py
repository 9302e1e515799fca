"""baad bench run: categories and seeds -> one row of figures each, and a table."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad bench run mvtec/bottle mvtec/screw --out results          one row a category in results/results.jsonl
baad bench run mvtec/* --out results --seeds 3                 seeds 0, 1 and 2
baad bench run mvtec/* --out results --set steps=1500          other settings
baad bench run mvtec/screw --out results --variants baad,background_off
"""


def main(
    categories: Annotated[list[Path], typer.Argument(metavar="CATEGORY", help="Folders in a known layout.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets results.jsonl and a table, README.md.")],
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="How many: N stands for the seeds 0 to N-1.")] = 1,
    variants: Annotated[
        str, typer.Option(metavar="NAMES", help="Separated by commas: baad, background_off, mask_ones.")
    ] = "baad",
    models: Annotated[Path, typer.Option(metavar="DIR", help="Trained models are kept and used again here.")] = Path(
        "runs"
    ),
    layout: options.Layout = "auto",
    changes: options.Set = None,
    config: options.Config = None,
    device: options.Device = None,
    threads: options.Threads = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    quiet: options.Quiet = False,
) -> int:
    """Train and evaluate on every category and seed.

    Rows that are there already are kept: start it again to go on.
    """
    from baad.cli.outputs import require_folder
    from baad.progress import choose_progress

    settings = options.gather_settings(config, changes, device=device, threads=threads, steps=steps, minutes=minutes)
    options.require_extra("train")
    require_folder(out, "--out")
    from baad.bench.run import run_benchmark

    named = [each.strip() for each in variants.split(",") if each.strip()]
    progress = choose_progress(quiet)
    options.limit_threads(settings.threads, progress)
    rows = run_benchmark(categories, out, seeds, settings, progress, named, models, layout)
    if not quiet:
        print(f"{len(rows)} rows in {out / 'results.jsonl'}, table in {out / 'README.md'}")
    return 0
