"""baad bench validate: how good is a recipe, asked without any test picture."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad bench validate mvtec/bottle mvtec/screw --out now                          the default recipe
baad bench validate mvtec/bottle mvtec/screw --out other --set ema=0.99         another one: compare the figures
baad bench validate mvtec/bottle --out now --method baad,padim                  beside a baseline
"""


def main(
    categories: Annotated[list[Path], typer.Argument(metavar="CATEGORY", help="Folders in a known layout.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets validation.jsonl.")],
    method: options.Methods = "baad",
    models: options.Models = Path("runs"),
    layout: options.Layout = "auto",
    changes: options.Set = None,
    config: options.Config = None,
    device: options.Device = None,
    threads: options.Threads = None,
    seed: options.Seed = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    quiet: options.Quiet = False,
) -> int:
    """Compare recipes on held-out normal pictures with defects drawn by a second generator.

    Training never sees that generator. This is where settings are to be chosen: no test picture is read.
    """
    from baad.cli.outputs import require_folder
    from baad.progress import choose_progress

    settings = options.gather_settings(
        config, changes, device=device, threads=threads, seed=seed, steps=steps, minutes=minutes
    )
    options.require_extra("train")
    require_folder(out, "--out")
    from baad.bench.methods import choose_methods
    from baad.bench.validate import describe_figures, run_validation

    methods = choose_methods(options.split_words(method))
    progress = choose_progress(quiet)
    options.limit_threads(settings.threads, progress)
    rows = run_validation(categories, out, settings, progress, models, layout, methods)
    if not quiet:
        for row in rows:
            print(f"{row['category']}, {row['method']}: {describe_figures(row)}")
    return 0
