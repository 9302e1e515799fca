"""What a data set is to the rest of the program: paths and labels, no pixels."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class GoodImage:
    """A normal picture for training. It has no label to peek at."""

    path: Path
    session: str = ""  # recording session or part: never split between training and calibration


@dataclass(frozen=True)
class LabelledImage:
    """A picture of the test half.

    `kind` is "good" or the name of the defect. `masks` are files in which any non-zero value marks a defect; they
    are united. `defective` pictures without masks count for image figures only. `foreground` is the true outline
    of the part where the data set has one; evaluation reads it, training never does.
    """

    path: Path
    kind: str
    masks: tuple[Path, ...] = ()
    foreground: Path | None = None

    @property
    def defective(self) -> bool:
        return self.kind != "good"


@dataclass(frozen=True)
class Category:
    """One product: its normal pictures, and its test pictures if there are any."""

    name: str
    root: Path
    layout: str  # what the folder was recognised as, such as "MVTec AD"
    train: tuple[GoodImage, ...]
    test: tuple[LabelledImage, ...] = ()
