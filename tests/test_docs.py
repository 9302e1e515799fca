"""Documentation runs: Python blocks are executed, printed commands are parsed, generated pages are compared."""

import importlib.util
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

import baad
from baad.cli.app import VERBS, build_app
from baad.settings import load_settings
from tests.factory import write_category
from tests.fake_model import write_fake_model

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
SKIP = "<!-- not run: "  # the line above a Python block that cannot run here; it says why


def named(page):
    return str(page.relative_to(ROOT))


def blocks_of(page, language):
    """(what stands on the line above, the code) of each fenced block."""
    text = page.read_text("utf-8")
    return re.findall(rf"^([^\n]*)\n```{language}\n(.*?)^```$", text, re.S | re.M)


def commands_of(page):
    """Lines of shell blocks, and of EXAMPLES, that call baad."""
    blocks = [block.replace("\\\n", " ") for _, block in blocks_of(page, "(?:bash|sh|console)")]  # lines that go on
    lines = [line for block in blocks for line in block.splitlines()]
    found = (re.search(r"(?:^|\| |\$ |bin/)(baad [^|#>&]*)", line) for line in lines)
    return [match[1].strip() for match in found if match]


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_what_the_program_says():
    stale = [named(page) for page, text in generator().generate().items() if page.read_text("utf-8") != text]
    assert not stale, "run make docs"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    """In a folder with a model, pictures and a category, as the pages assume."""
    blocks = [code for above, code in blocks_of(page, "python") if not above.startswith(SKIP)]
    if not blocks:
        pytest.skip("no Python on this page")
    monkeypatch.chdir(tmp_path)
    write_fake_model(tmp_path / "model.baad")
    write_category(tmp_path / "parts")
    (tmp_path / "part.png").write_bytes((tmp_path / "parts" / "test" / "spot" / "000.png").read_bytes())
    scope = {"__name__": page.stem}
    for block in blocks:
        exec(compile(block, named(page), "exec"), scope)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_printed_commands_exist_with_their_options(page):
    for command in commands_of(page):
        parse(shlex.split(command)[1:])


@pytest.mark.parametrize("verb", VERBS)
def test_examples_of_the_help_exist_with_their_options(verb):
    module = importlib.import_module(VERBS[verb])
    for line in module.EXAMPLES.strip().splitlines():
        command = line.split("| ")[-1] if "| baad" in line else line
        words = shlex.split(re.split(r"\s{2,}|\s\|\s", command)[0])
        assert words[0] == "baad"
        parse(words[1:])


def parse(words):
    """Parse a command line down to its verb, without calling it. Raises click's usage error."""
    import typer

    command, name = typer.main.get_command(build_app()), "baad"
    while hasattr(command, "commands"):
        assert words and words[0] in command.commands, f"baad has no verb {' '.join(words)}"
        command, name, words = command.commands[words[0]], words[0], words[1:]
    command.make_context(name, list(words))
    load_settings(None, [change for option, change in pairwise(words) if option == "--set"])


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_settings_that_the_text_names_exist(page):
    load_settings(None, re.findall(r"`--set (?!name=|\w+=N)(\w+=[\w.%]+)`", page.read_text("utf-8")))


def test_the_readme_prints_commands():
    assert len(commands_of(ROOT / "README.md")) > 5


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_to_files_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_to_headings_lead_to_one(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text("utf-8"))
    pages = [(page.parent / file if file else page, heading) for file, heading in targets]
    assert [heading for file, heading in pages if heading not in anchors_of(file)] == []


def anchors_of(page):
    """What a page's headings are linked by: in small letters, without signs, spaces as dashes."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_changelog_speaks_of_this_version():
    assert f"## {baad.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_page_of_the_documentation_is_linked_from_the_readme():
    readme = (ROOT / "README.md").read_text("utf-8")
    top = [named(page) for page in PAGES if page.parent in (ROOT, ROOT / "docs") and page.name != "README.md"]
    assert [page for page in top if f"({page})" not in readme] == []


def test_every_decision_is_listed_by_its_title():
    decisions = ROOT / "docs" / "decisions"
    titles = {file.name: file.read_text("utf-8").split("\n")[0][2:] for file in decisions.glob("[0-9]*.md")}
    index = " ".join((decisions / "README.md").read_text("utf-8").split())
    listed = re.findall(r"(\d+\.) \[([^]]+)\]\(([^)]+)\)", index)
    assert {file: f"{number} {title}" for number, title, file in listed} == titles


def test_no_page_has_pip_look_for_baad_in_an_index():
    """It is in none. What the program itself says, in docs/inputs.md and docs/cli.md, is tested in test_package.py."""
    written = [page for page in PAGES if page.name not in ("CHANGELOG.md", "inputs.md", "cli.md")]
    asks = re.compile(r"""pip install (?:-\S+ )*['"]?baad(?![-.\w])""")
    assert [named(page) for page in written if asks.search(page.read_text("utf-8"))] == []
    assert asks.search('`pip install "baad[video]"`') and asks.search("pip install baad")


def test_the_small_build_of_pytorch_is_asked_for_in_the_versions_that_are_pinned():
    pinned = set((ROOT / "constraints.txt").read_text("utf-8").splitlines())
    asked = re.findall(r"\b(torch(?:vision)?==[\d.]+)", (ROOT / "README.md").read_text("utf-8"))
    assert len(asked) == 2 and set(asked) <= pinned


def test_the_wheel_is_called_by_its_name():
    page = (ROOT / "docs" / "line.md").read_text("utf-8")
    assert set(re.findall(r"baad-[\d.]+-py3-none-any\.whl", page)) == {f"baad-{baad.__version__}-py3-none-any.whl"}
