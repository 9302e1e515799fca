"""Resizing and smoothing as matrix products: what every runtime computes alike.

ONNX has an operator for resizing, but not every runtime heeds its `antialias` (OpenVINO 2026.4 reads the attribute and
drops it: maps of a 1920x1080 picture then differ by a quarter of their range). Products of matrices leave nothing to
heed. Places are whole numbers, so that runtimes which compute in bfloat16 or float16 find the same rows.
"""

import torch
from torch import Tensor, nn

BANDS = 32  # groups of neighbouring rows; each is made from its own stretch of the picture, not from all of it


class Resizing(nn.Module):
    """Pictures uint8 [B, H, W, 3], any H and W -> float32 [B, 3, h, w] in 0..1, bilinear with antialiasing.

    Gives what `F.interpolate(..., mode="bilinear", antialias=True)` gives. h and w are multiples of 32.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("rows", _centres(shape[0]), persistent=False)
        self.register_buffer("columns", _centres(shape[1]), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        batch, height, width, _ = pictures.shape
        h, w = self.shape
        x = resize_rows(pictures.reshape(batch, height, 3 * width), self.rows, 255)  # [B, h, W * 3]
        x = x.transpose(1, 2).reshape(batch, width, 3 * h)
        x = resize_rows(x, self.columns).transpose(1, 2)  # [B, 3 * h, w]
        return x.reshape(batch, 3, h, w)


def resize_rows(x: Tensor, centres: Tensor, white: int = 1) -> Tensor:
    """Rows [B, N, M] -> float32 [B, n, M], each a mean of its neighbours weighted by their nearness (a triangle).

    `white` becomes 1.

    centres: int [bands, n / bands], twice the place of each new row's centre among the new rows: 1, 3, 5, ... A
    triangle reaches as far as a new row is high, or one old row where those are higher. Lengths below are in units of
    which an old row has 2 n and a new one 2 N.
    """
    batch, length, width = x.shape
    bands, new = centres.shape[0], centres.numel()
    middle = centres * length  # [bands, n / bands]
    reach = 2 * torch.sym_max(length, new)
    needed = (length + bands - 1) // bands + 2 * ((length + new - 1) // new) + 2  # old rows, for a band
    stretch = torch.sym_min(length, needed)
    first = torch.div(middle[:, :1] - reach, 2 * new, rounding_mode="trunc").clamp(0, length - stretch)
    place = first + torch.arange(stretch)  # [bands, stretch]
    distance = (new * (2 * place[:, None] + 1) - middle[:, :, None]).abs()  # [bands, n / bands, stretch]
    weights = torch.clamp(reach - distance, min=0).float()
    weights = weights / (weights.sum(dim=2, keepdim=True) * white)
    taken = x.index_select(1, place.flatten()).reshape(batch, bands, stretch, width)
    return torch.matmul(weights, taken.float()).reshape(batch, new, width)


def _centres(size: int) -> Tensor:
    """1, 3, 5, ... for `size` rows, int [BANDS, size / BANDS]."""
    return (2 * torch.arange(size) + 1).reshape(BANDS, size // BANDS)


class Spreading(nn.Module):
    """Maps [B, 1, h, w] -> [B, 1, H, W]: every new cell a fixed mean of old ones, rows [H, h] and columns [W, w] apart.

    Runtimes compute 16 channels at a time: resizing or convolving a map of one is dear, the products are not.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, rows: Tensor, columns: Tensor) -> None:
        super().__init__()
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns.T.contiguous(), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        return self.rows @ maps @ self.columns


def enlarging(cells: int, times: int = 2, offset: float = 0.0) -> Tensor:
    """Weights [times * cells, cells] of cells between neighbours, as `F.interpolate(..., mode="bilinear")` has them.

    `offset`: so many cells further on lies what belongs to a place; the last cell stands for those beyond.
    """
    place = ((torch.arange(times * cells) + 0.5) / times - 0.5 + offset).clamp(0.0, cells - 1.0)
    return torch.clamp(1.0 - (place[:, None] - torch.arange(cells)).abs(), min=0.0)


def smoothing(cells: int, sigma: float) -> Tensor:
    """Weights [cells, cells] of a Gaussian mean over the cells that exist, no further than three deviations."""
    places = torch.arange(cells)
    apart = (places[:, None] - places).abs()
    weights = torch.exp(-0.5 * (apart / sigma) ** 2) * (apart <= max(1, round(3 * sigma)))
    return weights / weights.sum(dim=1, keepdim=True)
