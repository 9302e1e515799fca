"""Every row of docs/inputs.md is provoked anew and compared with the page."""

import pytest

from tests.inputs.case import Case, format_row, provoke
from tests.inputs.page import CASES, FAMILIES, HEAD, PAGE, TABLE


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_what_is_given_is_answered_as_the_page_says(case, tmp_path):
    seen = provoke(case, tmp_path)
    assert not seen.faults, f"{seen.outcome.err}{seen.outcome.out}"
    assert format_row(case, seen) in PAGE.read_text("utf-8").splitlines(), "run make docs"


def test_the_page_has_a_row_for_each_case_in_order_and_nothing_else():
    lines = PAGE.read_text("utf-8").removeprefix(HEAD).splitlines()
    given = [line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| ")]
    expected = [each for cases in FAMILIES.values() for each in ("given", *(case.what for case in cases))]
    assert given == expected
    assert PAGE.read_text("utf-8").startswith(HEAD) and TABLE in PAGE.read_text("utf-8")
    assert len(CASES) >= 30 and len({case.what for case in CASES}) == len(CASES)


def test_a_case_that_is_answered_otherwise_is_a_fault(tmp_path):
    def make(here):
        (here / "kept.txt").write_text("before")
        return ["info", "gone.baad"]

    case = Case(
        what="x", make=make, code=0, told=("another message",), writes=("out.txt",), check=lambda outcome: False
    )
    seen = provoke(case, tmp_path)
    assert seen.faults == ("exit code 2", "no line has 'another message'", "did not write out.txt", "the check failed")
