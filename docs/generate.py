"""Write docs/cli.md, docs/settings.md, docs/inputs.md, the methods in docs/benchmarks.md and the tree in
ARCHITECTURE.md from the program: `make docs`.

Tests compare them, so that they cannot go stale. docs/inputs.md comes from the cases that the tests provoke
(tests/inputs), which takes a minute: `make docs ARGS=--quick` leaves it out.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from typer.testing import CliRunner

from baad.bench.methods import METHODS, Method
from baad.cli.app import VERBS, build_app
from baad.settings import TrainSettings, describe_allowed

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "baad"
TREE = ("<!-- tree: written by make docs -->", "<!-- end of tree -->")
LIST = ("<!-- methods: written by make docs -->", "<!-- end of methods -->")
ROOMS = {  # in the order of the imports; what a folder is for (a single file says so itself)
    "errors": "",
    "atomic": "",
    "settings": "",
    "progress": "",
    "stopping": "",
    "data": "FILES -> ARRAYS",
    "foreground": "ARRAYS -> WHERE THE PART IS",
    "synthesis": "ARRAYS -> INVENTED DEFECTS",
    "verdict": "MAPS -> DECISION",
    "self_contained": "",
    "bundle": "",
    "runtime": "BUNDLE + IMAGE -> VERDICT",
    "metrics": "MAPS + TRUTH -> FIGURES",
    "report": "FIGURES -> PAGES",
    "learn": "IMAGES -> BUNDLE (PyTorch)",
    "baselines": "PEERS ON THE SAME DATA (PyTorch)",
    "bench": "QUESTIONS -> TABLES (PyTorch)",
    "cli": "VERBS, one a file, no logic",
}


def generate() -> dict[Path, str]:
    """Every generated page and what it must hold."""
    architecture, benchmarks = ROOT / "ARCHITECTURE.md", ROOT / "docs" / "benchmarks.md"
    return {
        ROOT / "docs" / "cli.md": describe_commands(),
        ROOT / "docs" / "settings.md": describe_settings(),
        benchmarks: put_between(benchmarks, LIST, describe_methods()),
        architecture: put_between(architecture, TREE, f"```\n{draw_tree()}\n```"),
    }


def put_between(page: Path, marks: tuple[str, str], text: str) -> str:
    """The page with `text` between the two lines that mark the place."""
    before, rest = page.read_text("utf-8").split(marks[0])
    return before + f"{marks[0]}\n{text}\n{marks[1]}" + rest.split(marks[1])[1]


def describe_methods() -> str:
    """Every method of the benchmarks, what it is, what it changes."""
    rows = [f"| `{name}` | {method.help} | {tell_changes(method)} |" for name, method in METHODS.items()]
    return "| name | what it is | settings |\n|---|---|---|\n" + "\n".join(rows)


def tell_changes(method: Method) -> str:
    changes = {**method.settings, **method.scoring}
    told = ", ".join(f"`{name}={str(value).lower()}`" for name, value in changes.items())
    trained = [name for name, other in METHODS.items() if not other.scoring and other.settings == method.settings]
    return told + (f", on the model of `{trained[0]}`" if method.scoring else "")


def describe_commands() -> str:
    """docs/cli.md: the help of every verb."""
    pages = [f"## baad {verb}\n\n```\n{ask_for_help(verb)}\n```\n" for verb in VERBS]
    return (
        "# Commands\n\nWritten by `make docs` from the program itself.\n\n"
        f"```\n{ask_for_help('')}\n```\n\n" + "\n".join(pages) + f"\n## Exit codes\n\n```\n{exit_codes()}\n```\n"
    )


def ask_for_help(verb: str) -> str:
    """What `baad VERB --help` prints, 100 columns wide."""
    os.environ["COLUMNS"] = "100"
    words = [*verb.split(), "--help"]
    shown = CliRunner().invoke(build_app(words), words, prog_name="baad")
    return "\n".join(line.rstrip() for line in shown.output.strip().splitlines())


def exit_codes() -> str:
    """The table in the docstring of cli/app.py."""
    table = (docstring(PACKAGE / "cli" / "app.py")).split("Exit codes\n")[1]
    return "\n".join(line.strip() for line in table.strip().splitlines())


def describe_settings() -> str:
    """docs/settings.md: every setting, its default, what it may be, what it means."""
    rows = [
        f"| `{each.name}` | `{str(each.default).lower() if each.type is bool else each.default}` "
        f"| {describe_allowed(each)} | {each.metadata['help']} |"
        for each in fields(TrainSettings)
    ]
    return (
        "# Settings\n\nWritten by `make docs` from `src/baad/settings.py`. Give them with `--set name=value`, or one a "
        "line in a TOML\nfile with `--config FILE.toml`; the last word counts. Percent stands in quotes "
        'there: `false_alarms = "5%"`.\n\n'
        "| name | default | allowed | meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def draw_tree() -> str:
    """Every source file and the first line of its docstring, rooms in the order of the imports."""
    return "\n".join(line.rstrip() for room in ROOMS for line in draw_room(room))


def draw_room(room: str) -> Iterator[str]:
    single = PACKAGE / f"{room}.py"
    if single.exists():
        yield f"{single.name:<28}{first_line(single)}"
    files = [file for file in sorted((PACKAGE / room).glob("*.py")) if file.name != "__init__.py"]
    if files:
        yield f"{room + '/':<28}{ROOMS[room]}"
        for file in files:
            yield f"  {file.name:<26}{first_line(file)}"


def first_line(file: Path) -> str:
    """The first sentence of a file's docstring, if it ends on the first line."""
    return re.split(r"(?<! al)\. ", docstring(file).split("\n")[0])[0].rstrip(".")


def docstring(file: Path) -> str:
    return ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""


if __name__ == "__main__":
    for page, text in generate().items():
        page.write_text(text, "utf-8")
        print(page.relative_to(ROOT))
    if "--quick" not in sys.argv:
        sys.path.insert(0, str(ROOT))
        from tests.inputs.page import write_page

        print(write_page().relative_to(ROOT))
