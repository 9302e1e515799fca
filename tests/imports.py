"""What a file imports, by reading it."""

import ast
from collections.abc import Iterator
from pathlib import Path


def imported_modules(file: Path) -> Iterator[str]:
    """Dotted names of all modules that a file imports, lazily or not, and of what it takes from them."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name} has a relative import: write it out"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
