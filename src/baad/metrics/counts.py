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
    """For people: at the model's threshold, and just where nothing would be missed and nothing good rejected."""
    lines = [f"at the threshold of the model, {threshold:.4g}: {count_at(threshold, images)}"]
    normal = [image.score for image in images if not image.defective]
    defective = [image.score for image in images if image.defective]
    if defective and normal:
        lowest = min(defective)
        rejected = sum(score >= lowest for score in normal)
        lines.append(
            f"to miss none, reject from {lowest:.4g} on: {rejected} of {len(normal)} good pictures rejected; "
            f"to reject none of the good, above {max(normal):.4g}: "
            f"{count_at(max(normal), images).missed} of {len(defective)} missed"
        )
        lines.append("  (read off these test pictures: a hint for --threshold, no promise for others)")
    return lines
