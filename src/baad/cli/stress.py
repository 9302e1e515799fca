"""baad stress: a model file and test pictures -> what changes of the background alone cost."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad stress model.baad mvtec/bottle                           a table on the terminal
baad stress model.baad mvtec/bottle --json bottle.jsonl       a flat JSON object for each change
baad stress model.baad mvtec/bottle --write shifted           the changed pictures, for any other detector
baad stress model.baad mvtec/bottle --maps theirs             that detector's maps of them instead of the model's
"""


def main(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file of baad train.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A category with test pictures, in a known layout.")],
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write all figures, one JSON object a line; - for standard output."
        ),
    ] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the pictures to be judged and judge nothing.")
    ] = None,
    maps: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Read maps, DIR/NAME/PLACE.tiff for each picture of --write; MODEL and --outlines as then.",
        ),
    ] = None,
    outlines: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Whose outlines to use where the data has none; else MODEL's.")
    ] = None,
    method: Annotated[str, typer.Option(metavar="NAME", help="What the rows call the detector.")] = "baad",
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Start of all chance.")] = 0,
    layout: options.Layout = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> int:
    """Change the background of normal test pictures, and see what the detector makes of it.

    Fourteen families of changes, five severities each; the part stays as it is to the pixel. Works through
    the outlines in foreground/, or through the model's where there are none. None of the changes is drawn by code that
    training uses; some resemble nothing in training. Thresholds come from the unchanged defective pictures: those that
    find .5, .7 and .9 of their defect pixels.
    """
    from baad.atomic import write_text
    from baad.cli.checked import open_for_testing
    from baad.cli.outputs import is_stream, require_different, require_file, require_folder, require_home
    from baad.errors import SettingError
    from baad.progress import choose_progress
    from baad.runtime.detector import Detector

    options.require_extra("train", ("cv2", "scipy"))
    if write is not None and (maps is not None or json_file is not None):
        raise SettingError("--write judges nothing, so it goes with neither --maps nor --json. Leave one out.")
    require_file(json_file, "--json")
    require_different(data, json_file, "DATA and --json")
    require_folder(write, "--write")
    progress = choose_progress(quiet)
    threads = options.limit_threads(threads, progress)
    detector = Detector.load(model, threads)
    eyes = Detector.load(outlines, threads) if outlines is not None else detector
    category = open_for_testing(data, progress, layout)
    if write is not None:
        require_home(write, category, "--write")

    from baad.bench.rows import rows_to_text
    from baad.bench.stress import examine_maps, examine_model, foreground_of, run_stress, stress_lines, write_shifted

    see_part = foreground_of(eyes.session)
    if write is not None:
        count = write_shifted(category, see_part, write, progress, seed)
        if not quiet:
            print(f"{count} pictures in {write / category.name}")
        return 0
    examined = examine_model(detector.session, see_part) if maps is None else examine_maps(maps, category, see_part)
    rows = run_stress(examined, category, progress, method, seed)
    text = rows_to_text(rows)
    if is_stream(json_file):
        print(text, end="")
    elif json_file is not None:
        write_text(json_file, text)
    if not quiet and not is_stream(json_file):
        print("\n".join(stress_lines(rows)))
    return 0
