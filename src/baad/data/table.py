"""CSV or JSON lines -> rows that know their line, for lists of pictures."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baad.data.decode import show_path
from baad.data.jsonfile import parse_json
from baad.errors import DataError

JSON_LINES = (".jsonl", ".ndjson")
TABLES = (".csv", ".tsv", *JSON_LINES)
LARGEST = 200_000_000  # bytes: a list of pictures is far smaller


@dataclass(frozen=True)
class Row:
    """One line of a list: `values` by the name of the column in small letters; `line` counts from 1."""

    line: int
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """The value, text without blanks around it; "" where it is missing."""
        value = self.values.get(name)
        return "" if value is None else value.strip() if isinstance(value, str) else value


def read_table(path: Path, required: Sequence[str]) -> list[Row]:
    """Read a CSV file with a header (comma, semicolon or tab), or one JSON object a line, in UTF-8.

    Empty lines are passed over. Raises DataError that names the line where it is damaged, or the column that is
    missing from `required`.
    """
    text = _read_text(path)
    rows = list(_json_lines(text, path) if path.suffix.lower() in JSON_LINES else _csv_lines(text, path))
    for row in rows:
        for name in required:
            if name not in row.values:
                known = ", ".join(row.values) or "no column"
                raise DataError(f"{show_path(path)}, line {row.line}: {name!r} is missing (it has {known}). Add it.")
    return rows


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{show_path(path)} is over {LARGEST // 1_000_000} MB: no list of pictures. Give another.")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise DataError(f"{show_path(path)} cannot be opened: {error.strerror}. Check the name.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{show_path(path)}, line {line}: this is not UTF-8. Save the list as UTF-8.") from error


def _csv_lines(text: str, path: Path) -> Iterator[Row]:
    header = next(iter(text.splitlines()), "")
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    line = 1  # where the row begins; where a quote is not closed, reading ends far below
    try:
        for cells in reader:
            if not names:
                names = [cell.strip().lower() for cell in cells]
            elif len(cells) > len(names):
                problem = f"{len(cells)} cells under a header of {len(names)}. Put cells with commas in quotes"
                raise DataError(f"{show_path(path)}, line {reader.line_num}: {problem}.")
            elif any(cell.strip() for cell in cells):
                yield Row(reader.line_num, dict(zip(names, [*cells, *[""] * (len(names) - len(cells))])))
            line = reader.line_num + 1
    except csv.Error as error:
        problem = f"this is no CSV that can be read ({error}). Save it again as CSV"
        raise DataError(f"{show_path(path)}, line {line}: {problem}.") from error


def _json_lines(text: str, path: Path) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = parse_json(line)
        except ValueError as error:
            raise DataError(f"{show_path(path)}, line {number}: this is no JSON ({error}). Mend the line.") from error
        if not isinstance(record, dict):
            raise DataError(f"{show_path(path)}, line {number}: this is no JSON object. Write one a line.")
        yield Row(number, {str(name).lower(): value for name, value in record.items()})
