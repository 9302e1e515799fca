"""The graph that the line runs: uint8 picture in, raw anomaly map, foreground and score out.

Resizing, scaling and smoothing lie inside, so that no user can get them wrong. Thresholds do not: they live in the
calibration beside the graph and can be changed without it.
"""

import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.learn.blocks import fold_batch_norms
from baad.learn.mtrs import unfold
from baad.learn.network import Baad, Outputs
from baad.learn.resizing import Resizing
from baad.runtime.zoned import TOP_CELLS
from baad.settings import TrainSettings

SMOOTHING = 1.0  # standard deviation in cells of the 128x128 map, 2 px at 256
LEAST_ERROR = 1e-6  # of the features, before its logarithm is taken
OUTLINE = 2  # cells of the features inside the part's outline where novelty does not count
RARE = 0.999  # quantile at which novelty and discriminator are made equal


@dataclass(frozen=True)
class Scoring:
    """How the network's outputs become the map; nothing of it is learnt.

    suppression: 1 strict, .5 lenient, 0 off; margin: share of the picture's side; floor: least probability of part;
    anomaly_from: "discriminator" or "features", as in the settings of these names; novelty, feature_error: how much the
    memory and the error of the rebuilt features count beside the discriminator.
    """

    suppression: float = 1.0
    margin: float = 0.047
    floor: float = 1e-3
    anomaly_from: str = "discriminator"
    novelty: float = 0.5
    feature_error: float = 0.0


def scoring_of(settings: TrainSettings, has_foreground: bool = True) -> Scoring:
    """What the settings say of scoring. Where no foreground was found there is nothing to suppress, and no background
    whose features, not to be rebuilt, would raise alarms: there their error counts too (docs/decisions/009).
    """
    return Scoring(
        settings.suppression if has_foreground else 0.0,
        settings.suppression_margin,
        settings.suppression_floor,
        settings.anomaly_from,
        settings.novelty,
        0.0 if has_foreground or not settings.feature_head else settings.feature_error,
    )


class DeployGraph(nn.Module):
    """Pictures uint8 [B, H, W, 3], any H and W -> (anomaly_map, foreground, pred_score, reconstruction).

    anomaly_map float32 [B, h, w]: raw logits after damping; foreground float32 [B, h, w] in 0..1; pred_score float32
    [B]; reconstruction uint8 [B, h, w, 3]. (h, w) is the `input_shape` at which the network sees every picture.
    """

    kernel: Tensor

    def __init__(self, model: Baad, input_shape: tuple[int, int], scoring: Scoring) -> None:
        super().__init__()
        self.model: Baad = fold_batch_norms(copy.deepcopy(model).cpu().eval())  # type: ignore[assignment]
        self.input_shape = input_shape
        self.scoring, self.damps = scoring, model.mask_head and scoring.suppression > 0
        self.resizing = Resizing(input_shape)
        self.adds = scoring.anomaly_from == "discriminator"
        self.register_buffer("kernel", gaussian_kernel(SMOOTHING), persistent=False)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        size = self.input_shape
        outputs = self.model(self.resizing(pictures))
        foreground = torch.sigmoid(outputs.foreground_logits)  # [B, 1, 64, 64]
        if not self.model.mask_head:
            foreground = torch.ones_like(foreground)
        if self.scoring.anomaly_from == "features":
            found = feature_map(outputs.features, outputs.rebuilt_features)
        else:
            found = outputs.anomaly_logits
        raw = smooth_map(found, self.kernel)  # [B, 1, 128, 128]
        if self.adds and self.scoring.novelty > 0:
            novelty = self.scoring.novelty * novelty_map(self.model, outputs, self.kernel)
            raw = raw + (novelty * double(shrink(foreground)) if self.damps else novelty)
        if self.adds and self.scoring.feature_error > 0:
            raw = raw + self.scoring.feature_error * self.model.error_level(error_map(outputs, self.kernel))
        if self.damps:
            raw = damp_background(raw, foreground, self.model.usual, self.scoring)
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


