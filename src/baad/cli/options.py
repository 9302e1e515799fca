"""Options that several verbs share, and the settings they amount to."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from baad.cli.app import EXTRAS, missing_extra
from baad.errors import DataError, MissingExtra, SettingError
from baad.settings import TrainSettings, load_settings

if TYPE_CHECKING:
    from baad.progress import Progress

FgMasks = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Masks of the part, STEM.png (255 = part) or labelme's or COCO's outlines; a few teach the rest.",
    ),
]
EmptyScene = Annotated[
    Path | None, typer.Option(metavar="IMG", help="A picture of the scene without a part, from the same camera.")
]
Layout = Annotated[
    str, typer.Option(metavar="NAME", help="What DATA is, if not what it is taken for; docs/layouts.md has all.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change a setting; may be given often. docs/settings.md has all."),
]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE.toml", help="Settings from a TOML file.")]
Device = Annotated[str | None, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")]
Threads = Annotated[
    int | None, typer.Option(metavar="N", help="CPU threads; 0: all cores, and never more than there are.")
]
FalseAlarms = Annotated[
    str | None, typer.Option(metavar="SHARE", help="Set the threshold for this share of good parts, such as 1%.")
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Start of all chance.")]
Steps = Annotated[int | None, typer.Option(metavar="N", help="Training steps.")]
Minutes = Annotated[float | None, typer.Option(metavar="M", help="Training time in place of steps; fractions allowed.")]
Models = Annotated[Path, typer.Option(metavar="DIR", help="Trained models are kept and used again here.")]
Methods = Annotated[
    str, typer.Option("--method", metavar="NAMES", help="Separated by commas; docs/benchmarks.md has all.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


def split_words(given: str) -> list[str]:
    """'one, two' -> ['one', 'two']."""
    return [each.strip() for each in given.split(",") if each.strip()]


def gather_settings(
    config: Path | None,
    changes: list[str] | None,
    *,
    device: str | None = None,
    threads: int | None = None,
    seed: int | None = None,
    steps: int | None = None,
    minutes: float | None = None,
) -> TrainSettings:
    """Defaults, then the file, then --set, then the options that have a name of their own."""
    if steps is not None and minutes is not None:
        raise SettingError("--steps and --minutes both say how long to train. Give one of them.")
    named = {"device": device, "threads": threads, "seed": seed, "steps": steps, "minutes": minutes}
    overrides = list(changes or [])
    overrides += [f"{name}={value}" for name, value in named.items() if value is not None]
    return load_settings(config, overrides)


def limit_threads(threads: int | None, progress: "Progress") -> int:
    """--threads for this machine, 0 where it was left out; says where fewer are used than were asked for."""
    from baad.runtime.session import settle_threads

    used = settle_threads(threads or 0)
    if threads and threads > used:
        progress.warn(f"threads is {threads}, but this process may use {used} cores: {used} are used")
    return used


def require_extra(extra: str, modules: Sequence[str] = ()) -> None:
    """Raise MissingExtra now rather than after a minute of work. `modules`: those needed, if not all of the extra."""
    for module in modules or [each for each, brought_by in EXTRAS.items() if brought_by == extra]:
        if importlib.util.find_spec(module) is None:
            raise MissingExtra(missing_extra(module, extra))


def require_shown(fg_masks: Path | None, empty_scene: Path | None) -> None:
    """Raise DataError where what the user wants to show is not there."""
    if fg_masks is not None and not fg_masks.is_dir():
        raise DataError(f"{fg_masks}: there is no such folder of masks. Check the name after --fg-masks.")
    if empty_scene is not None and not empty_scene.is_file():
        raise DataError(f"{empty_scene}: there is no such picture. Check the name after --empty-scene.")
