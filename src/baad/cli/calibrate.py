"""baad calibrate: a model file and good pictures taken later -> a model file with thresholds of those."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad calibrate model.baad today/good -o today.baad                       for new light, a new lens, another day
baad calibrate model.baad today/good -o today.baad --false-alarms 5%     and another false-alarm rate
"""


def main(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file of baad train.")],
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Good pictures that training did not see, as the line takes them now."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="MODEL", help="The model file to write; may be the same.")
    ],
    false_alarms: options.FalseAlarms = None,
    layout: options.Layout = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> int:
    """Set the threshold anew from good pictures taken later; the network stays.

    When too many good parts are rejected since the light, the lens or the day is another: takes seconds, not
    another training. Needs PyTorch, so run it where you train. Pictures that training learnt from are left out.
    Sub-folders of DATA, five or more, count as sessions. All pictures set the threshold, so a defect among them
    raises it: those with the highest scores are named, look at them. Defects become harder to find where good parts
    look stranger than before; if the threshold rises far, train again with the new pictures.
    """
    from baad.cli.outputs import require_model
    from baad.data.reading import describe_category, read_category
    from baad.errors import DataError
    from baad.progress import choose_progress
    from baad.settings import parse_share
    from baad.verdict.promise import describe, tell_highest, tell_not_kept

    options.require_extra("train")
    require_model(out)
    rate = None if false_alarms is None else parse_share(false_alarms, "--false-alarms")
    progress = choose_progress(quiet)
    cores = options.limit_threads(threads or 0, progress)
    category = read_category(data, layout)
    progress.say(describe_category(category))
    pictures = category.train
    if not pictures:
        raise DataError(f"{data} holds no normal pictures: give a folder of good ones.")

    from baad.bundle import read_bundle
    from baad.learn.recalibrate import recalibrate

    before, now = recalibrate(model, out, pictures, rate, progress, cores)
    if false_alarms is not None and (told := tell_not_kept(now, f"--false-alarms {false_alarms}")):
        progress.warn(told)
    if not quiet:
        alarms = sum(score > before.threshold for score in now.scores)
        print(f"{out}: threshold {now.threshold:.4g} in place of {before.threshold:.4g}, from {now.n} pictures")
        print(f"the old threshold rejects {alarms} of them")
        print(describe(now))
        print(tell_highest(read_bundle(out).manifest["highest_held_out"]))
    return 0
