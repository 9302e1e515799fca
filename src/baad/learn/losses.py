"""What training asks of the network: one function a term; `baad_loss` adds them with their weights.

Terms and weights started from those of a prototype, found by hand; the paper's stand under `plain`.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from baad.learn.batches import Batch
from baad.learn.errors_by_picture import image_error, squared_error
from baad.learn.mtrs import unfold
from baad.learn.network import Outputs
from baad.settings import TrainSettings

BACKGROUND_WEIGHT = 0.2  # of the reconstruction, where the background was left as it is; 0 where it was replaced
BORDER_CELLS = 2  # rows and columns at the image's edge that zero padding disturbs: 8 px
BORDER_WEIGHT = 0.3
SEAM = 3  # px along the outline that a change of the background may touch
PLAIN = 40.0  # grey levels by which a defect pixel differs when it is plain to see


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts."""

    image: float = 1.0
    feature: float = 0.5
    mask: float = 0.5
    focal: float = 5.0
    dice: float = 0.5
    invariance: float = 0.0
    plain: bool = False  # squared error and SSIM for the picture, focal loss for the mask (as IFgNet)


def loss_weights(settings: TrainSettings) -> LossWeights:
    """What the settings say of the loss. A head that is switched off is not taught either."""
    weights = LossWeights()
    if settings.losses == "plain":
        weights = LossWeights(image=1.0, feature=1.0, mask=1.0, focal=1.0, dice=0.0, plain=True)
    return replace(
        weights,
        image=weights.image * settings.image_head,
        feature=weights.feature * settings.feature_head,
        mask=weights.mask * settings.mask_head,
        invariance=settings.invariance,
    )


@dataclass(frozen=True)
class LossParts:
    """The terms before weighting, and their weighted sum. All scalars []."""

    total: Tensor
    image: Tensor
    feature: Tensor
    mask: Tensor
    anomaly: Tensor
    invariance: Tensor


def baad_loss(
    outputs: Outputs,
    batch: Batch,
    clean_features: Tensor,
    weights: LossWeights,
    with_anomaly: bool,
    elsewhere: Tensor | None = None,
) -> LossParts:
    """All terms of one step. `clean_features` [B, C, 64, 64]: the PDN's of `batch.clean`.

    `with_anomaly` is False in the first part of training, when only the reconstruction learns. `elsewhere`: the
    anomaly logits [B, 1, 128, 128] of `batch.elsewhere`, where there is one.
    """
    weight = reconstruction_weight(batch)  # [B, 1, 256, 256]
    if weights.plain:
        rebuilt = unfold(outputs.picture.float())
        image = F.mse_loss(rebuilt, batch.clean) + 1.0 - ssim(rebuilt, batch.clean)
    else:
        image = image_loss(outputs.picture, batch.clean, weight)
    cell_weight = F.avg_pool2d(weight, 4)  # [B, 1, 64, 64]
    feature = feature_loss(outputs.rebuilt_features, clean_features, cell_weight)
    seen = outputs.foreground_logits.float()
    mask = focal_loss(seen, batch.mask_target) if weights.plain else mask_loss(seen, batch.mask_target)
    invariance = torch.zeros(())
    if with_anomaly:
        logits = outputs.anomaly_logits.float()
        target = F.avg_pool2d(defect_target(batch), 2)  # [B, 1, 128, 128]
        anomaly = weights.focal * focal_loss(logits, target) + weights.dice * dice_loss(logits, target)
        if elsewhere is not None:
            invariance = invariance_loss(logits, elsewhere.float(), batch.foreground, batch.defect)
    else:
        anomaly = torch.zeros(())
    total = weights.image * image + weights.feature * feature + weights.mask * mask + anomaly
    if weights.invariance > 0:
        total = total + weights.invariance * invariance
    return LossParts(total, image.detach(), feature.detach(), mask.detach(), anomaly.detach(), invariance.detach())


