"""A benchmark written down: which methods on which categories, how many seeds, which settings. One TOML file.

minutes = 5.0                                 # settings for all parts
[[part]]
categories = ["bottle", "screw"]              # folders of the data
methods = ["ablation", "nearest"]
seeds = 3                                     # 1 where it is left out
stress = ["baad", "background_off"]           # whose backgrounds are changed too; nobody's where it is left out
threads = 2                                   # settings for this part
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from baad.bench.job import Part
from baad.bench.methods import choose_methods
from baad.errors import SettingError
from baad.settings import load_settings


def read_plan(file: Path, data: Path) -> list[Part]:
    """The parts of a plan for categories that lie in the folder `data`.

    Raises SettingError for a file that is no plan, for unknown methods and settings.
    """
    try:
        given = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingError(f"Cannot read {file}: {error.strerror}. Give a plan, a TOML file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} is not TOML: {error}. docs/benchmarks.md shows a plan.") from error
    parts = given.pop("part", None)
    if not isinstance(parts, list) or not all(isinstance(each, dict) for each in parts) or not parts:
        raise SettingError(f"{file} has no [[part]]. docs/benchmarks.md shows a plan.")
    return [_read_part(_lay_over(given, each), f"part {index} of {file}", data) for index, each in enumerate(parts, 1)]


def _lay_over(given: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """What is given for all parts, and over it a part's own. Steps of its own replace minutes for all."""
    kept = {name: value for name, value in given.items() if name != "minutes" or "steps" not in own}
    return {**kept, **own}


def _read_part(given: dict[str, Any], where: str, data: Path) -> Part:
    names, methods = (_take_names(given, key, where) for key in ("categories", "methods"))
    if not names or not methods:
        raise SettingError(f"{where} names no {'methods' if names else 'categories'}. docs/benchmarks.md shows a plan.")
    chosen = choose_methods(methods)
    stress = choose_methods(words) if (words := _take_names(given, "stress", where)) else ()
    if strange := set(stress) - set(chosen):
        raise SettingError(f"{where} stresses {', '.join(sorted(strange))}, which is not among its methods. Add it.")
    seeds = given.pop("seeds", 1)
    if type(seeds) is not int or seeds < 1:
        raise SettingError(f"seeds is {seeds!r} in {where}: give a whole number from 1.")
    try:
        settings = load_settings(None, _as_words(given))
    except SettingError as error:
        raise SettingError(f"In {where}: {error}") from error
    return Part(tuple(data / name for name in names), chosen, seeds, settings, stress)


def _take_names(given: dict[str, Any], key: str, where: str) -> list[str]:
    names = given.pop(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingError(f'{key} is {names!r} in {where}: give a list of words, such as ["one", "two"].')
    return names


def _as_words(given: Mapping[str, Any]) -> Sequence[str]:
    """Settings, `minutes` last: given together with steps it is what counts."""
    return [f"{name}={given[name]}" for name in sorted(given, key="minutes".__eq__)]
