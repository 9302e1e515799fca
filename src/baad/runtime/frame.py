"""A picture that is in memory already, with a name: a frame of a film or camera, a file that was just read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class Frame:
    """What `Detector.stream` judges beside files and arrays. `place`: where its results go below an output folder."""

    name: str  # in results and messages
    place: Path
    pixels: np.ndarray | None  # uint8 [H, W, 3]; None where there is none
    problem: str = ""  # why there is none, for people
    notes: tuple[str, ...] = ()  # what makes a verdict doubtful


def place_of(path: Path) -> Path:
    """A path below an output folder: '/a/b.png' and 'a/b.png' -> 'a/b.png'; '..' is resolved first."""
    if ".." in path.parts:
        path = path.resolve()
    return path.relative_to(path.anchor)
