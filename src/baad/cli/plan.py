"""baad bench plan: a benchmark written down -> its rows and tables."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad bench plan results/plan.toml mvtec             rows and tables go beside the plan
baad bench plan plan.toml mvtec --out results
"""


def main(
    plan: Annotated[Path, typer.Argument(metavar="PLAN.toml", help="What to run; docs/benchmarks.md shows one.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The folder in which the plan's categories lie.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Gets rows and tables in place of the plan's folder."),
    ] = None,
    models: options.Models = Path("runs"),
    layout: options.Layout = "auto",
    quiet: options.Quiet = False,
) -> int:
    """Run a benchmark that is written down, part after part.

    Rows that are there already are kept, unless they were made with other settings, weights or training pictures:
    start it again to go on.
    """
    from baad.cli.outputs import require_page_folder
    from baad.progress import choose_progress

    options.require_extra("train")
    home = out or plan.parent
    require_page_folder(home, "--out")
    from baad.bench.plan import read_plan
    from baad.bench.run import run_benchmark

    parts = read_plan(plan, data)
    rows = run_benchmark(parts, home, choose_progress(quiet), f"baad bench plan {plan.name} DATA", models, layout)
    if not quiet:
        print(f"{len(rows)} rows in {home / 'results.jsonl'}, tables in {home / 'README.md'}")
    return 0
