"""Whether the network sees pictures tile by tile, and what it then sees in training: each tile, and each whole."""

from collections.abc import Sequence

import numpy as np

from baad.data.decode import read_image
from baad.data.geometry import LONGEST, resize_image, resize_map
from baad.data.sample import GoodImage
from baad.progress import Progress
from baad.runtime.tiles import LEAST, cut_tile, keep_part, lay_grid

SQUASHED = 1.25  # times wider or narrower than the network sees it: such a picture no longer looks alike
FEW = 0.1  # share of such pictures that whole pictures are kept for
TILE = 0.8  # of the middle picture's side: two by two of them cover it, if it is a square
LIMIT = 3000  # views, 590 MB at 256 x 256 px; of larger ones as many as take no more, but some of each picture


def choose_tile(shapes: Sequence[tuple[int, int]], seen: tuple[int, int], has_background: bool) -> int:
    """Side in px of the tiles for pictures of `shapes` (H, W) that the network would see at the shape `seen`; 0: whole.

    Where no background was found and the pictures' aspects vary, many would be squashed, the same texture each time in
    another way: tiles keep the aspect, and are somewhat smaller than the middle picture (docs/decisions/012), at most
    as wide as its shorter side, lest much of a tile be mirrored. Pictures that are all alike, but longer than the
    network sees any, stay whole; under 256 x 256 px the network's shape is too coarse to tell all of them, and some are
    cut. Where there is a background the part as a whole tells what is background, and pictures stay whole.
    """
    usual = float(np.median([width / height for height, width in shapes]))
    common = usual if max(usual, 1.0 / usual) > LONGEST else seen[1] / seen[0]
    squash = np.array([width / height / common for height, width in shapes])
    if has_background or np.mean(np.maximum(squash, 1.0 / squash) > SQUASHED) <= FEW:
        return 0
    middle = float(np.median([np.sqrt(height * width) for height, width in shapes]))
    shorter = float(np.median([min(shape) for shape in shapes]))
    return max(LEAST, round(min(TILE * middle, shorter)))


def tell_mirrored(shapes: Sequence[tuple[int, int]], side: int) -> str:
    """What is wrong with tiles of `side` px, which the user asked for, for pictures of `shapes` (H, W); or nothing."""
    middle = float(np.median([np.sqrt(height * width) for height, width in shapes]))
    if side <= middle:
        return ""
    return (
        f"tile_px is {side}, more than the pictures have ({middle:.0f} px a side in the middle): most of a tile will "
        "be their mirror image, and each takes the memory of a whole one. tile_px=0 sees pictures whole"
    )


def cut_views(
    images: Sequence[GoodImage],
    wholes: np.ndarray,
    parts: np.ndarray | None,
    side: int,
    rng: np.random.Generator,
    progress: Progress,
    limit: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Tiles of the pictures' files at the network's size -> uint8 [V, h, w, 3], and where part is, bool [V, h, w].

    wholes: the same pictures as the network sees them whole, uint8 [N, h, w, 3]; `side`: as for lay_grid. parts: where
    part is in the wholes, bool [N, h, w], or None where that is not known. Then all of a tile counts as part; else the
    tiles without any are left out, as on the line, and the wholes are views too, for it looks at those first. Of
    pictures with more than their share of `limit` some tiles are drawn, at least one; None: what memory holds.
    """
    shape = (wholes.shape[1], wholes.shape[2])
    most = max(1, (limit or limit_views(shape)) // len(images) - (parts is not None))
    room = len(images) * (most + (parts is not None))  # what is not filled takes no memory
    views, masks, count = np.empty((room, *shape, 3), np.uint8), np.empty((room, *shape), bool), 0
    with progress.task("cutting tiles", len(images)) as task:
        for number, image in enumerate(images):
            picture = read_image(image.path)
            grid = lay_grid((picture.shape[0], picture.shape[1]), side, shape)
            share = np.ones(grid.shape, np.float32)
            places = list(grid.places)
            if parts is not None:
                share = resize_map(parts[number], grid.shape)
                places = keep_part(grid, share)
                if len(grid.places) > 1:
                    views[count], masks[count] = wholes[number], parts[number]
                    count += 1
            for index in np.sort(rng.permutation(len(places))[:most]):
                views[count] = resize_image(cut_tile(picture, grid, places[index]), shape)
                masks[count] = cut_cells(share, shape, places[index]) > 0.5
                count += 1
            task.advance()
    return views[:count], masks[:count]


def limit_views(shape: tuple[int, int]) -> int:
    """How many views of `shape` (h, w) are kept in memory at most."""
    return max(1, min(LIMIT, LIMIT * 256**2 // (shape[0] * shape[1])))


def cut_cells(values: np.ndarray, tile: tuple[int, int], place: tuple[int, int]) -> np.ndarray:
    """The cells of a tile, [h, w] of a map [H, W]; mirrored where the map is narrower than a tile."""
    cells = values[place[0] : place[0] + tile[0], place[1] : place[1] + tile[1]]
    missing = [(0, side - have) for side, have in zip(tile, cells.shape)]
    return np.pad(cells, missing, mode="symmetric")
