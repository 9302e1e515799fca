"""Names as they come: from the command line, from patterns, from standard input."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tests.factory import draw_picture, save_picture, save_result, write_category, write_folder
from tests.fake_model import write_fake_model
from tests.inputs.case import Case

PART = draw_picture((64, 64), np.random.default_rng(3)).image  # uint8 [64, 64, 3]
GARBAGE = np.random.default_rng(0).integers(0, 256, 5000, np.uint8).tobytes().replace(b"\n", b"") + b"\n"
SKIPPED = "that name alone"


def judging(*words: str, pictures: Sequence[str] = ("part.png",)) -> Callable[[Path], Sequence[object]]:
    def make(here: Path) -> Sequence[object]:
        write_fake_model(here / "model.baad")
        for name in pictures:
            save_picture(here / name, PART)
        return ["predict", "model.baad", *words]

    return make


def linked_to_itself(here: Path) -> Sequence[object]:
    os.symlink("loop.png", "loop.png")
    return judging("loop.png")(here)


def linked_folder(here: Path) -> Sequence[object]:
    write_folder(here / "new", normals=2)
    os.symlink("../new", "new/again")
    return judging("new", "--json", "verdicts.jsonl")(here)


def category(here: Path) -> Sequence[object]:
    write_category(here / "parts", normals=2, good=1, defective=2)
    return judging("parts")(here)


def with_overlays(here: Path) -> Sequence[object]:
    save_result(here / "new" / "seen" / "a.png", PART)
    return judging("new", "--overlays", "new/seen", pictures=("new/a.png", "new/b.png"))(here)


def overlays_alone(here: Path) -> Sequence[object]:
    save_result(here / "seen" / "a.png", PART)
    return judging("seen", "--fail-on-ng", pictures=())(here)


def verdicts() -> list[str]:
    return [json.loads(line)["verdict"] for line in Path("verdicts.jsonl").read_text("utf-8").splitlines()]


def among_names(name: str, *, folder: bool = False) -> dict[str, object]:
    """A list on standard input, with one name between two pictures that stands for none."""

    def make(here: Path) -> Sequence[object]:
        if folder:
            (here / name).mkdir()
        return judging("-", "--json", "verdicts.jsonl", pictures=("a.png", "b.png"))(here)

    return {
        "make": make,
        "stdin": f"a.png\n{name}\nb.png\n",
        "code": 3,
        "lost": SKIPPED,
        "writes": ("verdicts.jsonl",),
        "check": lambda outcome: verdicts() == ["ok", "error", "ok"],
    }


NAMES = (
    Case(
        what="a name that does not exist",
        make=judging("gone.png"),
        code=3,
        told=("skipped gone.png",),
        lost=SKIPPED,
    ),
    Case(what="pattern that matches nothing", make=judging("new/*.png"), code=2, told=("Nothing matches",)),
    Case(what="empty name, as of a variable that is not set", make=judging(""), code=2, told=("A name is empty",)),
    Case(
        what="name in other scripts",
        make=judging("Prüfling 検査/部品 №7.png", pictures=("Prüfling 検査/部品 №7.png",)),
        code=0,
        told=("^ok .*№7.png",),
    ),
    Case(
        what="name with a line's end and a terminal's codes in it",
        make=judging("new", pictures=("new/a\n\x1b[31mred.png",)),
        code=0,
        told=(r"^ok .*new/a\\n\\x1b\[31mred.png",),
    ),
    Case(
        what="name that is no UTF-8",
        make=judging("new", pictures=("new/\udcff\udcfe.png",)),
        code=0,
        told=("^ok .*new/\ufffd\ufffd.png",),
    ),
    Case(
        what="name of 255 bytes, the longest there are, with its overlay and its map",
        make=judging("new", "--overlays", "seen", "--maps", "maps", pictures=(f"new/{'x' * 251}.bmp",)),
        code=0,
        told=("^ok .*x.bmp",),
        writes=("seen/xxx*~*.png", "maps/xxx*~*.tiff"),
    ),
    Case(
        what="path of 1,200 characters",
        make=judging(
            LONG := "/".join(["a folder with a name that is rather long " * 5] * 5) + "/x.png", pictures=(LONG,)
        ),
        code=0,
        told=(r"^ok .*x\.png$",),
    ),
    Case(
        what="name of 300 characters that no file can have",
        make=judging("x" * 300),
        code=3,
        told=("File name too long",),
        lost=SKIPPED,
    ),
    Case(
        what="picture that is a link to itself",
        make=linked_to_itself,
        code=3,
        told=("skipped loop.png",),
        lost=SKIPPED,
    ),
    Case(
        what="folder with a link to itself: each picture once",
        make=linked_folder,
        code=0,
        told=("2 judged",),
        writes=("verdicts.jsonl",),
    ),
    Case(
        what="a category with its masks: these are left aside",
        make=category,
        code=0,
        told=("2 left aside, masks", "5 judged"),
    ),
    Case(
        what="folder with the overlays of an earlier call in it: these are left aside",
        make=with_overlays,
        code=0,
        told=("1 left aside, results of an earlier call", "2 judged"),
        spoilt=("new/seen/a.png",),
        writes=("new/seen/b.png",),
    ),
    Case(
        what="folder that holds overlays of an earlier call alone",
        make=overlays_alone,
        code=2,
        told=("1 left aside, results of an earlier call", "nothing is left to judge"),
    ),
    Case(
        what="among names on standard input, a folder without pictures",
        told=("skipped empty",),
        **among_names("empty", folder=True),
    ),
    Case(
        what="among names on standard input, a pattern that matches nothing",
        told=("skipped Nothing matches",),
        **among_names("new[1]/*.png"),
    ),
    Case(
        what="among names on standard input, one that no file can have",
        told=("skipped xxx.*File name too long",),
        **among_names("x" * 300),
    ),
    Case(
        what="standard input that is no list of names but bytes",
        make=judging("-"),
        stdin=GARBAGE.decode("utf-8", "surrogateescape"),
        code=3,
        told=("0 judged, 0 rejected, 1 skipped",),
        lost=SKIPPED,
    ),
    Case(
        what="standard input without any line's end",
        make=judging("-"),
        stdin="x" * 70_000,
        code=3,
        told=("a line of over 65,536 signs",),
        lost="what would have come after it",
    ),
)
