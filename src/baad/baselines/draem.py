"""Rebuild the picture without its defect, then compare: DRAEM's recipe at BAAD's size (Zavrtanik et al. 2021).

In half of the pictures a texture, changed in three random ways, is pasted through a thresholded Perlin mask, anywhere,
with some opacity. An encoder and decoder without skips learns to take it away again (L2 + SSIM); a second network with
skips, which sees both pictures, learns where it was (focal loss). The anomaly map is the second network's probability;
the image score is the highest mean over 21x21 px.

Otherwise than in the paper: the widths, which give BAAD's cost in place of 198 GMAC; the textures, which are the
project's drawn ones, and grey on grey pictures; the learning rate, made for minutes of training, which falls once and
not twice. As in its authors' program, where the paper says less or otherwise (normal pictures turn by up to 45
degrees): how far masks and normal pictures turn, how many of the latter, and that textures are also inverted and
turned.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor, nn

from baad.baselines.baseline import Fitted, Normals, plain_maps, resize_one
from baad.baselines.training import Schedule, train_network
from baad.learn.blocks import ConvBlock, count_macs, count_parameters, fold_batch_norms
from baad.learn.losses import focal_loss, ssim
from baad.learn.pictures import to_images
from baad.learn.precision import autocast
from baad.progress import Progress
from baad.runtime.session import RawMaps
from baad.settings import TrainSettings
from baad.synthesis.banks import Banks, cut_texture, make_banks
from baad.synthesis.grey import fit_grey, keep_grey
from baad.synthesis.perlin import perlin_noise

ANOMALY_SHARE = 0.5
LARGEST_SCALE = 6  # the Perlin grid has 2 ** 0 to 2 ** 5 cells a side, each side its own
THRESHOLD = 0.5
LEAST_OPACITY = 0.1
TURN = 45.0  # degrees, of a texture
TURN_FURTHER, TURNED = 90.0, 0.3  # degrees of masks and of normal pictures, and share of the latter that turn
SCORE_SIDE = 21  # px at 256: section 3.4
RATE = 1e-3  # the paper has 1e-4 for 700 epochs
REBUILDING = (24, 48, 88, 176)  # channels at a half, a quarter, ... of the side; the last is the bottleneck
FINDING = (24, 48, 80, 112, 128)
CHANGES: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {  # of a texture
    "posterise": lambda texture, rng: ImageOps.posterize(texture, int(rng.integers(2, 7))),
    "solarise": lambda texture, rng: ImageOps.solarize(texture, int(rng.integers(32, 129))),
    "equalise": lambda texture, rng: ImageOps.equalize(texture),
    "stretch": lambda texture, rng: ImageOps.autocontrast(texture),
    "invert": lambda texture, rng: ImageOps.invert(texture),
    "sharpness": lambda texture, rng: ImageEnhance.Sharpness(texture).enhance(rng.uniform(0.0, 3.0)),
    "brightness": lambda texture, rng: ImageEnhance.Brightness(texture).enhance(rng.uniform(0.6, 1.4)),
    "colour": lambda texture, rng: ImageEnhance.Color(texture).enhance(rng.uniform(0.0, 2.0)),
    "rotate": lambda texture, rng: Image.fromarray(turn(np.asarray(texture), rng.uniform(-TURN, TURN))),
}
CHANGED = 3  # of the changes above, different ones


class Rebuilder(nn.Module):
    """Images [B, 3, H, W] in 0..1 -> the same without defects. No skips; 16x16 cells at 256 px, as in the paper."""

    def __init__(self, widths: tuple[int, ...] = REBUILDING) -> None:
        super().__init__()
        down = zip((3, *widths), widths)
        up = zip(widths[::-1], widths[-2::-1])
        self.down = nn.Sequential(*(ConvBlock(inputs, outputs, 3, 2) for inputs, outputs in down))
        self.up = nn.ModuleList(ConvBlock(inputs, outputs) for inputs, outputs in up)
        self.out = nn.Conv2d(widths[0], 12, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.down(images)
        for layer in self.up:
            x = layer(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return torch.sigmoid(F.pixel_shuffle(self.out(x), 2))


class Finder(nn.Module):
    """A picture and its reconstruction, [B, 6, H, W] -> anomaly logits [B, 1, H, W]. With skips (U-Net)."""

    def __init__(self, widths: tuple[int, ...] = FINDING) -> None:
        super().__init__()
        self.down = nn.ModuleList(ConvBlock(i, o, 3, 2) for i, o in zip((6, *widths), widths))
        self.up = nn.ModuleList(ConvBlock(i + o, o) for i, o in zip(widths[::-1], widths[-2::-1]))
        self.out = nn.Conv2d(widths[0], 4, 1)
        nn.init.constant_(self.out.bias, -3.0)  # type: ignore[arg-type]  # anomalies are rare

    def forward(self, both: Tensor) -> Tensor:
        seen = []
        x = both
        for layer in self.down:
            x = layer(x)
            seen.append(x)
        for layer, skip in zip(self.up, seen[-2::-1]):
            x = layer(torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), skip], dim=1))
        return F.pixel_shuffle(self.out(x), 2)


@dataclass(frozen=True)
class Pasted:
    """Images [B, 3, H, W] in 0..1 and where they differ, [B, 1, H, W], 0 or 1."""

    corrupted: Tensor
    clean: Tensor
    defect: Tensor


class Draem:
    """Both networks, trained together."""

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings

    def fit(self, normals: Normals, progress: Progress) -> Fitted:
        self._shape, settings = normals.fit.shape[1:3], self._settings
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            self.rebuilder, self.finder = Rebuilder(), Finder()
            banks = make_banks(np.random.default_rng([settings.seed, 5]), scenes=1)  # textures are all it needs
            steps = train_network(
                nn.ModuleList([self.rebuilder, self.finder]),
                lambda step: draw_pasted(normals.fit, banks, settings, step),
                self._loss,
                Schedule(settings.steps, settings.minutes, RATE),
                progress,
                "reconstruction and discrimination",
            )
        networks = (fold_batch_norms(self.rebuilder), fold_batch_norms(self.finder))
        images = (torch.zeros(1, 3, *self._shape), torch.zeros(1, 6, *self._shape))
        macs = sum(count_macs(network, image) for network, image in zip(networks, images))
        return Fitted(steps, sum(map(count_parameters, networks)), macs)

    def score(self, picture: np.ndarray) -> RawMaps:
        """Picture uint8 [H, W, 3] -> probabilities float32 at the size of the normal pictures; its reconstruction."""
        images = resize_one(picture, self._shape)
        with torch.no_grad():
            rebuilt = self.rebuilder(images)
            found = torch.sigmoid(self.finder(torch.cat([images, rebuilt], dim=1)))
        anomaly = found[0, 0].numpy()
        drawn = (rebuilt[0] * 255.0).round().to(torch.uint8).permute(1, 2, 0).numpy()
        return plain_maps(anomaly, self.pool(anomaly), drawn)

    def pool(self, anomaly: np.ndarray) -> float:
        return float(cv2.blur(anomaly, (SCORE_SIDE, SCORE_SIDE)).max())

    def _loss(self, batch: Pasted) -> Tensor:
        with autocast():
            rebuilt = self.rebuilder(batch.corrupted)
            logits = self.finder(torch.cat([batch.corrupted, rebuilt], dim=1)).float()
        rebuilt = rebuilt.float()
        reconstruction = F.mse_loss(rebuilt, batch.clean) + 1.0 - ssim(rebuilt, batch.clean)
        return reconstruction + focal_loss(logits, batch.defect)


def draw_pasted(pictures: np.ndarray, banks: Banks, settings: TrainSettings, step: int) -> Pasted:
    """The batch of one step, from normal pictures uint8 [N, H, W, 3]; TURNED of them, in the mean, turned."""
    rng = np.random.default_rng([settings.seed, 14, step])
    corrupted, clean, defects = [], [], []
    for index in rng.integers(0, len(pictures), settings.batch_size):
        picture = pictures[index]
        if rng.random() < TURNED:
            picture = turn(picture, rng.uniform(-TURN_FURTHER, TURN_FURTHER))
        pasted, defect = picture, np.zeros(picture.shape[:2], bool)
        if rng.random() < ANOMALY_SHARE:
            defect = draw_mask(defect.shape, rng)
            texture = change_texture(cut_texture(banks, defect.shape, rng), rng)
            pasted = blend(picture, texture, defect, rng.uniform(LEAST_OPACITY, 1.0))
            pasted = keep_grey(picture, pasted, fit_grey(picture))  # as BAAD's defects on what a grey camera took
        corrupted.append(pasted)
        clean.append(picture)
        defects.append(defect)
    marked = torch.from_numpy(np.stack(defects))[:, None].float()
    return Pasted(to_images(np.stack(corrupted)), to_images(np.stack(clean)), marked)


def change_texture(texture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A texture uint8 [H, W, 3] after CHANGED different ones of CHANGES, one after the other."""
    changed = Image.fromarray(texture)
    for name in rng.choice(list(CHANGES), CHANGED, replace=False):
        changed = CHANGES[name](changed, rng)
    return np.asarray(changed)


def draw_mask(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Where Perlin noise of a random grid, turned, lies above a half, bool [H, W]; may be empty."""
    rows, columns = (1 << int(rng.integers(0, LARGEST_SCALE)) for _ in range(2))
    noise = turn(perlin_noise(shape, (rows, columns), rng), rng.uniform(-TURN_FURTHER, TURN_FURTHER))
    return noise > THRESHOLD


def blend(picture: np.ndarray, texture: np.ndarray, mask: np.ndarray, opacity: float) -> np.ndarray:
    """`opacity` of the texture and the rest of the picture where the mask is (equation 3), uint8 [H, W, 3]."""
    share = opacity * mask[..., None].astype(np.float32)
    return np.rint((1.0 - share) * picture + share * texture).astype(np.uint8)


def turn(picture: np.ndarray, degrees: float) -> np.ndarray:
    """The picture turned about its centre, its edges reflected. uint8 [H, W, 3], or float32 [H, W]."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
