"""Anomaly map above a threshold -> regions with box, area, peak and zones. Numpy alone: scipy would add 35 MB."""

from dataclasses import dataclass, replace

import numpy as np

from baad.verdict.drawn import RULES, Rule
from baad.verdict.zones import ZoneShares, mark_zones, shares_of

ON_PART = ZoneShares(part=1.0, border=0.0, background=0.0)


@dataclass(frozen=True)
class Region:
    """One connected place that stands out."""

    box: tuple[int, int, int, int]  # x0, y0, x1, y1 in px of the picture; x1 and y1 lie just outside
    area_px: int
    peak: float  # highest value of the anomaly map inside
    zones: ZoneShares = ON_PART  # how much of it lies where
    rule: Rule = "reject"  # of the drawn zone it lies in; no region crosses into another rule's
    below: bool = False  # the pixel threshold: shown because the picture's score is above its own all the same


def find_regions(
    anomaly_map: np.ndarray,
    threshold: float,
    minimum_area: int = 1,
    foreground: np.ndarray | None = None,
    border_px: int = 0,
) -> tuple[Region, ...]:
    """Outline what lies above `threshold`, highest peak first.

    anomaly_map: float [H, W]; foreground: bool [H, W], True on the part, or None where all of it counts as part;
    border_px: half width of the band along its outline. Pixels that touch by side or corner belong together; regions
    of fewer than `minimum_area` px are left out. Rows are cut into runs, runs of neighbouring rows that touch are
    united (He, Chao and Suzuki 2008), all of it in whole-array steps.
    """
    alarmed = anomaly_map > threshold
    rows = np.flatnonzero(alarmed.any(axis=1))
    if rows.size == 0:
        return ()
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    alarmed = alarmed[top:bottom]
    row, start, end = _find_runs(alarmed)  # [R] each
    label = _unite(row.size, *_touching_runs(row, start, end, alarmed.shape[1]))  # [R]
    length = end - start
    peak = np.maximum.reduceat(anomaly_map[top:bottom][alarmed], np.cumsum(length) - length)  # [R]

    order = np.argsort(label, kind="stable")
    first = np.flatnonzero(np.diff(label[order], prepend=-1))  # where each region begins in `order`
    area = np.add.reduceat(length[order], first)
    peak = np.maximum.reduceat(peak[order], first)
    zones = _zones_of_rows(foreground, slice(top, bottom), border_px, alarmed.shape)
    part, background = (
        np.add.reduceat(np.add.reduceat(zone[alarmed], np.cumsum(length) - length, dtype=int)[order], first)
        for zone in zones
    )
    left, right = np.minimum.reduceat(start[order], first), np.maximum.reduceat(end[order], first)
    upper, lower = np.minimum.reduceat(row[order], first) + top, np.maximum.reduceat(row[order], first) + top + 1
    kept = np.flatnonzero(area >= minimum_area)
    kept = kept[np.lexsort((-area[kept], -peak[kept]))]
    columns = (values[kept].tolist() for values in (left, upper, right, lower, area, peak, part, background))
    return tuple(
        Region((x0, y0, x1, y1), size, highest, shares_of(size, on_part, off_part))
        for x0, y0, x1, y1, size, highest, on_part, off_part in zip(*columns)
    )


def find_ruled_regions(
    anomaly_map: np.ndarray,
    threshold: float,
    minimum_area: int,
    foreground: np.ndarray,
    border_px: int,
    rules: np.ndarray,
) -> tuple[Region, ...]:
    """Regions cut where one rule ends and another begins; rules: uint8 [H, W] of places in RULES."""
    found: list[Region] = []
    for code in np.unique(rules):
        inside = np.where(rules == code, anomaly_map, -np.inf)
        regions = find_regions(inside, threshold, minimum_area, foreground, border_px)
        found += [replace(region, rule=RULES[code]) for region in regions]
    return tuple(sorted(found, key=lambda region: -region.peak))


def find_strangest(
    anomaly_map: np.ndarray,
    area_px: int,
    foreground: np.ndarray,
    border_px: int,
    among: np.ndarray | None = None,
) -> Region | None:
    """The place around the highest value: what is connected with it of the `area_px` highest pixels.

    `among`: bool [H, W], where to look, None for everywhere; the rest as for `find_regions`. None where there is no
    place to look.
    """
    values = anomaly_map.astype(np.float32)
    if among is not None:
        values[~among] = -np.inf
    last = np.partition(values, -min(area_px, values.size), axis=None)[-min(area_px, values.size)]
    found = find_regions(values, np.nextafter(last, np.float32(-np.inf)), 1, foreground, border_px)
    return found[0] if found else None


def _zones_of_rows(
    foreground: np.ndarray | None, rows: slice, border_px: int, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Part and background, bool [h, W] each, of some rows; all is part without a foreground."""
    if foreground is None:
        return np.ones(shape, bool), np.zeros(shape, bool)
    above = max(0, rows.start - border_px)
    inside, outside = mark_zones(foreground[above : rows.stop + border_px], border_px)
    wanted = slice(rows.start - above, rows.stop - above)
    return inside[wanted], outside[wanted]


def _find_runs(alarmed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Horizontal runs of a bool [H, W], row by row -> row, start column, end column (exclusive), [R] each."""
    height, width = alarmed.shape
    framed = np.zeros((height, width + 1), bool)  # one empty column keeps the runs of two rows apart
    framed[:, :width] = alarmed
    flat = framed.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        edges = np.concatenate([[0], edges])
    row, start = np.divmod(edges[0::2], width + 1)
    return row, start, start + (edges[1::2] - edges[0::2])


def _touching_runs(row: np.ndarray, start: np.ndarray, end: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of runs in neighbouring rows that share a side or corner -> indices above, indices below, [P] each.

    Runs are sorted, so those which touch one run from below follow one another: two binary searches find them.
    """
    stride = width + 1
    below = (row + 1) * stride
    first = np.searchsorted(row * stride + end, below + start, side="left")
    last = np.searchsorted(row * stride + start, below + end, side="right")
    count = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(row.size), count)
    offset = np.arange(upper.size) - np.repeat(np.cumsum(count) - count, count)
    return upper, first[upper] + offset


def _unite(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Smallest index of the group of each of `count` members, given the pairs that belong together -> [count]."""
    root = np.arange(count)
    while True:
        a, b = root[one], root[other]
        apart = a != b
        if not apart.any():
            return root
        one, other, a, b = one[apart], other[apart], a[apart], b[apart]
        np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(root, further := root[root]):
            root = further
