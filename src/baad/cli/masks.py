"""baad masks: good pictures -> where the part is in each, to look at and to correct."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from baad.cli import options

if TYPE_CHECKING:
    import numpy as np

    from baad.foreground.gate import Gate
    from baad.progress import Progress

    Shape = tuple[int, int]

EXAMPLES = """
baad masks parts/good -o outlines                          propose; look at outlines/sheet.png
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
    layout: options.Layout = "auto",
    changes: options.Set = None,
    config: options.Config = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> int:
    """Find the part in good pictures; write a mask for each.

    255 is part, 0 background. Where the pictures do not tell part from background, no mask is written and masks.json
    says why.
    """
    from baad.cli.checked import open_for_training
    from baad.cli.outputs import require_apart, require_folder
    from baad.progress import choose_progress

    settings = options.gather_settings(config, changes, threads=threads)
    options.require_extra("train")
    require_folder(out, "-o")
    progress = choose_progress(quiet)
    options.limit_threads(settings.threads, progress)
    category, _ = open_for_training(data, settings, progress, layout=layout)
    from baad.data.masks import place_part_masks
    from baad.learn.foreground_masks import find_foreground

    pictures = [image.path for image in category.train]
    require_apart(out, pictures, "-o")
    places = place_part_masks(pictures)
    squares, shapes = _read_squares(pictures, settings.image_size, progress)
    gate = find_foreground(squares, settings, progress)
    _write_masks(out, places, squares, shapes, gate)
    if not quiet:
        told = f"found by {gate.recipe}, quality {gate.quality:.2f}" if gate.accepted else f"no masks: {gate.reason}"
        print(f"{out}: {told}")
    return 0


def _read_squares(pictures: Sequence[Path], size: int, progress: "Progress") -> "tuple[np.ndarray, list[Shape]]":
    """Pictures as the network sees them, uint8 [N, size, size, 3], and the (H, W) of each file."""
    import numpy as np

    from baad.data.decode import read_image
    from baad.data.geometry import resize_image

    squares, shapes = [], []
    with progress.task("reading pictures", len(pictures)) as task:
        for picture in pictures:
            image = read_image(picture)
            squares.append(resize_image(image, (size, size)))
            shapes.append((image.shape[0], image.shape[1]))
            task.advance()
    return np.stack(squares), shapes


def _write_masks(
    out: Path, places: Mapping[Path, Path], squares: "np.ndarray", shapes: "Sequence[Shape]", gate: "Gate"
) -> None:
    """A mask for each picture at the picture's own size, sheet.png to look at, masks.json with what the gate said."""
    from baad.atomic import write_text
    from baad.data.geometry import resize_map
    from baad.data.masks import write_mask
    from baad.report.contact_sheet import contact_sheet

    masks = list(gate.masks) if gate.accepted and gate.masks is not None else []
    for place, shape, mask in zip(places.values(), shapes, masks):
        write_mask(out / place, resize_map(mask, shape) > 0.5)
    if masks:
        contact_sheet(list(squares), masks, [picture.name for picture in places], out / "sheet.png")
    said = {
        "accepted": gate.accepted,
        "recipe": gate.recipe,
        "quality": float(gate.quality),
        "reason": gate.reason,
        "pictures": [picture.name for picture in places],
    }
    write_text(out / "masks.json", json.dumps(said, indent=2) + "\n")
