"""The graph that the line runs: uint8 picture in, raw anomaly map, foreground and score out.

Resizing, scaling and smoothing lie inside, so that no user can get them wrong. Thresholds do not: they live in the
calibration beside the graph and can be changed without it.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.learn.blocks import fold_batch_norms
from baad.learn.mtrs import unfold
from baad.learn.network import Baad

TOP_CELLS = 16  # of 128x128: the image score is the mean of the highest
SMOOTHING = 1.0  # standard deviation in cells of the 128x128 map, 2 px at 256
MARGIN = 3  # cells of the 64x64 mask by which the part is widened before the background is damped
FLOOR = 1e-3  # of the foreground probability, so that nothing is damped away for good


class DeployGraph(nn.Module):
    """Pictures uint8 [B, H, W, 3], any H and W -> (anomaly_map, foreground, pred_score, reconstruction).

    anomaly_map float32 [B, h, w]: raw logits after damping; foreground float32 [B, h, w] in 0..1; pred_score float32
    [B]; reconstruction uint8 [B, h, w, 3]. (h, w) is the `input_shape` at which the network sees every picture.
    """

    kernel: Tensor

    def __init__(self, model: Baad, input_shape: tuple[int, int], suppression: float) -> None:
        super().__init__()
        self.model: Baad = fold_batch_norms(copy.deepcopy(model).eval())  # type: ignore[assignment]
        self.input_shape = input_shape
        self.suppression = suppression if model.mask_head else 0.0
        self.register_buffer("kernel", gaussian_kernel(SMOOTHING), persistent=False)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images = pictures.permute(0, 3, 1, 2).float()  # [B, 3, H, W]
        size = self.input_shape
        images = F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True) / 255.0
        outputs = self.model(images)
        foreground = torch.sigmoid(outputs.foreground_logits)  # [B, 1, 64, 64]
        if not self.model.mask_head:
            foreground = torch.ones_like(foreground)
        smooth = smooth_map(outputs.anomaly_logits, self.kernel)  # [B, 1, 128, 128]
        raw = damp_background(smooth, foreground, self.suppression) if self.suppression > 0 else smooth
        score = torch.topk(raw.flatten(1), TOP_CELLS, dim=1).values.mean(dim=1)  # [B]
        anomaly_map = F.interpolate(raw, size=size, mode="bilinear", align_corners=False)[:, 0]
        foreground = F.interpolate(foreground, size=size, mode="bilinear", align_corners=False)[:, 0]
        rebuilt = (unfold(outputs.picture) * 255.0).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        return anomaly_map, foreground, score, rebuilt


def smooth_map(logits: Tensor, kernel: Tensor) -> Tensor:
    """Gaussian mean over the cells that exist: nothing beyond the edge is taken for a logit of 0. [B, 1, h, w]."""
    reach = kernel.shape[-1] // 2
    inside = torch.ones_like(logits[:1])
    return F.conv2d(logits, kernel, padding=reach) / F.conv2d(inside, kernel, padding=reach)


def damp_background(logits: Tensor, foreground: Tensor, strength: float) -> Tensor:
    """Lower the logits [B, 1, 2h, 2w] where the part is not: logits + strength * log(probability of part).

    On logits, a sum stands for the product of probabilities without its ties. The part is widened by a margin first,
    so that what sticks out of it or lies across its contour keeps its score (METHOD C7). foreground: [B, 1, h, w].
    """
    widened = F.max_pool2d(foreground, 2 * MARGIN + 1, 1, MARGIN)
    damping = strength * torch.log(widened * (1.0 - FLOOR) + FLOOR)  # [B, 1, h, w], at most 0
    return logits + F.interpolate(damping, scale_factor=2.0, mode="bilinear", align_corners=False)


def gaussian_kernel(sigma: float) -> Tensor:
    """[1, 1, K, K], summing to 1, reaching three deviations."""
    reach = max(1, round(3 * sigma))
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    return (line[:, None] * line[None] / line.sum() ** 2)[None, None]
