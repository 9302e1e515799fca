"""Antialiased resizing as matrix products: what every runtime computes alike.

ONNX has an operator for it, but not every runtime heeds its `antialias` (OpenVINO 2026.4 reads the attribute and drops
it: maps of a 1920x1080 picture then differ by a quarter of their range). Products of matrices leave nothing to heed.
"""

import torch
from torch import Tensor, nn

BANDS = 32  # groups of neighbouring rows; each is made from its own stretch of the picture, not from all of it
FAR = 1e6  # px: where a row counts that does not exist


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
        x = resize_rows(pictures.reshape(batch, height, 3 * width), self.rows) / 255.0  # [B, h, W * 3]
        x = x.transpose(1, 2).reshape(batch, width, 3 * h)
        x = resize_rows(x, self.columns).transpose(1, 2)  # [B, 3 * h, w]
        return x.reshape(batch, 3, h, w)


def resize_rows(x: Tensor, centres: Tensor) -> Tensor:
    """Rows [B, N, M] -> float32 [B, n, M], each a mean of its neighbours weighted by their nearness (a triangle).

    centres [bands, n / bands]: of the new rows, as shares of the picture. A triangle reaches as far as a new row is
    high, or one old row where those are higher.
    """
    batch, length, width = x.shape
    bands, new = centres.shape[0], centres.numel()
    total = torch.scalar_tensor(length, dtype=torch.float32)
    reach = torch.clamp(total / new, min=1.0)
    middle = centres * total  # [bands, n / bands] in old rows
    stretch = (length + bands - 1) // bands + 2 * ((length + new - 1) // new) + 2  # old rows that a band needs
    place = torch.floor(middle[:, :1] - reach) + torch.arange(stretch, dtype=torch.float32)  # [bands, stretch]
    existing = torch.clamp(place, min=0.0).minimum(total - 1.0)
    place = place + (place - existing) * FAR
    weights = torch.relu(1.0 - ((place[:, None] + 0.5 - middle[:, :, None]) / reach).abs())
    weights = weights / weights.sum(dim=2, keepdim=True)  # [bands, n / bands, stretch]
    taken = x.index_select(1, existing.long().flatten()).reshape(batch, bands, stretch, width)
    return torch.matmul(weights, taken.float()).reshape(batch, new, width)


def _centres(size: int) -> Tensor:
    """Centres of `size` rows as shares of their picture: [BANDS, size / BANDS] in 0..1."""
    return ((torch.arange(size, dtype=torch.float32) + 0.5) / size).reshape(BANDS, size // BANDS)
