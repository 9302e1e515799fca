"""baad bench features: what the patch features are worth, seen by a nearest-neighbour detector."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad bench features mvtec/bottle mvtec/screw --out results     teacher, random weights and the shipped PDN
baad bench features mvtec/* --out results --candidates fast    the shipped PDN alone
baad bench features mvtec/* --out results --candidates plain,stride8 --pdns weights    what `baad distill` made
"""


def main(
    categories: Annotated[list[Path], typer.Argument(metavar="CATEGORY", help="Folders in a known layout.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets results.jsonl and tables, README.md.")],
    candidates: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="By commas: teacher, teacher_512, random, or designs such as fast and small."
        ),
    ] = "teacher,teacher_512,random,fast",
    pdns: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Weights of `baad distill`; the package's, with a warning, where it lacks some."
        ),
    ] = None,
    teacher: Annotated[
        str, typer.Option(metavar="NAME", help="A backbone that timm knows, or efficientnet_lite0, 1 or 2.")
    ] = "efficientnet_lite2",
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The teacher's weights from a local file.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0, metavar="S", help="How long times are taken, by turns; 0 leaves them out.")
    ] = 60.0,
    threads: Annotated[int, typer.Option(min=1, metavar="N", help="CPU threads of the timing.")] = 2,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Start of all chance.")] = 0,
    layout: options.Layout = "auto",
    quiet: options.Quiet = False,
) -> int:
    """Compare patch features by a nearest-neighbour detector on every category.

    Rows that were made with the same are kept: start it again to go on.
    """
    from baad.cli.outputs import require_page_folder
    from baad.progress import choose_progress

    options.require_extra("train")
    require_page_folder(out, "--out")
    from baad.bench.features import FeatureSettings, compare_features

    settings = FeatureSettings(
        candidates=[each.strip() for each in candidates.split(",") if each.strip()],
        pdns=pdns,
        teacher=teacher,
        weights=weights,
        seed=seed,
        threads=threads,
        seconds=seconds,
    )
    rows = compare_features(categories, out, settings, choose_progress(quiet), layout)
    if not quiet:
        print(f"{len(rows)} rows in {out / 'results.jsonl'}, tables in {out / 'README.md'}")
    return 0
