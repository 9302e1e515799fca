"""baad demo: the whole way, from good pictures to a page, on a drawn example or on your own category."""

import os
from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad demo                                  draw an example, train, evaluate, write demo/index.html
baad demo mvtec/bottle --out bottle        the same on your own, some to test on among them
baad demo --minutes 1                      in a hurry
"""
MARK, MARKED = "demo.txt", "Made by baad demo, which writes what is here anew when it is called again.\n"
STEPS = 1200  # two thirds of what `baad train` takes: nobody waits longer for a first look


def main(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA", help="A category in a known layout, with test pictures; the drawn example if left out."
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Gets index.html, model.baad and the example: new, empty, or of an earlier demo."
        ),
    ] = Path("demo"),
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
    """Train, evaluate and write a page to look at.

    Learns from the normal pictures, judges the unseen ones, and shows input, reconstruction, foreground, anomaly map
    and verdict of each, worst cases first. Trains 1200 steps, unless a setting or option says how long; with --config
    as long as `baad train` does with it.
    """
    from baad.atomic import write_text
    from baad.cli.checked import open_for_training, require_testable
    from baad.cli.outputs import require_folder
    from baad.data.example import write_example
    from baad.progress import choose_progress

    usual = [] if config else [f"steps={STEPS}"]
    settings = options.gather_settings(
        config,
        [*usual, *(changes or [])],
        device=device,
        threads=threads,
        seed=seed,
        steps=steps,
        minutes=minutes,
    )
    options.require_extra("train")
    require_folder(out, "--out")
    _require_own(out)
    progress = choose_progress(quiet)
    options.limit_threads(settings.threads, progress)
    own = data is not None
    if data is None:
        write_text(out / MARK, MARKED)
        data = write_example(out / "example", progress=progress)
    category, findings = open_for_training(data, settings if own else None, progress, layout=layout)
    require_testable(category, progress)

    from baad.learn.train import train
    from baad.metrics.counts import count_lines
    from baad.metrics.evaluate import evaluate, summary_lines
    from baad.report.html import evaluation_page, read_training_masks, write_page
    from baad.runtime.detector import Detector

    model, page = out / "model.baad", out / "index.html"
    write_text(out / MARK, MARKED)
    train(category.train, settings, model, progress, category_name=category.name, findings=findings, go_on="")
    detector = Detector.load(model, settings.threads)
    masks = read_training_masks(model, detector.manifest)
    scorecard = evaluate(detector.score, category, progress)
    write_page(page, evaluation_page(detector, category, scorecard, progress, masks=masks))
    if not quiet:
        counted = count_lines(detector.calibration.threshold, scorecard.images)
        print("\n".join([*summary_lines(scorecard), "", *counted]))
        print(f"\nlook at it: {page.resolve()}")
    return 0


def _require_own(folder: Path) -> None:
    """Raise OutputError where files lie in `folder`, and no earlier demo says that they are its own."""
    from baad.data.decode import show_path
    from baad.errors import OutputError

    mark = folder / MARK
    if os.path.isfile(mark) and mark.read_bytes() == MARKED.encode():
        return
    if os.path.isdir(folder) and any(os.scandir(folder)):
        raise OutputError(
            f"--out: {show_path(folder)} holds files that no earlier demo made, which could be lost. "
            "Give a new or empty folder."
        )
