"""The pictures that a parity certificate is made on: normal ones, and defects drawn on them.

Half of them are the nearest to the threshold, where a verdict flips first. Only numbers are kept of the candidates, so
that pictures of any size fit into memory; what was chosen is read, and its defect drawn, a second time.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from baad.data.geometry import resize_image, resize_map, resize_mask
from baad.data.spread import spread_evenly
from baad.progress import Progress
from baad.runtime.tiles import Scorer
from baad.synthesis.banks import Banks, make_banks
from baad.synthesis.recipe import Plan, draw_example

CHOSEN = 32  # pictures of a certificate
CANDIDATES = 96  # that they are chosen from, about
NORMALS = 32  # of the candidates, at most
PATIENCE = 10  # times as many draws, where too few defects could be seen
PLAN = Plan(anomaly_share=1.0, background_share=0.0, seam_share=0.0)


@dataclass(frozen=True)
class NormalSource:
    """Normal pictures, read one by one, and what the network gives each, one or more."""

    what: str  # they are, for people
    scores: tuple[float, ...]
    read: Callable[[int], np.ndarray]  # number -> uint8 [H, W, 3]


@dataclass(frozen=True)
class Witness:
    """A picture by what it is made from. `draw`: 0 for the normal picture as it is, else the number of the defect."""

    normal: int
    draw: int
    score: float


@dataclass(frozen=True)
class Witnesses:
    """The chosen pictures; iterating reads and draws them one at a time, uint8 [H, W, 3] each."""

    chosen: tuple[Witness, ...]
    near: int  # of them: the nearest to the threshold
    drawn: tuple[Witness, ...]  # all candidates with a defect
    normals: NormalSource
    painter: "Painter"

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self.show, self.chosen)

    def show(self, witness: Witness) -> np.ndarray:
        """The picture of a witness, read and drawn anew: uint8 [H, W, 3]."""
        picture = self.normals.read(witness.normal)
        return self.painter.draw(picture, witness.normal, witness.draw) if witness.draw else picture


@dataclass(frozen=True)
class Painter:
    """Draws defects on what the network takes for the part; the same again for the same numbers.

    A picture is judged once, however many defects are drawn on it: in tiles that may take seconds.
    """

    session: Scorer
    shape: tuple[int, int]  # (height, width) at which the network sees every picture, and defects are drawn
    seed: int
    banks: Banks
    parts: dict[bytes, np.ndarray] = field(default_factory=dict, repr=False, compare=False)  # of `see_part`: bits

    def draw(self, picture: np.ndarray, normal: int, number: int) -> np.ndarray:
        """uint8 [H, W, 3] with a defect where the picture showed part; as it was where none could be seen."""
        small = resize_image(picture, self.shape)
        part = self.see_part(picture)
        nothing = np.zeros((0, *self.shape, 3), np.uint8)
        rng = np.random.default_rng([self.seed, 11, normal, number])
        example = draw_example(small, part, nothing, nothing[..., 0] > 0, rng, PLAN, self.banks)
        size = (picture.shape[0], picture.shape[1])
        defect = resize_mask(example.defect, size)
        return np.where(defect[..., None], resize_image(example.corrupted, size), picture)

    def see_part(self, picture: np.ndarray) -> np.ndarray:
        """Where the network sees part in uint8 [H, W, 3], bool [h, w]; everywhere, where it sees none."""
        content = hashlib.sha256(f"{picture.shape}".encode() + picture.tobytes()).digest()
        if content not in self.parts:
            part = resize_map(self.session.run(picture).foreground, self.shape) > 0.5
            self.parts[content] = np.packbits(part if part.any() else ~part)
        bits = np.unpackbits(self.parts[content], count=self.shape[0] * self.shape[1])
        return bits.reshape(self.shape).astype(bool)


def choose_witnesses(
    normals: NormalSource, session: Scorer, threshold: float, shape: tuple[int, int], seed: int, progress: Progress
) -> Witnesses:
    """CHOSEN pictures: half of them the nearest to the threshold, the others spread over all scores.

    Fewer only where hardly any defect can be seen on the part, though ten times as many are drawn.
    """
    painter = Painter(session, shape, seed, make_banks(np.random.default_rng([seed, 5])))
    as_they_are = [Witness(number, 0, score) for number, score in enumerate(normals.scores)]
    found, _ = pick(as_they_are, threshold, NORMALS)
    draws = max(2, math.ceil(CANDIDATES / len(found)) - 1)
    drawn: list[Witness] = []
    with progress.task("pictures for the parity check", len(found)) as task:
        for turn in range(PATIENCE):  # once where defects are seen
            for number in [each.normal for each in found]:
                picture = normals.read(number)
                for draw in range(turn * draws + 1, (turn + 1) * draws + 1):
                    changed = painter.draw(picture, number, draw)
                    if not np.array_equal(changed, picture):
                        drawn.append(Witness(number, draw, session.run(changed).score))
                task.advance(turn == 0)
            if len(found) + len(drawn) >= CHOSEN:
                break
    chosen, near = pick([*found, *drawn], threshold, CHOSEN)
    return Witnesses(chosen, near, tuple(drawn), normals, painter)


def pick(found: Sequence[Witness], threshold: float, count: int) -> tuple[tuple[Witness, ...], int]:
    """`count` of those found, or all where they are fewer; how many of them are the nearest to the threshold: half."""
    ordered = sorted(found, key=lambda each: abs(each.score - threshold))
    near = min(count, len(ordered)) // 2
    rest = sorted(ordered[near:], key=lambda each: each.score)
    return (*ordered[:near], *(rest[index] for index in spread_evenly(len(rest), count - near))), near
