"""Settings, model files and interruptions."""

import errno
import json
import os
import shutil
import signal
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np

from baad.bundle import SCHEMA
from baad.learn.resume import claimed
from baad.learn.train import prepare_run_dir
from tests.calling import files_of_at_most
from tests.factory import draw_picture, save_picture, write_category, write_folder, write_truncated
from tests.fake_model import write_fake_model
from tests.inputs.case import TRAIN, Case, quickly

PART = draw_picture((64, 64), np.random.default_rng(3)).image
SAVED = (
    "model.baad.run/losses.jsonl",
    "model.baad.run/checkpoint.safetensors",
    "model.baad.run/foreground.safetensors",
)


def setting(*words: str, toml: str = "") -> Callable[[Path], Sequence[object]]:
    def make(here: Path) -> Sequence[object]:
        write_folder(here / "parts", normals=4)
        if toml:
            (here / "mine.toml").write_text(toml)
        return [*TRAIN, *words]

    return make


def judging(spoil: Callable[[Path], object], *words: str, **manifest: object) -> Callable[[Path], Sequence[object]]:
    """A spoilt model file, and a picture to judge."""

    def make(here: Path) -> Sequence[object]:
        spoil(write_fake_model(here / "model.baad", **manifest))
        save_picture(here / "part.png", PART)
        return ["predict", "model.baad", "part.png", *words]

    return make


SETTINGS = (
    Case(
        what="setting that does not exist",
        make=setting("--set", "image_sise=64"),
        code=2,
        told=("image_sise",),
    ),
    Case(what="setting out of its range", make=setting("--set", "image_size=100"), code=2, told=("image_size",)),
    Case(what="setting of another type", make=setting("--set", "steps=many"), code=2, told=("steps",)),
    Case(
        what="settings file with an unknown line",
        make=setting("--config", "mine.toml", toml="batchsize = 4\n"),
        code=2,
        told=("batchsize",),
    ),
    Case(
        what="settings file that is no TOML",
        make=setting("--config", "mine.toml", toml="steps: 4\n"),
        code=2,
        told=("mine.toml",),
    ),
    Case(
        what="settings file that does not exist",
        make=setting("--config", "gone.toml"),
        code=2,
        told=("gone.toml",),
    ),
    Case(
        what="more threads than there are cores (two here)",
        make=judging(lambda path: None, "--threads", "100000"),
        code=0,
        told=("threads is 100000", "^ok"),
        during=lambda here: mock.patch("baad.runtime.session.usable_cores", lambda: 2),
    ),
    Case(what="device of no known kind", make=setting("--device", "cuda:first"), code=2, told=("device is",)),
    Case(
        what="two options that contradict each other",
        make=setting("--steps", "3", "--minutes", "2"),
        code=2,
        told=("--steps and --minutes",),
    ),
)


