"""baad train: a folder of good pictures -> a model file."""

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad train parts/good -o model.baad                    a folder of good pictures
baad train mvtec/bottle -o bottle.baad --minutes 5     an MVTec AD category; nothing is learnt from test/
baad train parts -o model.baad --fg-masks outlines     your own masks of the part, for all or a few pictures
baad train parts -o model.baad --empty-scene empty.png  what differs from it is part
baad train parts -o model.baad --zones zones.json      where an alarm rejects, where it only warns
baad train parts -o model.baad --set false_alarms=5% --set held_out=0.3    a threshold that keeps 5 %, from 196 pictures
baad train parts -o model.baad --set image_size=384 --config mine.toml --steps 2000 --seed 1
baad train parts -o model.baad --resume                go on after Ctrl-C, a crash or a power cut
"""


def main(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder of good pictures, or a category in a known layout.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL", help="The model file to write.")],
    fg_masks: options.FgMasks = None,
    empty_scene: options.EmptyScene = None,
    zones: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Drawn zones: where an alarm rejects, warns, is ignored.")
    ] = None,
    layout: options.Layout = "auto",
    changes: options.Set = None,
    config: options.Config = None,
    device: options.Device = None,
    threads: options.Threads = None,
    seed: options.Seed = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with a stopped run: the same pictures and settings. It keeps masks and zones."
        ),
    ] = False,
    quiet: options.Quiet = False,
) -> int:
    """Learn from good pictures; write one model file.

    Says beforehand how long it will take. A share of the pictures is kept aside to set the threshold; no defect is
    needed, and none is learnt from. MODEL.run holds the log and, until the model is written, what was learnt so far:
    --resume ends, on a processor, with the very weights of a run that was never stopped.
    """
    from baad.cli.checked import open_for_training
    from baad.cli.outputs import require_model
    from baad.errors import BaadError
    from baad.progress import choose_progress
    from baad.verdict.drawn import read_zones

    settings = options.gather_settings(
        config, changes, device=device, threads=threads, seed=seed, steps=steps, minutes=minutes
    )
    options.require_extra("train")
    require_model(out)
    options.require_shown(fg_masks, empty_scene)
    drawn = None if zones is None else read_zones(zones)
    progress = choose_progress(quiet)
    options.limit_threads(settings.threads, progress)
    category, findings = open_for_training(data, settings, progress, fg_masks, layout)

    from baad.learn.train import train
    from baad.progress import format_seconds
    from baad.verdict.promise import describe, tell_highest

    try:
        result = train(
            category.train,
            settings,
            out,
            progress,
            category_name=category.name,
            findings=findings,
            fg_masks=fg_masks,
            empty_scene=empty_scene,
            zones=drawn,
            resume=resume,
        )
    except (BaadError, KeyboardInterrupt) as error:
        if any("--resume" in note for note in getattr(error, "__notes__", ())):
            error.add_note(f"That is: {_quote(['baad', *sys.argv[1:], *([] if resume else ['--resume'])])}")
        raise
    if not quiet:
        print(f"{result.path}: {result.steps} steps in {format_seconds(60 * result.minutes)}")
        print(describe(result.calibration))
        print(tell_highest(result.highest))
        print(f"next: baad predict {result.path} PICTURES")
    return 0


def _quote(words: list[str], windows: bool = os.name == "nt") -> str:
    """A command line that a shell takes apart into these words again; those of Windows know double quotes alone."""
    if not windows:
        return shlex.join(words)
    ends = (re.sub(r"(\\+)$", r"\1\1", word) for word in words)  # before a quote a backslash is one when it is doubled
    return " ".join(
        word if re.fullmatch(r"[\w./\\:=,+-]+", word) else f'"{end}"' for word, end in zip(words, ends, strict=True)
    )
