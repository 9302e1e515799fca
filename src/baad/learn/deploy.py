"""The graph that the line runs: uint8 picture in, raw anomaly map, foreground and score out.

Resizing, scaling and smoothing lie inside, so that no user can get them wrong. Thresholds do not: they live in the
calibration beside the graph and can be changed without it.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.data.spread import spread_evenly
from baad.learn.blocks import fold_batch_norms
from baad.learn.memory import PICTURES
from baad.learn.network import Baad, Outputs
from baad.learn.pictures import to_image
from baad.learn.resizing import Resizing, Spreading, enlarging, smoothing
from baad.progress import Progress
from baad.runtime.zoned import TOP_CELLS
from baad.settings import TrainSettings

SMOOTHING = 1.0  # standard deviation in cells of the 128x128 map, 2 px at 256
LEAST_ERROR = 1e-6  # of the features, before its logarithm is taken
OUTLINE = 2  # cells of the features inside the part's outline where novelty does not count
LEAST_REACH = 1e-2  # of novelty and error beyond the usual: less is the noise of sums, and would be blown up
RARE = 0.999  # quantile at which novelty and discriminator are made equal
PLACED = 2.0  # times as much as other novelty counts novelty at its place, which is surer


@dataclass(frozen=True)
class Scoring:
    """How the network's outputs become the map; nothing of it is learnt.

    suppression: 1 strict, .5 lenient, 0 off; margin: share of the root of the picture's area; floor: least
    probability of part; anomaly_from: "discriminator" or "features", as in the settings of these names; novelty,
    feature_error: how much the memory and the error of the rebuilt features count beside the discriminator;
    knows_part: whether novelty counts only where the part is or usually lies, since the memory holds nothing else.
    """

    suppression: float = 1.0
    margin: float = 0.047
    floor: float = 1e-3
    anomaly_from: str = "discriminator"
    novelty: float = 0.5
    feature_error: float = 0.0
    knows_part: bool = True


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
        has_foreground,
    )


class DeployGraph(nn.Module):
    """Pictures uint8 [B, H, W, 3], any H and W -> (anomaly_map, foreground, pred_score, reconstruction).

    anomaly_map float32 [B, h, w]: raw logits after damping; foreground float32 [B, h, w] in 0..1; pred_score float32
    [B]; reconstruction float32 [B, 12, h / 2, w / 2] in 0..1, folded: whoever shows it unfolds it, most verdicts need
    not wait. (h, w) is the `input_shape` at which the network sees every picture.
    """

    def __init__(self, model: Baad, input_shape: tuple[int, int], scoring: Scoring) -> None:
        super().__init__()
        self.model: Baad = fold_batch_norms(copy.deepcopy(model).cpu().eval())  # type: ignore[assignment]
        self.input_shape = input_shape
        self.scoring, self.damps = scoring, model.mask_head and scoring.suppression > 0
        self.resizing, self.align = Resizing(input_shape), _align(model, input_shape)
        self.error_map = ErrorMap(model.pdn.head.out_channels)
        self.adds = scoring.anomaly_from == "discriminator"

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        outputs, align = self.model(self.resizing(pictures)), self.align
        foreground = torch.sigmoid(outputs.foreground_logits)  # [B, 1, 64, 64]
        if not self.model.mask_head:
            foreground = torch.ones_like(foreground)
        raw = self.add_maps(outputs, foreground)
        if self.model.places.known:
            raw = self.model.places(raw)
        if self.damps:
            raw = raw + align.part(damping(foreground, self.model.usual, self.scoring))
        score = torch.topk(raw.flatten(1), TOP_CELLS, dim=1).values.mean(dim=1)  # [B]
        anomaly_map, foreground = align.to_picture(raw).squeeze(1), align.part_to_picture(foreground).squeeze(1)
        return anomaly_map, foreground, score, outputs.picture

    def add_maps(self, outputs: Outputs, foreground: Tensor) -> Tensor:
        """All that speaks for a defect, before the background is damped: [B, 1, h / 2, w / 2]."""
        align = self.align
        error = align.error(self.error_map(outputs.difference))  # [B, 1, 128, 128]
        if not self.adds:
            return error
        raw = align.logits(outputs.anomaly_logits)
        if self.scoring.novelty > 0:
            novelty = self.scoring.novelty * align.novelty(self.model.novelty(outputs.features))
            if self.scoring.knows_part and self.model.mask_head:
                part = torch.maximum(foreground, self.model.usual)  # what lies where the part is missing is novel
                novelty = novelty * align.part(shrink(part))
            raw = raw + novelty
        if self.scoring.feature_error > 0:
            raw = raw + self.scoring.feature_error * self.model.error_level(error)
        return raw


class Alignment(nn.Module):
    """Each kind of map [B, 1, ...] at the size of the anomaly logits, as smooth where it is added, or the picture's.

    Of the picture's side, anomaly logits have a half, the foreground and the error of the features a quarter, novelty
    an eighth. The last two come from features, and lie `offset` px (down, right) from what they tell of, which is taken
    back; the first two are learnt where they belong.
    """

    def __init__(self, shape: tuple[int, int], offset: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__()

        def spreading(weights: Callable[[int], Tensor]) -> Spreading:
            return Spreading(weights(shape[0]), weights(shape[1]))

        def told(weights: Callable[[int, float], Tensor]) -> Spreading:
            return Spreading(*(weights(side, aside) for side, aside in zip(shape, offset)))

        def smooth(side: int) -> Tensor:
            return smoothing(side // 2, SMOOTHING)

        self.logits = spreading(smooth)
        self.error = told(lambda side, aside: smooth(side) @ enlarging(side // 4, offset=aside / 4))
        self.novelty = told(
            lambda side, aside: smooth(side) @ enlarging(side // 4) @ enlarging(side // 8, offset=aside / 8)
        )
        self.part = spreading(lambda side: enlarging(side // 4))
        self.to_picture = spreading(lambda side: enlarging(side // 2))
        self.part_to_picture = spreading(lambda side: enlarging(side // 4, 4))


def _align(model: Baad, shape: tuple[int, int]) -> Alignment:
    """The alignment of a network's maps, for pictures of that (height, width)."""
    down, right = model.offset.tolist()
    return Alignment(shape, (down, right))


