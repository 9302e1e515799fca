"""Open a data set and say all that is wrong with it at once, before any work."""

from collections.abc import Sequence
from pathlib import Path

from baad.data.doctor import Finding, check_category, check_test, require_usable
from baad.data.reading import describe_category, read_category
from baad.data.sample import Category
from baad.data.split import split_held_out
from baad.progress import Progress
from baad.settings import TrainSettings
from baad.verdict.enough import check_enough


def open_for_training(
    data: Path,
    settings: TrainSettings | None,
    progress: Progress,
    fg_masks: Path | None = None,
    layout: str = "auto",
) -> tuple[Category, list[str]]:
    """The category in a folder, and the warnings about it; says what it was taken for.

    `settings`: also warn where the pictures are too few for the false-alarm rate that they ask for; None where no
    threshold of these pictures will be relied on. Raises DataError with one line for each error.
    """
    category = _open(data, layout, progress, fg_masks)
    findings = check_category(category, progress, part_masks=fg_masks)
    if settings is not None:
        unreadable = any(finding.severity == "error" for finding in findings)
        if not unreadable and len(category.train) > 1:
            split = split_held_out(category.train, settings.held_out, settings.seed, progress)
            findings += check_enough(category.name, split, settings.false_alarms, settings.held_out)
    return category, _speak(findings, progress)


def open_for_testing(data: Path, progress: Progress, layout: str = "auto") -> Category:
    """The category in a folder with its test half. Raises DataError with one line for each error."""
    category = _open(data, layout, progress)
    require_testable(category, progress)
    return category


def require_testable(category: Category, progress: Progress) -> None:
    """Raise DataError with one line for each error in the test half."""
    _speak(check_test(category, progress), progress)


def _open(data: Path, layout: str, progress: Progress, fg_masks: Path | None = None) -> Category:
    category = read_category(data, layout, fg_masks)
    progress.say(describe_category(category))
    return category


def _speak(findings: Sequence[Finding], progress: Progress) -> list[str]:
    warnings = [str(finding) for finding in findings if finding.severity != "error"]
    for warning in warnings:
        progress.warn(warning)
    require_usable(findings)
    return warnings
