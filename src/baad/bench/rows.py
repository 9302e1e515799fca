"""Rows of figures, a JSON object a line: read, written, and told as cells of a table."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from baad.atomic import write_text
from baad.data.decode import show_path
from baad.data.jsonfile import parse_json
from baad.errors import DataError

Row = dict[str, Any]
LOWEST = "the row of the lowest seed"


def read_rows(file: Path, keys: Sequence[str]) -> list[Row]:
    """Rows of a results file, each with these keys at least; none where it does not exist.

    Raises DataError that names the line where it is no such row, as after the writing of another program.
    """
    if not file.exists():
        return []
    try:
        lines = file.read_text("utf-8").split("\n")
    except OSError as error:
        raise DataError(f"{show_path(file)} cannot be opened: {error.strerror}. Give another --out.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{show_path(file)} is not UTF-8, so no file of rows. Give another --out.") from error
    return [_read_row(f"{show_path(file)}, line {at}", line, keys) for at, line in enumerate(lines, 1) if line.strip()]


def _read_row(where: str, line: str, keys: Sequence[str]) -> Row:
    remedy = "Remove the line: its figures are then made anew."
    try:
        row = parse_json(line)
    except ValueError as error:
        raise DataError(f"{where}: this is no JSON ({error}). {remedy}") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: this is no JSON object. {remedy}")
    if missing := [key for key in keys if key not in row]:
        raise DataError(f"{where}: this row has no {missing[0]!r}. {remedy}")
    return row


def rows_to_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """A JSON object a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def write_rows(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """The whole file at once. Raises OutputError where it cannot be written."""
    write_text(file, rows_to_text(rows))


def put_last(rows: Sequence[Row], made: Row, keys: Sequence[str]) -> list[Row]:
    """The rows with `made` at the end, in place of those that have its values under these keys."""
    return [*(row for row in rows if any(row[key] != made[key] for key in keys)), made]


def split_alike(rows: Iterable[Row], keys: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """Those rows which may share a mean, and the others. Of equal values under `keys`, those count that were made, but
    for the seed, and judged as the one of the lowest seed was: every call makes that one anew."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    kept: list[Row] = []
    others: list[Row] = []
    for group in groups.values():
        first = min(group, key=lambda row: row["seed"])
        for row in group:
            (kept if _are_alike(row, first) else others).append(row)
    return kept, others


def tell_others(others: Sequence[Row], keys: Sequence[str], first: str) -> list[str]:
    """Lines on rows that are left out as made otherwise than `first`; none where there are none."""
    named = dict.fromkeys(f"{', '.join(str(row[key]) for key in keys)}, seed {row['seed']}" for row in others)
    told = f"Left out, since made or judged otherwise than {first}, with other settings or code"
    return ["", f"{told}: {'; '.join(named)}."] if named else []


def _are_alike(row: Row, other: Row) -> bool:
    """Whether two rows were made alike, their seeds aside; rows of before tell no `alike`."""
    told = ("alike",) if "alike" in row and "alike" in other else ("settings", "pdn_sha256")
    return all(row.get(key) == other.get(key) for key in (*told, "tested_on"))


def mean(values: Iterable[float | None]) -> float | None:
    """Of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
