"""Open a data set and say all that is wrong with it at once."""

from pathlib import Path

from baad.data.doctor import Finding, check_category
from baad.data.reading import read_category
from baad.data.sample import Category
from baad.errors import DataError
from baad.progress import Progress


def open_category(data: Path, progress: Progress) -> tuple[Category, list[str]]:
    """The category in a folder, and the warnings about it.

    Raises DataError with one line for each error that the check finds.
    """
    category = read_category(data)
    findings = check_category(category, progress)
    warnings = [describe_finding(each) for each in findings if each.severity != "error"]
    errors = [describe_finding(each) for each in findings if each.severity == "error"]
    for warning in warnings:
        progress.warn(warning)
    if errors:
        raise DataError("\n".join(errors))
    return category, warnings


def describe_finding(finding: Finding) -> str:
    """One line: where, what, what to do."""
    return " ".join(f"{finding.file}: {finding.problem} {finding.remedy}".split())
