"""Drawn zones applied to what the network says of a picture: the score anew without the places that do not count."""

import math
from dataclasses import dataclass, replace

import numpy as np

from baad.runtime.session import RawMaps, TileMap
from baad.verdict.drawn import IGNORE, REJECT, Box, Corners, DrawnZones, paint_rules
from baad.verdict.regions import find_regions

TOP_CELLS = 16  # the score is the mean of so many highest cells of the network's own grid, half as fine as its map
CRUMB = 0.1  # of the largest piece's area: smaller pieces of the foreground are not the part
LEAST_PART = 0.001  # of the picture: less is no part; training refuses parts ten times as large (foreground/gate.py)


@dataclass(frozen=True, eq=False)
class ZonedScores:
    """Scores of a picture as the zones have it.

    counting: without the places that are ignored; rejecting: without those that only warn, too, and never above
    counting. Neither is ever above the network's own score of the whole picture, so that what a threshold promises
    holds.
    """

    counting: float
    rejecting: float


def score_zones(raw: RawMaps, zones: DrawnZones) -> ZonedScores:
    """The network's score once more, over parts of the picture. Where every cell counts it is the network's own; of
    tiles it is the highest of theirs, as it is without zones."""
    shape, box = (raw.anomaly.shape[0], raw.anomaly.shape[1]), find_box(raw.foreground)
    lowest, counting, rejecting = float(raw.anomaly.min()), [], []
    for tile in raw.tiles or (TileMap(0, 0, raw.anomaly, raw.score),):
        rules = _paint_cells(tile, shape, zones, box)
        counting.append(_score_of(tile, rules != IGNORE, lowest))
        rejecting.append(_score_of(tile, rules == REJECT, lowest))
    counts = max(counting)
    return ZonedScores(counts, min(counts, max(rejecting)))  # a mean of few cells may lie above that of more


def _paint_cells(tile: TileMap, shape: tuple[int, int], zones: DrawnZones, box: Box | None) -> np.ndarray:
    """Which rule holds at each cell of a tile, uint8 [h / 2, w / 2], or fewer where the picture ends before the tile.

    `shape`: (H, W) of the picture's map. A cell that lies half beyond its end goes with its neighbour.
    """
    side = _side_of_cells(tile.anomaly)

    def seen_from_tile(x0: float, y0: float, x1: float, y1: float) -> Corners:
        return (x0 - tile.left) / side, (y0 - tile.top) / side, (x1 - tile.left) / side, (y1 - tile.top) / side

    rows, columns = min(tile.anomaly.shape[0], shape[0] - tile.top), min(tile.anomaly.shape[1], shape[1] - tile.left)
    whole, part = seen_from_tile(0, 0, shape[1], shape[0]), box and seen_from_tile(*box)
    rules = paint_rules(zones, (math.ceil(rows / side), math.ceil(columns / side)), part, whole)
    if rows % side and len(rules) > 1:
        rules[-1] = rules[-2]
    if columns % side and rules.shape[1] > 1:
        rules[:, -1] = rules[:, -2]
    return rules


def _score_of(tile: TileMap, kept: np.ndarray, lowest: float) -> float:
    """The score of the cells that are kept, bool [h / 2, w / 2] or fewer; `lowest`, or the tile's, where none is."""
    if kept.all():
        return tile.score
    if not kept.any():
        return min(tile.score, lowest)
    cells = halve(tile.anomaly)[: kept.shape[0], : kept.shape[1]]
    left = _top(cells[kept])
    return tile.score if left >= _top(cells.ravel()) else min(tile.score, left)


def _side_of_cells(anomaly: np.ndarray) -> int:
    """How many px of a map a cell of the network's own grid is wide: one where the map is no doubling."""
    return 1 if anomaly.shape[0] % 2 or anomaly.shape[1] % 2 else 2


def apply_zones(raw: RawMaps, zones: DrawnZones) -> RawMaps:
    """What rejects, for an evaluation: the map without what is ignored, where it falls to its lowest value, and the
    score without what is ignored or only warns."""
    if not zones:
        return raw
    shape = (raw.anomaly.shape[0], raw.anomaly.shape[1])
    ignored = paint_rules(zones, shape, find_box(raw.foreground)) == IGNORE
    anomaly = np.where(ignored, raw.anomaly.min(), raw.anomaly)
    return replace(raw, anomaly=anomaly, score=score_zones(raw, zones).rejecting, tiles=())


def find_box(foreground: np.ndarray) -> Box | None:
    """The box around the part, from its probability [H, W]; crumbs left out.

    None where no part is seen, or less than LEAST_PART of one.
    """
    pieces = find_regions(foreground, 0.5)
    if not pieces:
        return None
    largest = max(piece.area_px for piece in pieces)
    if largest < LEAST_PART * foreground.size:
        return None
    boxes = np.array([piece.box for piece in pieces if piece.area_px >= CRUMB * largest])
    (x0, y0), (x1, y1) = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()
    return x0, y0, x1, y1


def halve(values: np.ndarray) -> np.ndarray:
    """Undo a bilinear doubling: [2h, 2w] -> the [h, w] that was doubled. Maps of odd sides are returned as they are.

    Of another map that is no doubling what comes nearest to it when doubled (least squares).
    """
    if _side_of_cells(values) == 1:
        return values
    return _halve_rows(_halve_rows(values).T).T


def _halve_rows(values: np.ndarray) -> np.ndarray:
    """[2n, m] -> float32 [n, m], n lines of which the doubling is nearest. A band of three diagonals is solved, from
    above and back (Thomas's algorithm), so that maps of thousands of lines take no more than their own memory.

    A doubled line is three quarters the nearer one, a quarter the next; the edge is repeated. With D the doubling, D'D
    has .375 beside a diagonal of 1.25, but for 1.625 at its ends.
    """
    lines = np.pad(values.astype(np.float32), ((1, 1), (0, 0)), mode="edge")
    solved = 0.75 * (lines[1:-1:2] + lines[2::2]) + 0.25 * (lines[:-2:2] + lines[3::2])  # D' values
    pivots = np.full(len(solved), 1.25)
    pivots[0] += 0.375
    pivots[-1] += 0.375
    for place in range(1, len(solved)):
        share = 0.375 / pivots[place - 1]
        pivots[place] -= 0.375 * share
        solved[place] -= np.float32(share) * solved[place - 1]
    solved[-1] /= np.float32(pivots[-1])
    for place in reversed(range(len(solved) - 1)):
        solved[place] = (solved[place] - np.float32(0.375) * solved[place + 1]) / np.float32(pivots[place])
    return solved


def _top(values: np.ndarray) -> float:
    """Mean of the highest values."""
    return float(np.partition(values, -min(TOP_CELLS, values.size))[-TOP_CELLS:].mean())
