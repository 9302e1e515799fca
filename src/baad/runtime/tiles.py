"""Pictures larger than the network: cut into overlapping tiles, judged one by one, their maps blended.

The aspect is kept: nothing is squashed, and a picture narrower than a tile is continued by its mirror image. Tiles that
hold only background are skipped, after a look at the whole picture.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from baad.data.geometry import resize_map
from baad.errors import SettingError
from baad.runtime.session import RawMaps, TileMap

LEAST = 64  # px
OVERLAP = 0.25  # of a tile's side, at least, between neighbours
PART_AT = 0.1  # probability of part from which a place is worth a look
MARGIN = 0.1  # of a tile's side, around it: part that begins there keeps the tile
TOGETHER = 8  # tiles in memory at once

Place = tuple[int, int]  # top and left of a tile, in cells of the map


class Scorer(Protocol):
    """What judges one picture of any size: a Session, or tiles on top of one."""

    def run(self, image: np.ndarray) -> RawMaps: ...
    def run_batch(self, images: Sequence[np.ndarray]) -> list[RawMaps]: ...


@dataclass(frozen=True)
class Grid:
    """Where the tiles of one picture lie. Lengths are cells of the map, each `cell` px of the picture wide and high."""

    shape: tuple[int, int]  # of the map of the whole picture
    tile: tuple[int, int]  # of the map of a tile
    cell: float
    places: tuple[Place, ...]  # row by row


def lay_grid(shape: tuple[int, int], side: int, tile: tuple[int, int]) -> Grid:
    """The tiles for a picture of `shape` (H, W). A tile has the area of a square of `side` px, and a map of `tile`.

    Neighbours overlap by a quarter at least, evenly; the outer ones end at the edge of the picture, or up to
    half a cell before it, since sides are told in whole cells.
    """
    cell = side / math.sqrt(tile[0] * tile[1])
    height, width = (max(1, round(length / cell)) for length in shape)
    tops, lefts = _starts(height, tile[0]), _starts(width, tile[1])
    return Grid((height, width), tile, cell, tuple((top, left) for top in tops for left in lefts))


def tile_shape(side: int, tile: Sequence[int]) -> list[int]:
    """[height, width] of a tile in pixels: of the area of a square of `side`, and of the aspect of its map, `tile`."""
    return _in_pixels(tile, side / math.sqrt(tile[0] * tile[1]))


def _in_pixels(tile: Sequence[int], cell: float) -> list[int]:
    return [max(1, round(length * cell)) for length in tile]


def _starts(length: int, tile: int) -> tuple[int, ...]:
    """Where tiles begin on a line: evenly, from 0 to the last that still fits."""
    if length <= tile:
        return (0,)
    count = math.ceil((length - tile) / (tile * (1.0 - OVERLAP))) + 1
    return tuple(round(index * (length - tile) / (count - 1)) for index in range(count))


def cut_tile(picture: np.ndarray, grid: Grid, place: Place) -> np.ndarray:
    """The pixels of a tile of [H, W, ...]; mirrored where the picture is narrower than a tile."""
    for axis, side in enumerate(_in_pixels(grid.tile, grid.cell)):
        length = picture.shape[axis]
        first = max(0, min(round(place[axis] * grid.cell), length - side))
        if first + side <= length:
            picture = picture[first : first + side] if axis == 0 else picture[:, first : first + side]
        else:
            picture = picture.take(_mirror(np.arange(side), length), axis=axis)
    return picture


def _mirror(index: np.ndarray, length: int) -> np.ndarray:
    """Indices beyond the end of a line of `length` pixels, turned back into it as often as it takes."""
    index = index % (2 * length)
    return np.minimum(index, 2 * length - 1 - index)


def keep_part(grid: Grid, foreground: np.ndarray) -> list[Place]:
    """The tiles that may hold part, by `foreground` [H, W] in 0..1 at the grid's shape; all where none seems to."""
    margins = [round(MARGIN * side) for side in grid.tile]
    kept = []
    for top, left in grid.places:
        rows = slice(max(0, top - margins[0]), top + grid.tile[0] + margins[0])
        columns = slice(max(0, left - margins[1]), left + grid.tile[1] + margins[1])
        if foreground[rows, columns].max() >= PART_AT:
            kept.append((top, left))
    return kept or list(grid.places)


