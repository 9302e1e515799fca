"""baad bench features: what the patch features are worth, seen by a nearest-neighbour detector."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad bench features mvtec/bottle mvtec/screw --out results     shipped PDN against random weights
baad bench features mvtec/* --out results --candidates fast    the shipped PDN alone
"""


def main(
    categories: Annotated[list[Path], typer.Argument(metavar="CATEGORY", help="Folders in a known layout.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets results.jsonl and a table, README.md.")],
    candidates: Annotated[
        str, typer.Option(metavar="NAMES", help="Separated by commas: fast, random.")
    ] = "fast,random",
    layout: options.Layout = "auto",
    quiet: options.Quiet = False,
) -> int:
    """Compare patch features by a nearest-neighbour detector on every category.

    Rows that are there already are kept: start it again to go on.
    """
    from baad.cli.outputs import require_folder
    from baad.progress import choose_progress

    options.require_extra("train")
    require_folder(out, "--out")
    from baad.bench.features import compare_features

    named = [each.strip() for each in candidates.split(",") if each.strip()]
    rows = compare_features(categories, out, choose_progress(quiet), named, layout=layout)
    if not quiet:
        print(f"{len(rows)} rows in {out / 'results.jsonl'}, table in {out / 'README.md'}")
    return 0