def rewrite(path: Path, changed: dict[str, bytes] | None = None, **manifest: object) -> None:
    """The model file with other members, and other entries in its manifest."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members.update(changed or {})
    members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"# Brightness")] ^= 1
    path.write_bytes(content)


def other_product(here: Path) -> Sequence[object]:
    write_category(here / "parts", good=4, defective=2, size=(400, 200))
    write_fake_model(here / "model.baad", image_colours=["grey"], part_share=[0.4, 0.6])
    for file in Path("parts/test/good").iterdir():
        save_picture(file, np.full((400, 200, 3), 255, np.uint8))  # as bright as no good part of that model
    return ["evaluate", "model.baad", "parts"]


MODELS = (
    Case(what="model file that does not exist", make=judging(Path.unlink), code=2, told=("There is no model file",)),
    Case(what="truncated model file", make=judging(write_truncated), code=2, told=("truncated or damaged",)),
    Case(
        what="a picture given as model",
        make=judging(lambda path: save_picture(path.with_suffix(".png"), PART).replace(path)),
        code=2,
        told=("is not a BAAD model file",),
    ),
    Case(
        what="pickle given as model: it is not opened",
        make=judging(lambda path: path.write_bytes(b"\x80\x04K\x01.")),
        code=2,
        told=("is not a BAAD model file",),
    ),
    Case(
        what="model file of another program",
        make=judging(lambda path: rewrite(path, product="other")),
        code=2,
        told=("another program",),
    ),
    Case(
        what="model file of a newer version",
        make=judging(lambda path: rewrite(path, schema=SCHEMA + 1, baad_version="9.9")),
        code=2,
        told=("newer version", "Install that version of BAAD"),
    ),
    Case(
        what="model file that was changed by hand",
        make=judging(lambda path: rewrite(path, {"card.md": b"# Better"})),
        code=2,
        told=("was changed after it was made",),
    ),
    Case(what="one bit of a model file flipped", make=judging(flip), code=2, told=("or damaged",)),
    Case(
        what="a grey camera's model, and a picture in colour",
        make=judging(lambda path: None, image_colours=["grey"]),
        code=0,
        told=("the picture is in colour",),
    ),
    Case(
        what="another product's model: aspect, colour, framing and scores do not fit",
        make=other_product,
        code=0,
        told=("another aspect", "in colour", "another framing", "good pictures are rejected"),
    ),
)


def parts(here: Path) -> Sequence[object]:
    write_folder(here / "parts", normals=8)
    return TRAIN


@contextmanager
def refusing_folders(here: Path) -> Iterator[None]:
    with mock.patch.object(Path, "mkdir", side_effect=OSError(errno.EROFS, "Read-only file system")):
        yield


@contextmanager
def full_after_a_step(here: Path) -> Iterator[None]:
    """Each step is saved, on trial as well; the last one finds no room."""
    sync, saved = os.fsync, []

    def sync_or_refuse(handle: int) -> None:
        saved.append(handle)
        if len(saved) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    full = SimpleNamespace(fsync=sync_or_refuse)
    with mock.patch("baad.learn.loop.SAVE_EVERY", 1), mock.patch("baad.learn.checkpoint.os", full):
        yield


@contextmanager
def full_at_the_end(here: Path) -> Iterator[None]:
    refusal = OSError(errno.ENOSPC, "No space left on device")
    with quickly(here), mock.patch.object(zipfile.ZipFile, "writestr", side_effect=refusal):
        yield


def striking(number: int) -> Callable[[Path], mock._patch]:  # type: ignore[type-arg]
    """A signal comes in the last step of the training, after those that are tried beforehand."""
    from baad.learn import loop

    check, calls = loop.check_loss, []

    def check_and_strike(total: object, step: int) -> None:
        check(total, step)
        calls.append(step)
        if calls.count(1) == 2:
            os.kill(os.getpid(), number)

    return lambda here: mock.patch("baad.learn.loop.check_loss", check_and_strike)


@contextmanager
def vanishing(here: Path) -> Iterator[None]:
    """The pictures are gone as soon as they were checked."""
    from baad.learn import train

    prepare = train.prepare_run_dir

    def vanish(out: Path) -> Path:
        shutil.rmtree("parts")
        return prepare(out)

    with mock.patch("baad.learn.train.prepare_run_dir", vanish):
        yield


@contextmanager
def another_at_work(here: Path) -> Iterator[None]:
    with claimed(prepare_run_dir(here / "model.baad")):
        yield


def ten_pictures(here: Path) -> Sequence[object]:
    write_fake_model(here / "model.baad")
    for index in range(10):
        save_picture(here / "new" / f"{index}.png", PART)
    return ["predict", "model.baad", "new", "--json", "verdicts.jsonl"]


@contextmanager
def ended_at_the_fourth(here: Path) -> Iterator[None]:
    from baad.runtime.session import RawMaps, Session

    run, calls = Session.run, []

    def run_and_strike(self: Session, image: np.ndarray) -> RawMaps:
        calls.append(image)
        if len(calls) == 1 + 4:  # the first one warms up
            os.kill(os.getpid(), signal.SIGTERM)
        return run(self, image)

    with mock.patch.object(Session, "run", run_and_strike):
        yield


INTERRUPTIONS = (
    Case(
        what="disk that is full when training begins",
        make=parts,
        during=lambda here: files_of_at_most(100_000),
        code=2,
        told=("Cannot write",),
        lost="nothing: no step was done",
    ),
    Case(
        what="disk that is full in the middle of training",
        make=parts,
        during=full_after_a_step,
        code=2,
        told=("Cannot write model.baad.run/checkpoint.safetensors", "1 of 2 steps are saved"),
        lost="the second step: `--resume` does it again",
        writes=SAVED,
    ),
    Case(
        what="disk that is full when the model is written",
        make=parts,
        during=full_at_the_end,
        code=2,
        told=("Cannot write model.baad", "2 of 2 steps are saved"),
        lost="nothing: `--resume` writes the model",
        writes=SAVED,
    ),
    Case(
        what="disk that is full while verdicts are written",
        make=ten_pictures,
        during=lambda here: files_of_at_most(1000),
        code=2,
        told=("Cannot write verdicts.jsonl",),
        lost="the verdicts; the pictures are untouched",
    ),
    Case(
        what="read-only folder",
        make=parts,
        during=refusing_folders,
        code=2,
        told=("Read-only file system",),
    ),
    Case(
        what="data folder that vanishes",
        make=parts,
        during=vanishing,
        code=2,
        told=("there is no such file",),
        lost="nothing of BAAD's",
        spoilt=("parts/*",),
    ),
    Case(
        what="Ctrl-C in training",
        make=parts,
        during=striking(signal.SIGINT),
        code=130,
        told=("^baad: stopped", "That is: baad train"),
        lost="nothing: `--resume` goes on",
        writes=SAVED,
    ),
    Case(
        what="SIGTERM in training",
        make=parts,
        during=striking(signal.SIGTERM),
        code=143,
        told=("^baad: stopped",),
        lost="nothing: `--resume` goes on",
        writes=SAVED,
    ),
    Case(
        what="SIGTERM while pictures are judged",
        make=ten_pictures,
        during=ended_at_the_fourth,
        code=143,
        told=("stopped by SIGTERM after 4 pictures",),
        lost="nothing of the four: their lines are whole",
        writes=("verdicts.jsonl",),
        check=lambda outcome: len(Path("verdicts.jsonl").read_text().splitlines()) == 4,
    ),
    Case(
        what="a second training to the same model file, while the first is at work",
        make=parts,
        during=another_at_work,
        code=2,
        told=("Another training is at work",),
        lost="nothing: the first goes on",
        writes=("model.baad.run/losses.jsonl",),
    ),
    Case(
        what="`--resume` of a model that is finished",
        make=lambda here: [*parts(here), write_fake_model(here / "model.baad") and "--resume"],
        code=2,
        told=("is finished",),
    ),
)