def weigh_cells(tile: tuple[int, int]) -> np.ndarray:
    """How much each cell of a tile counts where tiles overlap: 1 inside, less towards the edges, above 0."""
    ramps = [
        np.minimum(1.0, (np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5) / max(1.0, OVERLAP * side))
        for side in tile
    ]
    return (ramps[0][:, None] * ramps[1][None]).astype(np.float32)


def blend_tiles(grid: Grid, places: Sequence[Place], maps: Iterable[np.ndarray], below: np.ndarray) -> np.ndarray:
    """Maps of tiles, [..., h, w] each -> maps of the whole picture, float32 [..., H, W]; `below`, where no tile lies.

    Each is added as it comes, so that no stack of them all is made.
    """
    total = np.zeros(below.shape, np.float32)
    weights, weight = np.zeros(grid.shape, np.float32), weigh_cells(grid.tile)
    for (top, left), values in zip(places, maps):
        there = (..., slice(top, top + grid.tile[0]), slice(left, left + grid.tile[1]))
        rows, columns = weights[there].shape  # fewer than a tile's where the picture is narrower
        total[there] += (weight * values)[..., :rows, :columns]
        weights[there] += weight[:rows, :columns]
    return np.where(weights > 0, total / np.maximum(weights, weight.min()), below).astype(np.float32)


class TiledSession:
    """A session that sees pictures tile by tile. May be shared between threads."""

    def __init__(self, session: Scorer, side: int, tile: tuple[int, int], skip_background: bool) -> None:
        """`side`: see lay_grid; `tile`: (h, w) of the network's maps. `skip_background`: look at the whole first."""
        self._session, self._side, self._tile, self._skips = session, side, tile, skip_background

    def run(self, image: np.ndarray) -> RawMaps:
        """Maps of the whole picture, at the scale of the tiles; the score is the highest of the tiles."""
        grid = lay_grid((image.shape[0], image.shape[1]), self._side, self._tile)
        places, below = list(grid.places), np.zeros((2, *grid.shape), np.float32)  # anomaly map and foreground
        if self._skips and len(places) > 1:
            whole = self._session.run(image)
            below = np.stack([resize_map(whole.anomaly, grid.shape), resize_map(whole.foreground, grid.shape)])
            places = keep_part(grid, below[1])
        judged: list[TileMap] = []

        def judge_tiles() -> Iterator[np.ndarray]:
            for start in range(0, len(places), TOGETHER):
                tiles = [cut_tile(image, grid, place) for place in places[start : start + TOGETHER]]
                for raw in self._session.run_batch(tiles):
                    judged.append(TileMap(*places[len(judged)], raw.anomaly, raw.score))
                    yield np.stack([raw.anomaly, raw.foreground])

        anomaly, foreground = blend_tiles(grid, places, judge_tiles(), below)
        return RawMaps(anomaly, foreground, max(tile.score for tile in judged), tiles=tuple(judged))

    def run_batch(self, images: Sequence[np.ndarray]) -> list[RawMaps]:
        """One picture after the other: the tiles of each go through the network together."""
        return [self.run(image) for image in images]


def tiled(session: Scorer, side: int, tile: tuple[int, int], skip_background: bool) -> Scorer:
    """The session, or tiles of `side` px on top of it; 0: whole pictures. Raises SettingError for a side below 64."""
    if side == 0:
        return session
    if side < LEAST:
        raise SettingError(f"tiles are {side} px: give {LEAST} or more, or 0 for whole pictures.")
    return TiledSession(session, side, tile, skip_background)


def as_trained(session: Scorer, manifest: Mapping[str, Any], side: int | None = None) -> Scorer:
    """The session as a model of that manifest judges: whole or in its tiles; or in tiles of `side`, 0: whole."""
    height, width = manifest.get("input_shape", (256, 256))
    side = manifest.get("tile_px", 0) if side is None else side
    return tiled(session, side, (int(height), int(width)), skips_background(manifest))


def skips_background(manifest: Mapping[str, Any]) -> bool:
    """Whether a model of that manifest leaves out tiles of background alone: where it knows of a background."""
    return bool(manifest.get("gate", {}).get("accepted", False))
