"""baad masks: good pictures -> where the part is in each, to look at and to correct."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad masks parts/good -o outlines                          propose; look at outlines/sheet.png, worst first
baad masks parts/good --fg-masks mine -o outlines          one to five masks in mine/ teach the rest
baad masks parts/good --fg-masks outlines -o outlines      those that you changed there teach the rest
baad masks parts/good --empty-scene empty.png -o outlines  what differs from the empty scene is part
baad train parts/good -o model.baad --fg-masks outlines    train with them, corrected by you or as they are
"""


def main(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder of good pictures, or a category in a known layout.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Gets STEM.png, in sub-folders as DATA has, masks.json, sheet.png."
        ),
    ],
    fg_masks: options.FgMasks = None,
    empty_scene: options.EmptyScene = None,
    layout: options.Layout = "auto",
    changes: options.Set = None,
    config: options.Config = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> int:
    """Find the part in good pictures; write a mask for each.

    255 is part, 0 background. sheet.png shows them, worst first, and at most 240; masks.json says how each was found
    and how good it looks, and which pictures would help most if you painted the part in them. Where the pictures do not
    tell part from background, no mask is written and masks.json says why.
    """
    from baad.cli.checked import open_for_training
    from baad.cli.outputs import require_apart, require_folder
    from baad.progress import choose_progress

    settings = options.gather_settings(config, changes, threads=threads)
    options.require_extra("train")
    options.require_shown(fg_masks, empty_scene)
    require_folder(out, "-o")
    progress = choose_progress(quiet)
    options.limit_threads(settings.threads, progress)
    category, _ = open_for_training(data, None, progress, fg_masks, layout)
    from baad.data.decode import show_path
    from baad.data.part_masks import find_part_masks, name_pictures, place_part_masks
    from baad.learn.foreground_masks import Seen, Shown, choose_foreground
    from baad.learn.pictures import read_pictures
    from baad.report.mask_folder import require_no_work_lost, write_mask_folder

    files = [image.path for image in category.train]
    require_apart(out, category, "-o")
    places = place_part_masks(files)
    shown = Shown(fg_masks, empty_scene, edited_only=True)
    given = {} if fg_masks is None else find_part_masks(fg_masks, files)
    require_no_work_lost(out, places, given)
    pictures = read_pictures(category.train, settings.image_size, progress)
    gate = choose_foreground(Seen(pictures.resized, category.train, pictures.shapes), [], shown, settings, progress)
    write_mask_folder(out, places, pictures.shapes, pictures.resized, gate, given)
    if not quiet:
        told = f"found by {gate.recipe}, quality {gate.quality:.2f}" if gate.accepted else f"no masks: {gate.reason}"
        print(f"{out}: {told}")
        if gate.suggested:
            names = name_pictures(files)
            named = ", ".join(show_path(names[files[index]]) for index in gate.suggested)
            print(f"to improve it, paint the part in {named}, and give them with --fg-masks")
    return 0
