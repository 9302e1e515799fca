"""Where an alarm lies: on the part, on the band around its outline, or on the background."""

from dataclasses import dataclass

import numpy as np

BORDER_SHARE = 5 / 256  # half width of the band as a share of the picture's side: 5 px at 256


@dataclass(frozen=True)
class ZoneShares:
    """Shares of the alarmed area. They sum to 1, or are all 0 without alarm."""

    part: float
    border: float
    background: float


def share_alarm(alarmed: np.ndarray, foreground: np.ndarray, border_px: int) -> ZoneShares:
    """Split the alarmed area between part, border band and background.

    alarmed, foreground: bool [H, W]. A pixel belongs to the border when the square of `border_px` around it holds
    both part and background; the edge of the picture is no outline.
    """
    if alarmed.shape != foreground.shape:
        raise ValueError(f"alarmed is {alarmed.shape} but foreground is {foreground.shape}")
    rows, columns = np.flatnonzero(alarmed.any(axis=1)), np.flatnonzero(alarmed.any(axis=0))
    if rows.size == 0:
        return ZoneShares(part=0.0, border=0.0, background=0.0)
    near = (
        slice(max(0, int(rows[0]) - border_px), int(rows[-1]) + border_px + 1),
        slice(max(0, int(columns[0]) - border_px), int(columns[-1]) + border_px + 1),
    )
    alarmed = alarmed[near]
    part, background = (int(np.count_nonzero(alarmed & zone)) for zone in mark_zones(foreground[near], border_px))
    return shares_of(int(np.count_nonzero(alarmed)), part, background)


def mark_zones(foreground: np.ndarray, border_px: int) -> tuple[np.ndarray, np.ndarray]:
    """bool [H, W] -> what is surely part and what is surely background, bool [H, W] each; the rest is border."""
    return ~widen(~foreground, border_px), ~widen(foreground, border_px)


def shares_of(area: int, part: int, background: int) -> ZoneShares:
    """Pixels of an alarm, above 0, and how many of them lie on part and background -> shares."""
    return ZoneShares(part / area, (area - part - background) / area, background / area)


def border_width(shape: tuple[int, int]) -> int:
    """Half width in px of the border band for a picture of `shape` (H, W)."""
    return max(1, round(BORDER_SHARE * float(np.sqrt(shape[0] * shape[1]))))


def widen(mask: np.ndarray, margin: int) -> np.ndarray:
    """Grow a bool [H, W] by `margin` px in all eight directions -> bool [H, W]. Outside the picture is nothing."""
    if margin == 0:
        return mask.copy()
    for _ in range(2):  # columns, then rows
        mask = _widen_columns(mask, margin).T
    return mask


def _widen_columns(mask: np.ndarray, margin: int) -> np.ndarray:
    padded = np.pad(mask, ((0, 0), (margin, margin)))
    covered, wanted = 1, 2 * margin + 1
    while covered < wanted:  # padded[:, i] says whether any of `covered` pixels from i on is set
        step = min(covered, wanted - covered)
        padded = padded[:, :-step] | padded[:, step:]
        covered += step
    return padded
