"""What a data set is to the rest of the program: paths and labels, no pixels."""

from dataclasses import dataclass
from pathlib import Path

Point = tuple[float, float]  # x to the right, y down, in px; (0, 0) is the outer corner of the first pixel


@dataclass(frozen=True)
class Shape:
    """One marked place in an annotation file, given in one of three ways.

    `rings`: closed outlines, where one that lies inside another is a hole. `line`: an open stroke, one pixel wide.
    `runs`: lengths of unmarked and marked runs by turns, unmarked first, column by column over the whole picture.
    """

    rings: tuple[tuple[Point, ...], ...] = ()
    line: tuple[Point, ...] = ()
    runs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outlines:
    """A mask that is drawn rather than stored: the shapes which `file` holds for one picture.

    `shape` is the (height, width) in px that the file states for the picture.
    """

    file: Path
    shape: tuple[int, int]
    shapes: tuple[Shape, ...]


Mask = Path | Outlines


@dataclass(frozen=True)
class GoodImage:
    """A normal picture for training. It has no label to peek at."""

    path: Path
    session: str = ""  # recording session or part: never split between training and calibration


@dataclass(frozen=True)
class LabelledImage:
    """A picture of the test half.

    `kind` is "good" or the name of the defect. `masks` are files in which any non-zero value marks a defect, or
    outlines; they are united. `defective` pictures without masks count for image figures only. `foreground` is the
    true outline of the part where the data set has one; evaluation reads it, training never does.
    """

    path: Path
    kind: str
    masks: tuple[Mask, ...] = ()
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
    notes: tuple[str, ...] = ()  # what the reader left aside or decided, a clause each
