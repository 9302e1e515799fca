"""What a user shows of the part, masks, outlines, the empty scene, and zones, with the mistakes that people make."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tests.factory import draw_picture, save_picture, write_folder
from tests.inputs.case import TRAIN, TRAINED, Case, quickly

LOOKING = (*TRAIN, "--set", "foreground=auto")  # for the part, of which something is shown


def with_part_masks(
    names: Sequence[str], suffix: str = ".png", marked: bool = True
) -> Callable[[Path], Sequence[object]]:
    def make(here: Path) -> Sequence[object]:
        write_folder(here / "parts", normals=4)
        write_folder(here / "parts", normals=1, seed=1, suffix=suffix)
        for name in names:
            save_picture(here / "outlines" / name, np.full((64, 64), marked))
        return [*LOOKING, "--fg-masks", "outlines"]

    return make


def with_zones(content: str) -> Callable[[Path], Sequence[object]]:
    def make(here: Path) -> Sequence[object]:
        write_folder(here / "parts", normals=4)
        (here / "zones.json").write_text(content)
        return [*TRAIN, "--zones", "zones.json"]

    return make


def with_scene(size: tuple[int, int]) -> Callable[[Path], Sequence[object]]:
    def make(here: Path) -> Sequence[object]:
        write_folder(here / "parts", normals=4)
        save_picture(here / "empty.png", draw_picture(size, np.random.default_rng(9)).image)
        return [*LOOKING, "--empty-scene", "empty.png"]

    return make


def outlined_in_labelme(here: Path) -> Sequence[object]:
    write_folder(here / "parts", normals=4)
    for index in range(4):
        shape = {"label": "part", "shape_type": "polygon", "points": [[8, 8], [50, 8], [50, 50], [8, 50]]}
        record = {"version": "5.0", "flags": {}, "shapes": [shape], "imagePath": f"{index:03d}.png", "imageData": None}
        (here / "outlines").mkdir(exist_ok=True)
        (here / "outlines" / f"{index:03d}.json").write_text(
            json.dumps({**record, "imageHeight": 64, "imageWidth": 64})
        )
    return [*LOOKING, "--fg-masks", "outlines"]


def pictures_as_part_masks(here: Path) -> Sequence[object]:
    write_folder(here / "parts", normals=4)
    return [*LOOKING, "--fg-masks", "parts"]


PARTS = (
    Case(
        what="pictures themselves given as `--fg-masks`",
        make=pictures_as_part_masks,
        code=2,
        told=("no mask for any of the",),
    ),
    Case(
        what="`--fg-masks` without a mask for any picture",
        make=with_part_masks(["other.png"]),
        code=2,
        told=("has no mask for any",),
    ),
    Case(
        what="`--fg-masks` with masks that are all black",
        make=with_part_masks(["000.png"], marked=False),
        code=2,
        told=("none of the masks of the part marks anything",),
    ),
    Case(
        what="`--fg-masks` where two pictures would share a mask",
        make=with_part_masks(["000.png"], suffix=".bmp"),
        code=2,
        told=("would share the mask",),
    ),
    Case(
        what="the part outlined in labelme, given as `--fg-masks`",
        make=outlined_in_labelme,
        code=0,
        told=("Held out",),
        writes=TRAINED,
        during=quickly,
    ),
    Case(
        what="picture of the empty scene with another aspect than the pictures",
        make=with_scene((64, 96)),
        code=2,
        told=("not the same view",),
    ),
    Case(
        what="masks of the part, and `--set foreground=off`",
        make=lambda here: [*with_part_masks(["000.png"])(here), "--set", "foreground=off"],
        code=2,
        told=("foreground=off takes the whole picture for the part",),
    ),
    Case(
        what="zone with a rule that does not exist",
        make=with_zones('{"zones": [{"rule": "skip", "polygon": [[0, 0], [1, 0], [1, 1]]}]}'),
        code=2,
        told=("has the rule 'skip'", "reject, warn or ignore"),
    ),
    Case(
        what="zone in pixels without the size that they belong to",
        make=with_zones('{"zones": [{"rule": "ignore", "polygon": [[0, 0], [40, 0], [40, 40]]}]}'),
        code=2,
        told=("shares of the width and height",),
    ),
    Case(what="zones in a file that is no JSON", make=with_zones("rule: ignore"), code=2, told=("zones.json",)),
)
