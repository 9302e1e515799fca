"""baad bench run: categories and seeds -> one row of figures each, and a table."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad bench run mvtec/bottle mvtec/screw --out results          one row a category in results/results.jsonl
baad bench run mvtec/* --out results --seeds 3                 seeds 0, 1 and 2
baad bench run mvtec/* --out results --set steps=1500          other settings
baad bench run mvtec/screw --out results --method baad,padim,draem+mask --minutes 5
baad bench run mvtec/screw --out results --method baselines    all of them; ablation: BAAD with each switch thrown
"""


def main(
    categories: Annotated[list[Path], typer.Argument(metavar="CATEGORY", help="Folders in a known layout.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets results.jsonl and a table, README.md.")],
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="How many: N stands for the seeds 0 to N-1.")] = 1,
    method: options.Methods = "baad",
    models: options.Models = Path("runs"),
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

    Rows that are there already are kept, unless they were made with other settings, weights or training pictures:
    start it again to go on.
    """
    from baad.cli.outputs import require_page_folder
    from baad.progress import choose_progress

    settings = options.gather_settings(config, changes, device=device, threads=threads, steps=steps, minutes=minutes)
    options.require_extra("train")
    require_page_folder(out, "--out")
    from baad.bench.job import Part, describe_settings
    from baad.bench.methods import choose_methods
    from baad.bench.run import run_benchmark

    part = Part(tuple(categories), choose_methods(options.split_words(method)), seeds, settings)
    names = " ".join(path.name for path in categories)
    changed = "".join(f" --set {each}" for each in describe_settings(settings).split())
    command = f"baad bench run {names} --out DIR --seeds {seeds} --method {method}{changed}"
    progress = choose_progress(quiet)
    options.limit_threads(settings.threads, progress)
    rows = run_benchmark([part], out, progress, command, models, layout)
    if not quiet:
        print(f"{len(rows)} rows in {out / 'results.jsonl'}, table in {out / 'README.md'}")
    return 0
