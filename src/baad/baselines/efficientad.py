"""Student, teacher and autoencoder: where do two networks that know normal pictures alone fail to give the teacher's
features? (EfficientAD, Batzner et al. 2023.)

The teacher is a PDN, each of its channels scaled to mean 0 and deviation 1 over the normal pictures. The student has
its architecture and twice its channels: the first half learns the teacher's features by the hard-feature loss, and
not to give them for pictures of other things; the second half learns the output of an autoencoder, which sees the whole
picture through a narrow bottleneck and so knows what belongs where. Each of the two errors is scaled by quantiles
over held-out normal pictures; their mean is the anomaly map, its maximum the image score.

Otherwise than in the paper: the pictures of other things are drawn scenes in place of ImageNet's, batches and learning
rate are made for minutes of training, the student has batch norms, and the teacher is BAAD's own PDN of the size asked
for.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baad.baselines.baseline import Fitted, Normals, enlarge, plain_maps, resize_one
from baad.baselines.training import Schedule, train_network
from baad.data.spread import spread_evenly
from baad.learn.blocks import count_macs, count_parameters, fold_batch_norms
from baad.learn.offset import measure_offset
from baad.learn.pdn import MEAN, STD, Pdn
from baad.learn.pictures import to_images
from baad.learn.precision import autocast
from baad.progress import Progress
from baad.runtime.session import RawMaps
from baad.settings import TrainSettings
from baad.synthesis.banks import Banks, cut_scene, make_banks

HARD = 0.999  # section 3.2: the student learns from the worst thousandth of the feature values
QUANTILES = (0.9, 0.995)  # section 3.4: mapped to 0 and to .1
RATE, WEIGHT_DECAY, FALL_AT = 3e-3, 1e-5, 0.95  # the paper has 1e-4 for 70,000 steps
CODE = 64  # channels of the autoencoder's bottleneck
UP = ((64, 1), (32, 0), (16, 1), (8, 0), (4, 1), (2, 1))  # its way up: cells a side are px / first - second
SCALED_ON = 60  # pictures
BATCH = 2  # the paper has 1; 1, 2 and 8 differ little after equal minutes (docs/benchmarks.md)


class Autoencoder(nn.Module):
    """Images [B, 3, H, W] in 0..1 -> features [B, C, h, w] on any grid (appendix of the paper, table 7).

    `last` is the kernel of the encoder's last layer, as large as a 32nd of the picture, so that one vector is left.
    Pictures are normalised as the PDNs of teacher and student do it.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, features: int, last: tuple[int, int] = (8, 8)) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        widths = (3, 32, 32, 64, 64, CODE)
        down = [nn.Sequential(nn.Conv2d(i, o, 4, 2, 1), nn.ReLU(inplace=True)) for i, o in pairwise(widths)]
        self.encoder = nn.Sequential(*down, nn.Conv2d(CODE, CODE, last))  # [B, CODE, 1, 1]
        self.decoder = nn.ModuleList(
            nn.Sequential(nn.Conv2d(CODE, CODE, 4, padding=2), nn.ReLU(inplace=True), nn.Dropout(0.2)) for _ in UP
        )
        self.head = nn.Sequential(
            nn.Conv2d(CODE, CODE, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(CODE, features, 3, padding=1)
        )

    def forward(self, images: Tensor, grid: tuple[int, int]) -> Tensor:
        height, width = images.shape[-2:]
        x = self.encoder((images - self.mean) / self.std)
        for layer, (step, less) in zip(self.decoder, UP):  # each layer adds a cell to either side
            side = (max(1, height // step - less), max(1, width // step - less))
            x = layer(F.interpolate(x, side, mode="bilinear", align_corners=False))
        return self.head(F.interpolate(x, grid, mode="bilinear", align_corners=False))  # [B, C, h, w]


@dataclass(frozen=True)
class Views:
    """What one step needs: images [B, 3, H, W] in 0..1, channels last in memory."""

    normal: Tensor
    jittered: Tensor  # the same in another light, for the autoencoder
    other: Tensor  # [1, 3, H, W]: not the product


class EfficientAD:
    """Around a teacher, frozen, whose feature grid is a quarter of the picture's side."""

    def __init__(self, teacher: Pdn, settings: TrainSettings) -> None:
        self._teacher, self._settings = teacher, settings

    def fit(self, normals: Normals, progress: Progress) -> Fitted:
        """Train student and autoencoder together, then take the scales of their maps from the held-out pictures."""
        self._shape, settings = normals.fit.shape[1:3], self._settings
        self._offset = measure_offset(self._teacher)
        self._mean, self._std = feature_scale(self._teacher, normals.fit)
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            self.student = new_student(self._teacher)
            self.autoencoder = Autoencoder(self._mean.shape[1], (self._shape[0] // 32, self._shape[1] // 32))
            steps = max(1, round(settings.steps * settings.batch_size / BATCH))  # as many pictures as BAAD sees
            schedule = Schedule(steps, settings.minutes, RATE, FALL_AT, WEIGHT_DECAY)
            banks = make_banks(np.random.default_rng([settings.seed, 5]), noises=1)  # scenes are all it needs
            steps = train_network(
                nn.ModuleList([self.student, self.autoencoder]),
                lambda step: draw_views(normals.fit, banks, settings, step),
                self._loss,
                schedule,
                progress,
                "student and autoencoder",
            )
        fold_batch_norms(self.student)
        self._scales = self._measure_scales(normals.held_out if len(normals.held_out) else normals.fit)
        networks, image = (self._teacher, self.student, self.autoencoder), torch.zeros(1, 3, *self._shape)
        macs = count_macs(self._teacher, image) + count_macs(self.student, image)
        macs += count_macs(self.autoencoder, image, (self._shape[0] // 4, self._shape[1] // 4))
        return Fitted(steps, sum(map(count_parameters, networks)), macs)

    def score(self, picture: np.ndarray) -> RawMaps:
        """Picture uint8 [H, W, 3] -> mean of the two scaled maps, float32, at the size of the normal pictures."""
        maps = self.maps(resize_one(picture, self._shape))
        scaled = torch.stack([scale_map(each, *scale) for each, scale in zip(maps, self._scales)])
        anomaly = enlarge(scaled.mean(0)[0, 0].numpy(), self._shape, self._offset)
        return plain_maps(anomaly, self.pool(anomaly))

    def pool(self, anomaly: np.ndarray) -> float:
        return float(anomaly.max())

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Errors of the student against teacher and autoencoder, mean over the channels: [B, 1, h, w] each."""
        with torch.no_grad():
            wanted, given = self._describe(images), self.student(images)
            rebuilt = self.autoencoder(images, wanted.shape[-2:])
        first, second = given.chunk(2, dim=1)
        return ((wanted - first) ** 2).mean(1, keepdim=True), ((rebuilt - second) ** 2).mean(1, keepdim=True)

    def _describe(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return (self._teacher(images) - self._mean) / self._std

    def _loss(self, views: Views) -> Tensor:
        with autocast():
            wanted, wanted_jittered = self._describe(views.normal).float(), self._describe(views.jittered).float()
            given = self.student(torch.cat([views.normal, views.jittered, views.other])).float()  # one set of norms
            count = len(views.normal)
            first, second = given[:count].chunk(2, dim=1)[0], given[count : 2 * count].chunk(2, dim=1)[1]
            elsewhere = given[2 * count :].chunk(2, dim=1)[0]
            rebuilt = self.autoencoder(views.jittered, wanted.shape[-2:]).float()
        student = hard_feature_loss(first, wanted) + elsewhere.square().mean()
        return student + F.mse_loss(rebuilt, wanted_jittered) + F.mse_loss(second, rebuilt)

    def _measure_scales(self, pictures: np.ndarray) -> list[tuple[float, float]]:
        """The two quantiles of either map over all pictures and cells."""
        found = [self.maps(to_images(picture[None])) for picture in pictures]
        values = [np.concatenate([each[index].numpy().ravel() for each in found]) for index in range(2)]
        return [(float(low), float(high)) for low, high in (np.quantile(each, QUANTILES) for each in values)]


def hard_feature_loss(given: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared error of the values [B, C, h, w] whose error is at or above its HARD quantile (section 3.2)."""
    error = ((given - wanted) ** 2).flatten()
    hardest = max(1, round(error.numel() * (1.0 - HARD)))
    return torch.topk(error, hardest).values.mean()


def scale_map(values: Tensor, low: float, high: float) -> Tensor:
    """`low` becomes 0, `high` becomes .1 (section 3.4)."""
    return 0.1 * (values - low) / max(high - low, 1e-12)


def new_student(teacher: Pdn) -> Pdn:
    """The teacher's architecture with twice the channels and random weights."""
    return Pdn(replace(teacher.shape, features=2 * teacher.shape.features))


def feature_scale(teacher: Pdn, pictures: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel over normal pictures uint8 [N, H, W, 3]: [1, C, 1, 1] each."""
    with torch.no_grad():
        found = torch.cat([teacher(to_images(picture[None])) for picture in choose_some(pictures)])  # [n, C, h, w]
    return found.mean((0, 2, 3), keepdim=True), found.std((0, 2, 3), keepdim=True) + 1e-6


def choose_some(pictures: np.ndarray) -> np.ndarray:
    """SCALED_ON of the pictures, evenly spread; all of fewer."""
    return pictures[spread_evenly(len(pictures), SCALED_ON)]


def draw_views(pictures: np.ndarray, banks: Banks, settings: TrainSettings, step: int) -> Views:
    """Random pictures, the same with brightness, contrast or saturation changed by up to a fifth, a drawn scene."""
    rng = np.random.default_rng([settings.seed, 13, step])
    chosen = to_images(pictures[rng.integers(0, len(pictures), BATCH)])
    jittered = torch.stack([jitter(image, int(rng.integers(3)), rng.uniform(0.8, 1.2)) for image in chosen])
    other = to_images(cut_scene(banks, pictures.shape[1:3], rng)[None])
    return Views(chosen, jittered.contiguous(memory_format=torch.channels_last), other)  # as the others lie already


def jitter(image: Tensor, kind: int, factor: float) -> Tensor:
    """An image [3, H, W] in 0..1 pulled from black (kind 0), from its mean grey (1) or from its own grey (2)."""
    grey = (image * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0, keepdim=True)
    origin = (torch.zeros(()), grey.mean(), grey)[kind]
    return (origin + factor * (image - origin)).clamp(0, 1)
