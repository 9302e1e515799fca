"""Places to write that cannot be written, or must not be."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import numpy as np

from tests.factory import draw_picture, save_picture, write_category, write_folder
from tests.fake_model import write_fake_model
from tests.inputs.case import TRAIN, Case

PART = draw_picture((64, 64), np.random.default_rng(3)).image  # uint8 [64, 64, 3]


def judging(*words: str, verb: str = "predict") -> Callable[[Path], Sequence[object]]:
    def make(here: Path) -> Sequence[object]:
        write_fake_model(here / "model.baad")
        write_category(here / "parts", normals=2, good=1, defective=2)
        (here / "new").mkdir()
        for name in ("a.png", "b.png"):
            save_picture(here / "new" / name, PART)
        (here / "notes.txt").write_text("notes\n")
        return [verb, "model.baad", *words]

    return make


def training(out: str) -> Callable[[Path], Sequence[object]]:
    def make(here: Path) -> Sequence[object]:
        write_folder(here / "parts", normals=4)
        (here / "notes.txt").write_text("notes\n")
        os.mkfifo("pipe")
        return ["train", "parts", "-o", out, *TRAIN[4:]]

    return make


def masks_among_pictures(here: Path) -> Sequence[object]:
    write_folder(here / "parts", normals=4)
    return ["masks", "parts", "-o", "parts/outlines"]


def overlays_onto_pictures(here: Path) -> Sequence[object]:
    return judging("new", "--overlays", "new")(here)


def overlay_onto_another_picture(here: Path) -> Sequence[object]:
    save_picture(here / "seen" / "b.png", PART)
    return judging("new", "--overlays", "seen")(here)


def twins(here: Path) -> Sequence[object]:
    words = judging("parts", "--maps", "maps", verb="evaluate")(here)
    save_picture(here / "parts" / "test" / "good" / "000.bmp", PART)
    return words


PLACES = (
    Case(
        what="`--json` without a file: the first picture would be overwritten",
        make=judging("--json", "new/a.png", "new/b.png"),
        code=2,
        told=("new/a.png is a picture",),
    ),
    Case(
        what="results onto the model file",
        make=judging("new", "--csv", "model.baad"),
        code=2,
        told=("is a model file",),
    ),
    Case(
        what="two kinds of results into one file",
        make=judging("new", "--csv", "out", "--json", "./out"),
        code=2,
        told=("--json and --csv both name",),
    ),
    Case(
        what="results into a folder's name: said before any work",
        make=judging("new", "--json", "parts"),
        code=2,
        told=("parts is a folder",),
    ),
    Case(
        what="folder of overlays that is a file",
        make=judging("new", "--overlays", "notes.txt"),
        code=2,
        told=("notes.txt is not a folder",),
    ),
    Case(
        what="folder of overlays that is the folder of pictures",
        make=overlays_onto_pictures,
        code=2,
        told=("is where new/a.png lies",),
    ),
    Case(
        what="folder of overlays in which a picture has the name of one to be written: said before any work",
        make=overlay_onto_another_picture,
        code=2,
        told=("is no result of BAAD",),
    ),
    Case(
        what="page into a folder that is read-only: said before any work",
        make=judging("parts", "--html", "page.html", verb="evaluate"),
        during=lambda here: mock.patch("os.access", lambda path, mode: not mode & os.W_OK),
        code=2,
        told=("is read-only for you",),
    ),
    Case(
        what="maps among the test pictures, where the next call would take them for pictures",
        make=judging("parts", "--maps", ".", verb="evaluate"),
        code=2,
        told=("parts/test/good lies among the pictures",),
    ),
    Case(
        what="maps of two pictures with equal names",
        make=twins,
        code=2,
        told=("would share the map",),
    ),
    Case(what="model file onto a picture", make=training("parts/000.png"), code=2, told=("is no model file",)),
    Case(what="model file onto any other file", make=training("notes.txt"), code=2, told=("is no model file",)),
    Case(what="model file onto a device or a pipe", make=training("pipe"), code=2, told=("a device or a pipe",)),
    Case(
        what="masks into the folder of pictures, where they would be learnt from",
        make=masks_among_pictures,
        code=2,
        told=("would be taken for pictures",),
    ),
)
