"""What a threshold costs, in pictures: good ones rejected, defective ones missed; and what other thresholds would."""

from collections.abc import Sequence
from dataclasses import dataclass

from baad.metrics.scorecard import ScoredImage


@dataclass(frozen=True)
class Counts:
    """Pictures on the wrong side of a threshold, above which a picture is rejected."""

    threshold: float
    false_alarms: int  # of n_normal
    missed: int  # of n_defective
    n_normal: int
    n_defective: int

    def __str__(self) -> str:
        alarms = f"{self.false_alarms} of {self.n_normal} good pictures rejected"
        return f"{self.missed} of {self.n_defective} defective pictures missed, {alarms}"


def count_at(threshold: float, images: Sequence[ScoredImage]) -> Counts:
    """Count at a threshold."""
    normal = [image.score for image in images if not image.defective]
    defective = [image.score for image in images if image.defective]
    alarms, missed = sum(score > threshold for score in normal), sum(score <= threshold for score in defective)
    return Counts(threshold, alarms, missed, len(normal), len(defective))


def count_lines(threshold: float, images: Sequence[ScoredImage]) -> list[str]:
    """For people: at the model's threshold, and at ones that would miss nothing, and reject nothing good."""
    lines = [f"at the threshold of the model, {threshold:.4g}: {count_at(threshold, images)}"]
    normal = [image.score for image in images if not image.defective]
    defective = [image.score for image in images if image.defective]
    if defective and normal:
        finds_all = count_at(_below(min(defective), images), images)
        passes_all = count_at(_from(max(normal), images), images)
        lines.append(
            f"--threshold {finds_all.threshold} misses none: "
            f"{finds_all.false_alarms} of {len(normal)} good pictures rejected; "
            f"--threshold {passes_all.threshold} rejects none of the good: "
            f"{passes_all.missed} of {len(defective)} missed"
        )
        lines.append("  (read off these test pictures: a hint, no promise for others)")
    return lines


def _below(score: float, images: Sequence[ScoredImage]) -> float:
    """A threshold with few digits below a score, and no lower than the next lower one."""
    lower = [image.score for image in images if image.score < score]
    return _shortest(max(lower) if lower else score - _span(images), score)


def _from(score: float, images: Sequence[ScoredImage]) -> float:
    """A threshold with few digits that is no lower than a score, and below the next higher one."""
    higher = [image.score for image in images if image.score > score]
    return _shortest(score, min(higher) if higher else score + _span(images))


def _span(images: Sequence[ScoredImage]) -> float:
    """How far beyond all scores a threshold is taken: a tenth of their range."""
    scores = [image.score for image in images]
    return (max(scores) - min(scores)) / 10 or 1.0


def _shortest(low: float, high: float) -> float:
    """The number with the fewest digits near the middle of `low`, which it may be, and `high`, below which it lies."""
    middle = low + (high - low) / 2
    rounded = (float(f"{middle:.{digits}g}") for digits in range(1, 18))
    return next((number for number in rounded if low <= number < high), low)