def invariance_loss(logits: Tensor, elsewhere: Tensor, foreground: Tensor, defect: Tensor) -> Tensor:
    """How much the answer depends on the background: mean |difference| on the part, mean softplus off it.

    logits, elsewhere: [B, 1, h, w] of the same pictures on two backgrounds; foreground, defect: [B, 1, 2h, 2w], 0 or 1.
    Pixels along the outline, which a change of the background may touch, and defects that stick out do not count.
    """
    inside = F.avg_pool2d(-F.max_pool2d(-foreground, 2 * SEAM + 1, 1, SEAM), 2) >= 1.0  # [B, 1, h, w]
    marked = F.max_pool2d(torch.maximum(foreground, defect), 2 * SEAM + 1, 1, SEAM)
    outside = F.avg_pool2d(marked, 2) <= 0.0
    differing = ((logits - elsewhere).abs() * inside).sum() / inside.sum().clamp(min=1)
    crying = (F.softplus(elsewhere) * outside).sum() / outside.sum().clamp(min=1)
    return differing + crying


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """Mean structural similarity of images [B, C, H, W] in 0..1 (Wang et al. 2004): 11x11 Gaussian of deviation 1.5."""
    channels = first.shape[1]
    line = torch.exp(-0.5 * (torch.arange(-5, 6, device=first.device) / 1.5) ** 2)
    window = (line[:, None] * line[None] / line.sum() ** 2).expand(channels, 1, 11, 11)

    def blur(images: Tensor) -> Tensor:
        return F.conv2d(images, window, groups=channels)

    one, other = blur(first), blur(second)
    spread_one, spread_other = blur(first**2) - one**2, blur(second**2) - other**2
    together = blur(first * second) - one * other
    likeness = (2 * one * other + 0.01**2) * (2 * together + 0.03**2)
    return (likeness / ((one**2 + other**2 + 0.01**2) * (spread_one + spread_other + 0.03**2))).mean()


def defect_target(batch: Batch) -> Tensor:
    """How sure each pixel is a defect, [B, 1, H, W] in 0..1: fully from `PLAIN` levels of difference, less below.

    A faint mark is nearly a normal surface, and normal surfaces have faint marks: to call it a sure defect teaches
    the network to cry out at them.
    """
    difference = (batch.corrupted - batch.clean).abs().amax(dim=1, keepdim=True)  # [B, 1, H, W]
    return batch.defect * (difference * (255.0 / PLAIN)).clamp(max=1.0)


def reconstruction_weight(batch: Batch) -> Tensor:
    """Weight per pixel [B, 1, H, W]: 1 on the part, less on the background, 0 where that was replaced."""
    weight = BACKGROUND_WEIGHT + (1.0 - BACKGROUND_WEIGHT) * batch.foreground
    return weight * (1.0 - batch.replaced)


def image_loss(picture: Tensor, clean: Tensor, weight: Tensor) -> Tensor:
    """Weighted 3 L2 + L1 of a folded picture [B, 12, H / 2, W / 2] and images [B, 3, H, W] in 0..1; weight
    [B, 1, H, W]."""
    per_pixel = image_error(picture, clean)  # [B, 1, H, W]
    return (per_pixel * weight).sum() / weight.sum().clamp(min=1.0)


def feature_loss(rebuilt: Tensor, clean: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean squared error of features [B, C, h, w], plus half the mean of its worst hundredth.

    The worst cells count again so that rare details of normal parts are learnt (Batzner et al. 2023, section 3.2,
    hard feature loss). weight: [B, 1, h, w].
    """
    frame = torch.full(rebuilt.shape[-2:], BORDER_WEIGHT, device=rebuilt.device)
    frame[BORDER_CELLS:-BORDER_CELLS, BORDER_CELLS:-BORDER_CELLS] = 1.0
    error = squared_error(rebuilt, clean) * weight * frame  # [B, 1, h, w]
    worst = torch.topk(error.flatten(), max(1, error.numel() // 100)).values
    return error.sum() / weight.sum().clamp(min=1.0) + 0.5 * worst.mean()


def mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy with the part's mask; cells that the contour crosses do not count.

    logits [B, 1, h, w]; target [B, 1, h, w]: share of the cell that is part.
    """
    certain = ((target < 0.05) | (target > 0.95)).float()
    per_cell = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (per_cell * certain).sum() / certain.sum().clamp(min=1.0)


def focal_loss(logits: Tensor, target: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin et al. 2017, equation 4) with soft targets in 0..1, mean over all cells. Both [B, 1, h, w]."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    wrong = (torch.sigmoid(logits) - target).abs()
    return (wrong**gamma * cross_entropy).mean()


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """1 - Dice overlap of the whole batch (Milletari et al. 2016). Both [B, 1, h, w]."""
    found = torch.sigmoid(logits)
    overlap = 2.0 * (found * target).sum() + 1.0
    return 1.0 - overlap / (found.sum() + target.sum() + 1.0)
