"""One kind of bad or odd input: how it is made, what the command must answer, and its row on docs/inputs.md."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, chdir, contextmanager, nullcontext
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from unittest import mock

from tests.calling import Outcome, call_baad
from tests.fake_model import brightness_graph, fake_certificate

TINY = ("image_size=64", "size=tiny", "batch_size=2", "threads=1", "device=cpu", "foreground=off", "pdn=random")
QUICK = [word for change in (*TINY, "steps=2", "held_out=0.25") for word in ("--set", change)]
TRAIN = ["train", "parts", "-o", "model.baad", *QUICK]
LONGEST = 1000  # characters of a line that is shown whole
TRAINED = ("model.baad", "model.baad.run/losses.jsonl")  # what a training leaves that went well


def at_any_time(folder: Path) -> AbstractContextManager[object]:
    """Nothing else happens while the command runs."""
    return nullcontext()


@contextmanager
def quickly(here: Path) -> Iterator[None]:
    """Put a ready graph in place of the export, which takes seconds."""
    with (
        mock.patch("baad.learn.train.export_onnx", lambda graph: brightness_graph()),
        mock.patch("baad.learn.train.certify", lambda *given: fake_certificate()),
    ):
        yield


@dataclass(frozen=True, kw_only=True)
class Case:
    """`make` puts the input into an empty folder, the working one, and says how to call baad.

    `told`: patterns, one for each line that the user must see; `writes`: patterns of the files that the call may leave
    besides those from before, of which none may change but `spoilt`. `during` is what else happens meanwhile, `check`
    what else must be true.
    """

    what: str
    make: Callable[[Path], Sequence[object]]
    code: int
    told: tuple[str, ...]
    lost: str = "nothing"
    writes: tuple[str, ...] = ()
    spoilt: tuple[str, ...] = ()
    stdin: str = ""
    during: Callable[[Path], AbstractContextManager[object]] = at_any_time
    check: Callable[[Outcome], bool] = lambda outcome: True


@dataclass(frozen=True)
class Seen:
    """What came of a case: `shown` are the lines that were looked for, `faults` whatever must not be."""

    outcome: Outcome
    shown: tuple[str, ...]
    faults: tuple[str, ...]


def provoke(case: Case, folder: Path) -> Seen:
    """Make the input in an empty folder, call the command, and compare with what the case says."""
    with chdir(folder):
        words = case.make(Path())
        before = _files()
        with case.during(Path()):
            outcome = call_baad(*words, stdin=case.stdin)
        after = _files()
        checked = case.check(outcome)
    lines = [" ".join(line.split()) for line in (outcome.err + outcome.out).splitlines()]
    shown = [next((line for line in lines if re.search(pattern, line)), "") for pattern in case.told]
    faults = [f"exit code {outcome.code}"] if outcome.code != case.code else []
    faults += [f"no line has {pattern!r}" for pattern, line in zip(case.told, shown) if not line]
    faults += [f"left {name}" for name in after.keys() - before.keys() if not _is_among(name, case.writes)]
    for name, content in before.items():
        if after.get(name) != content and not _is_among(name, case.spoilt):
            faults.append(f"changed {name}")
    faults += [f"did not write {each}" for each in case.writes if not any(_is_among(name, [each]) for name in after)]
    faults += ["a traceback"] if "Traceback" in outcome.err + outcome.out else []
    faults += ["the check failed"] if not checked else []
    return Seen(outcome, tuple(dict.fromkeys(shown)), tuple(faults))


def format_row(case: Case, seen: Seen) -> str:
    """The line of a case in the table."""
    told = "<br>".join(_quote(line) for line in seen.shown)
    return f"| {case.what} | {told} | {seen.outcome.code} | {case.lost} |"


def _quote(line: str) -> str:
    """A line as code in a table; of one that is very long, its beginning and its end; no sign a hundred times over."""
    line = re.sub(r"(\S)\1{40,}", lambda match: f"{match[1] * 20}…", line)
    line = line if len(line) <= LONGEST else f"{line[:180]} … {line[-60:]}"
    ticks = "``" if "`" in line else "`"
    return f"{ticks}{line}{ticks}".replace("|", "\\|")


def _files() -> dict[str, bytes]:
    """Content of every file below the working folder; an empty folder counts as well."""
    paths = list(Path().rglob("*"))
    empty = {f"{path.as_posix()}/": b"" for path in paths if path.is_dir() and not any(path.iterdir())}
    return empty | {path.as_posix(): path.read_bytes() for path in paths if path.is_file()}


def _is_among(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