def feature_map(features: Tensor, rebuilt: Tensor) -> Tensor:
    """Logarithm of the mean squared error of the rebuilt features: [B, C, h, w] twice -> [B, 1, 2h, 2w]."""
    error = ((features - rebuilt) ** 2).mean(dim=1, keepdim=True)  # [B, 1, h, w]
    return double(torch.log(error + LEAST_ERROR))


def novelty_map(model: Baad, outputs: Outputs, kernel: Tensor) -> Tensor:
    """What the memory makes of the features, at the size of the anomaly logits and as smooth, [B, 1, 2h, 2w]."""
    return smooth_map(double(double(model.memory(outputs.features))), kernel)


def error_map(outputs: Outputs, kernel: Tensor) -> Tensor:
    """The error of the rebuilt features, at the size of the anomaly logits and as smooth, [B, 1, 2h, 2w]."""
    return smooth_map(feature_map(outputs.features, outputs.rebuilt_features), kernel)


@torch.no_grad()
def level_maps(model: Baad, pictures: np.ndarray) -> None:
    """Give novelty and the error of the features the discriminator's scale: on the part of held-out normal pictures
    uint8 [N, h, w, 3], all reach as far from their median to their .999 quantile (Batzner et al. 2023, section 3.4, for
    maps set to equal quantiles).
    """
    kernel, found = gaussian_kernel(SMOOTHING), []
    for picture in pictures:
        outputs = model(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255.0)
        part = double(shrink(torch.sigmoid(outputs.foreground_logits)))[0, 0] > 0.5  # [2h, 2w]
        discriminator = smooth_map(outputs.anomaly_logits, kernel)
        maps = torch.cat([discriminator, novelty_map(model, outputs, kernel), error_map(outputs, kernel)])[:, 0]
        found.append(maps[:, part] if model.mask_head and part.any() else maps.flatten(1))
    cells = torch.cat(found, dim=1).double().numpy()  # [3, cells]
    usual = np.median(cells, axis=1)
    reach = np.maximum(np.quantile(cells, RARE, axis=1) - usual, 1e-6)
    for index, level in enumerate((model.memory.level, model.error_level), 1):
        level.set(float(usual[index]), float(reach[0] / reach[index]))


def damp_background(logits: Tensor, foreground: Tensor, usual: Tensor, scoring: Scoring) -> Tensor:
    """Lower the logits [B, 1, 2h, 2w] where the part is not: logits + suppression * log(probability of part).

    On logits, a sum stands for the product of probabilities without its ties. Three things keep defects that are not
    on the part as it is seen (METHOD C7): the part is widened by a margin, for what lies across its contour or sticks
    out of it; where the part usually is nothing is damped, for parts that are missing; and no probability counts as
    less than the floor, for what lies beyond. foreground [B, 1, h, w]; usual: the same, or one cell for all.
    """
    margin = round(scoring.margin * foreground.shape[-1])
    widened = F.max_pool2d(foreground, 2 * margin + 1, 1, margin) if margin else foreground
    part = torch.maximum(widened, usual)
    damping = scoring.suppression * torch.log(part * (1.0 - scoring.floor) + scoring.floor)  # [B, 1, h, w], at most 0
    return logits + double(damping)


def shrink(foreground: Tensor) -> Tensor:
    """The part less the cells along its outline, whose patches see the background too: [B, 1, h, w] in 0..1."""
    return -F.max_pool2d(-foreground, 2 * OUTLINE + 1, 1, OUTLINE)


def double(cells: Tensor) -> Tensor:
    """[B, C, h, w] at twice the size, between neighbours."""
    return F.interpolate(cells, scale_factor=2.0, mode="bilinear", align_corners=False)


def gaussian_kernel(sigma: float) -> Tensor:
    """[1, 1, K, K], summing to 1, reaching three deviations."""
    reach = max(1, round(3 * sigma))
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    return (line[:, None] * line[None] / line.sum() ** 2)[None, None]
