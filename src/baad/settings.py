"""What one training depends on: one flat frozen class, read from TOML and name=value, with help for each setting.

Units, ranges and choices stand beside the default; `docs/settings.md` is generated from them.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from baad.errors import SettingError

MOST_STEPS = 1_000_000
LEAST_RATE = 1e-9  # of false alarms: three thousand million held-out pictures keep it
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def _setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field whose meaning and limits a program can read. `low` and `high` are allowed, `above` and `below` not."""
    limits = {"low": low, "high": high, "above": above, "below": below}
    return field(default=default, metadata={"help": help, "limits": limits, "choices": choices})


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Everything that decides what a training gives, beside the pictures. Same settings, seed and number of
    threads: same model, on one processor."""

    size: str = _setting(
        "fast",
        "Size of the networks. fast runs in real time on a CPU; tiny is smaller, small is made for GPUs.",
        choices=("tiny", "fast", "small"),
    )
    image_size: int = _setting(
        256,
        "Side in pixels of the square whose area the network sees; a multiple of 32. Pictures keep the aspect of the "
        "training pictures, up to 4:1, to the next 32 pixels. Larger sees finer defects and costs its square in time.",
        low=64,
        high=1024,
    )
    tile_px: int = _setting(
        -1,
        "Side in pixels of the tiles that the network sees one by one, of 64 or more: for pictures with defects too "
        "small to be seen in the whole picture. It costs one look at each tile, except those of background alone. 0: "
        "whole pictures. -1: whole, unless no background was found and the pictures' aspects vary; then square tiles "
        "of four fifths of the side of the picture of median size, or of the median shorter side where that is less.",
        low=-1,
        high=100_000,
    )
    steps: int = _setting(1800, "Optimiser steps. More is slower and finds subtler defects.", low=1, high=MOST_STEPS)
    minutes: float = _setting(
        0.0,
        "Training time in minutes, in place of steps: some steps are timed first, then their number is fixed and "
        "recorded. 0: use steps.",
        low=0.0,
        high=100_000.0,
    )
    batch_size: int = _setting(8, "Pictures per step.", low=1, high=512)
    learning_rate: float = _setting(5e-3, "Peak learning rate of AdamW under the one-cycle rule.", above=0.0, high=1.0)
    weight_decay: float = _setting(1e-4, "Weight decay of AdamW.", low=0.0, high=1.0)
    ema: float = _setting(
        0.998,
        "Share of the old value in the running average of the weights, per step; at step S at most (1 + S) / (10 + S), "
        "which is .995 at 1800.",
        low=0.0,
        below=1.0,
    )
    held_out: float = _setting(
        0.1,
        "Share of the good pictures kept away from training, to set the threshold. Pictures of one recording session "
        "stay together.",
        above=0.0,
        high=0.9,
    )
    false_alarms: float = _setting(
        0.01, "Share of good parts that may be rejected; the threshold is set for it.", low=LEAST_RATE, below=1.0
    )
    seed: int = _setting(
        0,
        "Start of all chance: weights, held-out pictures, invented defects. The same pictures, settings, seed and "
        "number of threads give the same model again, on one processor.",
        low=0,
        high=2**31 - 1,
    )
    threads: int = _setting(0, "CPU threads. 0: all cores; never more are used than there are cores.", low=0, high=1024)
    device: str = _setting(
        "auto", "Where to train: auto takes a GPU of Nvidia's where there is one, else the CPU; mps is Apple's."
    )
    foreground: str = _setting(
        "auto",
        "auto finds the part in the pictures and learns to leave its background alone, or says why it could not; "
        "off counts the whole picture as part.",
        choices=("auto", "off"),
    )
    anomaly_share: float = _setting(0.65, "Share of the training pictures that get an invented defect.", low=0, high=1)
    background_share: float = _setting(
        0.5,
        "Share of the training pictures whose background is changed and still called normal; it grows from 0 to this "
        "over the first third of the steps.",
        low=0,
        high=1,
    )
    anomalies_on: str = _setting(
        "foreground",
        "Where invented defects are put: on the part alone, or anywhere.",
        choices=("foreground", "anywhere"),
    )
    mask_target: str = _setting(
        "clean",
        "What the mask head learns: the part alone (clean), or the part and the defects beside it (union).",
        choices=("clean", "union"),
    )
    image_head: bool = _setting(True, "Rebuild the picture without its defects, and compare.")
    mask_head: bool = _setting(True, "Find the part in each picture.")
    feature_head: bool = _setting(True, "Rebuild the patch features without their defects, and compare.")
    pdn: str = _setting(
        "shipped",
        "Weights of the patch description network: the distilled ones that come with the package, or random ones as a "
        "control.",
        choices=("shipped", "random"),
    )
    view: str = _setting(
        "auto",
        "How much a patch's features see: 33 px (near), or much of the picture (wide). auto: near where a background "
        "was found, since a wide view of a part sees what is behind it. small has the near view alone.",
        choices=("auto", "near", "wide"),
    )
    separate_networks: bool = _setting(
        False, "Give the mask a network of its own instead of a head on the one that rebuilds the picture: a control."
    )
    losses: str = _setting(
        "tuned",
        "Terms of the loss and their weights: tuned, or plain: squared error and SSIM for the picture, focal loss for "
        "mask and defects, all of weight 1.",
        choices=("tuned", "plain"),
    )
    invariance: float = _setting(
        0.0,
        "Weight of the term that asks for the same answer on the part, and none off it, when the background alone "
        "changes. Above 0, each picture is seen twice and a step takes about twice as long.",
        low=0.0,
        high=100.0,
    )
    suppression: float = _setting(
        1.0,
        "How far the anomaly map is lowered where the mask head sees background: 1 strict, 0.5 lenient, 0 not at all. "
        "It is set in training and kept in the model: nothing changes it when pictures are judged.",
        low=0.0,
        high=1.0,
    )
    suppression_margin: float = _setting(
        0.047,
        "How far beyond the part's outline the map is not lowered yet, as a share of the root of the picture's area: "
        "keeps what crosses the outline or sticks out of it.",
        low=0.0,
        high=0.25,
    )
    suppression_floor: float = _setting(
        0.001,
        "Least probability of being part that any place counts with, so that no alarm is lowered without end. 1: "
        "nothing is lowered.",
        above=0.0,
        high=1.0,
    )
    novelty: float = _setting(
        0.5,
        "How much the distance to remembered patches of normal parts counts in the anomaly map, beside the "
        "discriminator's answer. 0: not at all.",
        low=0.0,
        high=10.0,
    )
    feature_error: float = _setting(
        0.5,
        "How much the error of the rebuilt features counts in the anomaly map, where no background was found. "
        "0: not at all.",
        low=0.0,
        high=10.0,
    )
    by_place: bool = _setting(
        True,
        "Measure the anomaly map, and novelty, by what is usual at each place of the picture, where no background was "
        "found and the picture is seen whole: helps where camera and part stand still.",
    )
    anomaly_from: str = _setting(
        "discriminator",
        "What the anomaly map shows: the discriminator's answer and what is added to it, or the error of the rebuilt "
        "features alone.",
        choices=("discriminator", "features"),
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, _checked(each, getattr(self, each.name)))
        if self.image_size % 32:
            near = max(64, round(self.image_size / 32) * 32)
            raise SettingError(f"image_size is {self.image_size}: give a multiple of 32, such as {near}.")
        if 0 < self.tile_px < 64:
            raise SettingError(
                f"tile_px is {self.tile_px}: give 64 or more, 0 for whole pictures, -1 to have it chosen."
            )
        if self.device not in ("auto", "cpu", "cuda", "mps") and not re.fullmatch(r"cuda:\d+", self.device):
            raise SettingError(f"device is {self.device!r}: give auto, cpu, cuda, cuda:1 or mps.")
        if self.anomaly_from == "features" and not self.feature_head:
            raise SettingError(
                "anomaly_from=features shows the error of the rebuilt features, which feature_head=false leaves out: "
                "the map would be the same everywhere, and nothing rejected. Leave one of them away."
            )
        if self.size == "small" and self.view == "wide":
            raise SettingError("view is 'wide', but size small has one view, the near one: leave one of them away.")

    def to_dict(self) -> dict[str, Any]:
        """Names and values, as they stand in the manifest of a model."""
        return asdict(self)

    def differing(self, other: "TrainSettings") -> list[str]:
        """Names of the settings in which the two differ."""
        return [each.name for each in fields(self) if getattr(self, each.name) != getattr(other, each.name)]


def load_settings(path: Path | None, overrides: Sequence[str]) -> TrainSettings:
    """Defaults, then a TOML file of flat names, then `name=value` in their order; the last word counts.

    Raises SettingError for an unknown name, naming the nearest known one, and for a value of the wrong type or out
    of range, naming what is allowed.
    """
    given: dict[str, Any] = {} if path is None else _read_toml(path)
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals:
            raise SettingError(f"--set {override}: give a name and a value, such as --set steps=1200.")
        each = _find(name.strip())
        given[each.name] = _parse(each, text.strip())
        if each.name == "steps":
            given["minutes"] = 0.0  # which would come first
    return TrainSettings(**given)


def parse_share(text: str, name: str = "share") -> float:
    """A share of false alarms: '1%' and '0.01' both mean 0.01. Raises SettingError for 0, 1 and what lies outside."""
    try:
        value = _parse_percent(text)
    except ValueError:
        value = math.nan
    if not LEAST_RATE <= value < 1.0:
        raise SettingError(
            f"{name} is {text!r}: give a share of at least {LEAST_RATE:g} and below 1, such as 1% or 0.01."
        )
    return value


def describe_allowed(each: "Field[Any]") -> str:
    """What a setting may be, in words: 'true or false', 'fast, tiny', 'a number from 0 to 1'."""
    if each.type is bool:
        return "true or false"
    if each.metadata["choices"]:
        *first, last = each.metadata["choices"]
        return f"{', '.join(first)} or {last}"
    if each.type is str:
        return "a word"
    limits = each.metadata["limits"]
    kind = "a whole number" if each.type is int else "a number"
    if limits["low"] is not None and limits["high"] is not None:
        return f"{kind} from {limits['low']:g} to {limits['high']:.12g}"
    lower = f"of at least {limits['low']:g}" if limits["low"] is not None else f"above {limits['above']:g}"
    upper = f"at most {limits['high']:.12g}" if limits["high"] is not None else f"below {limits['below']:g}"
    return f"{kind} {lower} and {upper}"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            given = tomllib.load(file)
    except OSError as error:
        raise SettingError(f"Cannot read {path}: {error.strerror}. Give a TOML file of settings.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} is not TOML: {error}. Write one setting a line, such as steps = 1200.") from error
    found = [(_find(name, f" in {path}"), value) for name, value in given.items()]
    return {each.name: _parse(each, value) if _is_percent(each, value) else value for each, value in found}


def _is_percent(each: "Field[Any]", value: object) -> bool:
    """Whether a TOML file has a word such as "5%" for a share, which TOML has no number for."""
    return each.type is float and _is_share(each) and isinstance(value, str) and value.strip().endswith("%")


def _find(name: str, where: str = "") -> "Field[Any]":
    known: Mapping[str, Field[Any]] = {each.name: each for each in fields(TrainSettings)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.5)
    advice = f"Did you mean {near[0]}?" if near else f"Known settings: {', '.join(known)}."
    raise SettingError(f"Unknown setting {name!r}{where}. {advice}")


def _parse(each: "Field[Any]", text: str) -> Any:
    """The value that a person typed, by the type of the setting."""
    try:
        if each.type is bool:
            return _parse_bool(text)
        if each.type is int:
            return int(text)
        if each.type is float:
            return _parse_percent(text) if _is_share(each) else float(text)
    except ValueError:
        raise SettingError(f"{each.name} is {text!r}: give {describe_allowed(each)}.") from None
    return text


def _is_share(each: "Field[Any]") -> bool:
    """Whether a setting lies within 0 to 1."""
    limits = each.metadata["limits"]
    return bool((limits["below"] if limits["high"] is None else limits["high"]) <= 1.0)


def _parse_percent(text: str) -> float:
    """'1%' and '0.01' both mean 0.01. Raises ValueError for what is no number."""
    number = text.strip()
    return float(number.removesuffix("%")) / (100.0 if number.endswith("%") else 1.0)


def _parse_bool(text: str) -> bool:
    if text.lower() not in TRUE + FALSE:
        raise ValueError(text)
    return text.lower() in TRUE


def _checked(each: "Field[Any]", value: Any) -> Any:
    """The value, an int where a float is meant made one; SettingError where type, choice or range is wrong."""
    if each.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    fits = type(value) is each.type
    limits, choices = each.metadata["limits"], each.metadata["choices"]
    if fits and choices:
        fits = value in choices
    if fits and each.type in (int, float):
        fits = (
            (limits["low"] is None or value >= limits["low"])
            and (limits["high"] is None or value <= limits["high"])
            and (limits["above"] is None or value > limits["above"])
            and (limits["below"] is None or value < limits["below"])
            and math.isfinite(value)
        )
    if not fits:
        raise SettingError(f"{each.name} is {value!r}: give {describe_allowed(each)}.")
    return value
