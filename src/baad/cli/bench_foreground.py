"""baad bench foreground: how right the masks of the part are, found without help and with a few of the user's."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad bench foreground parts/* --out results                    what training would find, and what the mask head learns
baad bench foreground parts/* --out results --user-masks 0     without a user's help only
"""
STEPS = 1200


def main(
    categories: Annotated[list[Path], typer.Argument(metavar="CATEGORY", help="Folders in a known layout.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets results.jsonl, drawn.jsonl and tables, README.md.")],
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Seeds 0 to N - 1 for each category.")] = 3,
    user_masks: Annotated[
        str, typer.Option(metavar="N,N", help="How many masks a user paints, each in turn; separated by commas.")
    ] = "0,1,3",
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Training steps of the mask head.")] = STEPS,
    layout: options.Layout = "auto",
    changes: options.Set = None,
    config: options.Config = None,
    device: options.Device = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> int:
    """Compare masks of the part with true outlines.

    Categories with outlines in foreground/ are judged by them; those without show whether the gate stays shut. The
    outlines judge, and play the user who paints; the search without help never sees them. Drawn sets of all kinds
    show where the gate's level lies. Rows that were made with the same are kept: start it again to go on.
    """
    from baad.cli.outputs import require_page_folder
    from baad.errors import SettingError
    from baad.progress import choose_progress

    settings = options.gather_settings(config, changes, device=device, threads=threads, steps=steps)
    options.require_extra("train")
    require_page_folder(out, "--out")
    try:
        counts = sorted({int(each) for each in user_masks.split(",")})
    except ValueError:
        counts = [-1]
    if min(counts) < 0:
        raise SettingError(f"--user-masks is {user_masks!r}: give whole numbers from 0, such as 0,1,3.")
    from baad.bench.foreground import run_foreground

    progress = choose_progress(quiet)
    options.limit_threads(settings.threads, progress)
    rows = run_foreground(categories, out, settings, progress, seeds, counts, layout)
    if not quiet:
        print(f"{len(rows)} rows in {out / 'results.jsonl'}, tables in {out / 'README.md'}")
    return 0
