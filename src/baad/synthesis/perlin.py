"""Gradient noise (Perlin 1985): smooth random fields of any size, from which masks and textures are cut."""

import numpy as np


def perlin_noise(shape: tuple[int, int], cells: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A smooth random field, float32 [H, W] in -1..1, with `cells` (rows, columns) hills and hollows.

    It repeats: the left edge continues the right one, the top the bottom. Any shape and any number of cells from 1.
    """
    turn = rng.uniform(0.0, 2 * np.pi, cells)
    slope_y, slope_x = np.sin(turn).astype(np.float32), np.cos(turn).astype(np.float32)  # [cy, cx]
    row, along_y = _grid(shape[0], cells[0])
    column, along_x = _grid(shape[1], cells[1])
    height, width = _ease(along_y)[:, None], _ease(along_x)  # weight of the corners below, and of those to the right
    next_row, next_column = (row + 1) % cells[0], (column + 1) % cells[1]
    upper, lower = along_y[:, None], along_y[:, None] - 1
    rise = slope_y[row] * upper * (1 - height) + slope_y[next_row] * lower * height  # [H, cx], what rows contribute
    tilt = slope_x[row] * (1 - height) + slope_x[next_row] * height  # [H, cx]
    left = rise.take(column, axis=1) + tilt.take(column, axis=1) * along_x
    right = rise.take(next_column, axis=1) + tilt.take(next_column, axis=1) * (along_x - 1)
    noise = left + (right - left) * width  # at most sqrt(1/2) away from 0
    return np.clip(noise * np.float32(np.sqrt(2.0)), -1.0, 1.0)


def fractal_noise(
    shape: tuple[int, int], cells: tuple[int, int], octaves: int, rng: np.random.Generator, rough: float = 0.5
) -> np.ndarray:
    """Noise on noise of ever finer cells, each octave `rough` times as strong. float32 [H, W] in -1..1."""
    total, weight, sum_of_weights = np.zeros(shape, np.float32), 1.0, 0.0
    for octave in range(octaves):
        finer = (cells[0] << octave, cells[1] << octave)
        total += np.float32(weight) * perlin_noise(shape, finer, rng)
        sum_of_weights += weight
        weight *= rough
    return total / np.float32(sum_of_weights)


def equalise(field: np.ndarray) -> np.ndarray:
    """Values replaced by their rank, uint8 [H, W]: a share q of the pixels lies below about 255 q."""
    low, high = float(field.min()), float(field.max())
    steps = ((field - np.float32(low)) * np.float32(8191 / max(high - low, 1e-6))).astype(np.intp)  # 8192 levels
    counts = np.bincount(steps.ravel(), minlength=8192)
    rank = (np.cumsum(counts) - counts / 2) / field.size  # [8192], 0..1
    return np.clip(rank * 256, 0, 255).astype(np.uint8)[steps]


def _grid(length: int, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """For each of `length` pixels: the cell it lies in, and how far it is into the cell (0..1)."""
    position = (np.arange(length) + 0.5) * (cells / length)
    cell = np.floor(position)
    return cell.astype(np.intp), (position - cell).astype(np.float32)


def _ease(share: np.ndarray) -> np.ndarray:
    """Perlin's improved fade (2002): first and second derivative are 0 at both ends."""
    return share * share * share * (share * (share * 6.0 - 15.0) + 10.0)