class ErrorMap(nn.Module):
    """Difference of the features [B, C, h, w] -> logarithm of its mean square [B, 1, h, w].

    The mean is a convolution, which runtimes compute where the features lie; they would move them for a plain one.
    """

    mean: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((1, features, 1, 1), 1.0 / features), persistent=False)

    def forward(self, difference: Tensor) -> Tensor:
        return torch.log(F.conv2d(difference * difference, self.mean) + LEAST_ERROR)


@torch.no_grad()
def level_maps(model: Baad, pictures: np.ndarray) -> None:
    """Give novelty and the error of the features the discriminator's scale: on the part of held-out normal pictures
    uint8 [N, h, w, 3], all reach as far from their median to their .999 quantile (Batzner et al. 2023, section 3.4, for
    maps set to equal quantiles). Pictures that show no part do not count, unless none shows any.
    """
    align, error_map, maps, parts = _align(model, pictures.shape[1:3]), ErrorMap(model.pdn.head.out_channels), [], []
    memories: list[nn.Module] = [model.memory, model.placed] if model.placed.known else [model.memory]
    for picture in pictures:
        outputs = model(to_image(picture))
        part = align.part(shrink(torch.sigmoid(outputs.foreground_logits)))[0, 0] > 0.5  # [2h, 2w]
        novelty = [align.novelty(memory(outputs.features)) for memory in memories]
        error = align.error(error_map(outputs.difference))
        found = torch.cat([align.logits(outputs.anomaly_logits), error, *novelty])[:, 0]  # [3 or 4, 2h, 2w]
        maps.append(found.flatten(1))
        parts.append(part.flatten() if model.mask_head else torch.ones_like(part).flatten())
    cells, on_part = torch.cat(maps, dim=1), torch.cat(parts)  # [3 or 4, cells], [cells]
    cells = (cells[:, on_part] if on_part.any() else cells).double()
    usual = np.median(cells.numpy(), axis=1)
    reach = np.maximum(np.quantile(cells.numpy(), RARE, axis=1) - usual, LEAST_REACH)
    levels = [model.error_level, model.memory.level, model.placed.level][: len(cells) - 1]
    for index, level in enumerate(levels, 1):
        level.set(float(usual[index]), float(reach[0] / reach[index]))
    model.placed.level.gain *= PLACED


@torch.no_grad()
def learn_places(model: Baad, pictures: np.ndarray, scoring: Scoring, progress: Progress) -> None:
    """Let the model know what is usual at each place of normal pictures, uint8 [N, h, w, 3], as scoring adds it up."""
    graph, maps, chosen = DeployGraph(model, pictures.shape[1:3], scoring), [], spread_evenly(len(pictures), PICTURES)
    with progress.task("what is usual at each place", len(chosen)) as task:
        for index in chosen:
            outputs = graph.model(to_image(pictures[index]))
            maps.append(graph.add_maps(outputs, torch.sigmoid(outputs.foreground_logits))[0, 0].numpy())
            task.advance()
    model.places.set(np.stack(maps))


def damping(foreground: Tensor, usual: Tensor, scoring: Scoring) -> Tensor:
    """What lowers the logits where the part is not: suppression * log(probability of part), [B, 1, h, w], at most 0.

    On logits, a sum stands for the product of probabilities without its ties. Three things keep defects that are not
    on the part as it is seen: the part is widened by a margin, for what lies across its contour or sticks
    out of it; where the part usually is nothing is damped, for parts that are missing; and no probability counts as
    less than the floor, for what lies beyond. foreground [B, 1, h, w]; usual: the same, or one cell for all.
    """
    margin = round(scoring.margin * math.sqrt(foreground.shape[-2] * foreground.shape[-1]))
    widened = F.max_pool2d(foreground, 2 * margin + 1, 1, margin) if margin else foreground
    part = torch.maximum(widened, usual)
    return scoring.suppression * torch.log(part * (1.0 - scoring.floor) + scoring.floor)


def shrink(foreground: Tensor) -> Tensor:
    """The part less the cells along its outline, whose patches see the background too: [B, 1, h, w] in 0..1."""
    return -F.max_pool2d(-foreground, 2 * OUTLINE + 1, 1, OUTLINE)
