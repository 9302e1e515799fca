"""What is usual at each place of the picture: where cameras and parts stand still, a high value may be usual there.

The anomaly map is measured by the mean and the deviation that normal pictures show around each place, as PaDiM's
distance is (Defard et al. 2021, section 3), but on one map instead of on features. Where parts lie anywhere, all places
are alike, and it changes nothing.
"""

import cv2
import numpy as np
import torch
from torch import Tensor, nn

AROUND = 4.0  # standard deviation of what counts as around a place, in cells of the anomaly map
LEAST = 10  # pictures; fewer do not tell what is usual
RANGE = (0.25, 4.0)  # of a place's deviation, as a share of the middle one's, that counts


class Places(nn.Module):
    """Maps [B, 1, h, w] -> (map - centre) * gain, place by place; unchanged until `set`."""

    centre: Tensor
    gain: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(1, 1, 1, 1))
        self.register_buffer("gain", torch.ones(1, 1, 1, 1))

    @property
    def known(self) -> bool:
        """Whether anything is usual anywhere."""
        return self.centre.numel() > 1

    def forward(self, maps: Tensor) -> Tensor:
        return (maps - self.centre) * self.gain

    def set(self, maps: np.ndarray) -> None:
        """Learn what is usual from anomaly maps float32 [N, h, w] of normal pictures; nothing from fewer than 10."""
        if len(maps) >= LEAST:
            centre, gain = find_usual(maps)
            self.centre, self.gain = (torch.from_numpy(each)[None, None] for each in (centre, gain))


def find_usual(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maps float32 [N, h, w] -> centre and gain, float32 [h, w] each.

    The gain is the square root of the middle deviation over the place's: half the way to maps that deviate alike
    everywhere, since few pictures do not tell deviations well.
    """
    centre = _smooth(maps.mean(axis=0))
    deviation = np.sqrt(_smooth(((maps - centre) ** 2).mean(axis=0)))
    middle = max(float(np.median(deviation)), 1e-6)
    return centre, 1.0 / np.sqrt(np.clip(deviation / middle, *RANGE))


def _smooth(field: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(field.astype(np.float32), (0, 0), AROUND)
