"""JSON file -> plain values, with errors that name the file."""

import codecs
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from baad.data.decode import show_path
from baad.errors import DataError


def read_json(path: Path) -> Any:
    """Read a JSON file in UTF-8. Raises DataError where it is missing, unreadable, or no JSON."""
    try:
        return parse_json(path.read_text("utf-8-sig"))
    except OSError as error:
        raise DataError(f"{show_path(path)} cannot be opened: {error.strerror}. Check the name.") from error
    except ValueError as error:
        raise DataError(f"{show_path(path)} is no JSON that can be read ({error}). Export it again.") from error


def parse_json(text: str) -> Any:
    """Text -> values. Raises ValueError for anything that is not JSON, nesting without end included."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def mentions(path: Path, *keys: str) -> bool:
    """Whether all these keys stand in a file, at any depth: tells formats apart without parsing every file."""
    return read_mentioned(path)(*keys)


def read_mentioned(path: Path) -> Callable[..., bool]:
    """`mentions` for a file that is asked for several formats: read once."""
    try:
        content = path.read_bytes() if os.path.isfile(path) else b""  # a pipe would keep us waiting
    except OSError:
        content = b""
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):  # not read, but not passed over either
        content = content.replace(b"\0", b"")
    return lambda *keys: all(f'"{key}"'.encode() in content for key in keys)


def refuse(path: Path, problem: str, remedy: str = "Export the annotations again") -> DataError:
    """The error for an annotation file that says something impossible."""
    return DataError(f"{show_path(path)}: {problem}. {remedy}.")
