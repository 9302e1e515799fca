"""The two-network way: a detector that knows no background, and a network of its own that finds the part, multiplied.

The mask network has what BAAD's mask head has: the PDN's features, a neck, the trunk and the head of the same widths,
the same masks of the training pictures as target, the same batches with the same changes of the background. It shares
nothing with the detector and is trained by itself. The product is a plain one: BAAD's margin around the part is for a
discriminator that has learnt to leave the background alone, and would let these detectors speak on a rim of it.
"""

import numpy as np
import torch
from torch import Tensor, nn

from baad.baselines.baseline import Baseline, resize_one
from baad.baselines.training import Schedule, train_network
from baad.data.geometry import resize_map
from baad.learn.batches import Batch, BatchPlan, Material, draw_batch
from baad.learn.losses import mask_loss
from baad.learn.mtrs import MaskHead, Trunk, see_part
from baad.learn.network import SIZES
from baad.learn.pdn import Pdn
from baad.learn.precision import autocast
from baad.progress import Progress
from baad.runtime.session import RawMaps
from baad.settings import TrainSettings

RATE = 2e-3
SHARE = 0.4  # of the minutes that a detector gets: a step costs less, so that it makes about as many


class MaskNetwork(nn.Module):
    """Images [B, 3, H, W] in 0..1 -> logits that a cell is part, [B, 1, H / 4, W / 4]. The PDN is frozen."""

    def __init__(self, pdn: Pdn, size: str) -> None:
        super().__init__()
        shape = SIZES[size].mtrs
        self.pdn = pdn
        self.neck = nn.Conv2d(pdn.head.out_channels, shape.neck, 1)
        self.trunk = Trunk(shape)
        self.head = MaskHead(shape.up[1], shape.neck, shape.mask)

    def train(self, mode: bool = True) -> "MaskNetwork":
        super().train(mode)
        self.pdn.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            features = self.pdn(images)  # [B, C, H / 4, W / 4]
        return see_part(features, self.neck, self.trunk, self.head)


def train_mask_network(
    pdn: Pdn, material: Material, plan: BatchPlan, settings: TrainSettings, progress: Progress
) -> tuple[MaskNetwork, int]:
    """Train a mask network on BAAD's own batches; with how many steps that took."""

    def loss_of(batch: Batch) -> Tensor:
        with autocast():
            logits = network(batch.corrupted)
        return mask_loss(logits.float(), batch.mask_target)

    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        network = MaskNetwork(pdn, settings.size)
        schedule = Schedule(settings.steps, SHARE * settings.minutes, RATE)
        steps = train_network(
            network, lambda step: draw_batch(material, plan, step), loss_of, schedule, progress, "mask network"
        )
    return network, steps


class Masked:
    """A fitted detector and a mask network: the map of the one times the probability of part of the other.

    The map is counted from `least`, its lowest value in normal pictures, so that a product lowers it.
    """

    def __init__(self, detector: Baseline, network: MaskNetwork, shape: tuple[int, int], least: float) -> None:
        self._detector, self._network, self._shape, self._least = detector, network, shape, least

    def score(self, picture: np.ndarray) -> RawMaps:
        """Picture uint8 [H, W, 3] -> the detector's map, multiplied, and the probability of part at its size."""
        maps = self._detector.score(picture)
        with torch.no_grad():
            part = torch.sigmoid(self._network(resize_one(picture, self._shape)))[0, 0].numpy()  # [h, w]
        part = resize_map(part, (maps.anomaly.shape[0], maps.anomaly.shape[1]))
        anomaly = (maps.anomaly - self._least) * part
        return RawMaps(anomaly, part, self._detector.pool(anomaly), maps.reconstruction)
