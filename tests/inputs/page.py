"""docs/inputs.md, written from the cases that the tests provoke: `make docs`."""

import tempfile
from pathlib import Path

from tests.inputs.case import Case, format_row, provoke
from tests.inputs.names import NAMES
from tests.inputs.others import INTERRUPTIONS, MODELS, SETTINGS
from tests.inputs.parts import PARTS
from tests.inputs.pictures import PICTURES
from tests.inputs.places import PLACES
from tests.inputs.sets import MASKS, SETS

PAGE = Path(__file__).parents[2] / "docs" / "inputs.md"
FAMILIES: dict[str, tuple[Case, ...]] = {
    "Pictures": PICTURES,
    "Names and streams of names": NAMES,
    "Masks": MASKS,
    "Where the part is, and zones": PARTS,
    "Data sets": SETS,
    "Settings": SETTINGS,
    "Model files": MODELS,
    "Places to write": PLACES,
    "Interruptions": INTERRUPTIONS,
}
CASES = [case for cases in FAMILIES.values() for case in cases]
HEAD = f"""# Bad and odd input

What BAAD says of {len(CASES)} kinds of input that is odd, wrong, damaged or cut off, and what is lost. Written by
`make docs` from the tests: each row was provoked, its message is what the command printed (relevant lines; blanks
joined), and its test makes sure that nothing is left half-written and no input is touched. [cli.md](cli.md) lists the
exit codes.
"""
TABLE = "| given | said | exit | lost |\n|---|---|---|---|"


def write_page() -> Path:
    """Provoke every case and write the page. Raises AssertionError where one is not as it should be."""
    PAGE.write_text(
        HEAD + "".join(f"\n## {name}\n\n{TABLE}\n" + "".join(map(_row, cases)) for name, cases in FAMILIES.items()),
        "utf-8",
    )
    return PAGE


def _row(case: Case) -> str:
    with tempfile.TemporaryDirectory() as folder:
        seen = provoke(case, Path(folder))
    assert not seen.faults, f"{case.what}: {seen.faults}\n{seen.outcome.err}{seen.outcome.out}"
    return format_row(case, seen) + "\n"
