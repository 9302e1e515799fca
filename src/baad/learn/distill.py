"""Distil the PDN from a teacher: photos -> cached targets -> weights and their card. Done once, not per product.

The teacher sees each photo at twice the student's size, so that its stride 8 falls on the student's stride 4. Its
features are reduced by PCA, each component scaled so that its deviation is the square root of what it was: fully
whitened, most components are noise that no small network can predict, and they would drown the rest (METHOD C2;
Batzner et al. 2023, section 3.1, for the idea of normalised targets). Targets are cached on disk as float16, so that
a stopped run goes on where it was.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from baad.atomic import replacing, write_text
from baad.errors import DataError
from baad.learn.checkpoint import load_checkpoint, save_checkpoint
from baad.learn.pdn import PDN_SHAPES, STRIDE, Pdn
from baad.learn.precision import autocast
from baad.learn.teacher import Teacher, load_teacher
from baad.progress import Progress

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
CLIP = 5.0  # standard deviations at which a target component is cut
BORDER = 4  # feature cells at a crop's edge that the student cannot see fully
SAVE_EVERY = 500


@dataclass(frozen=True, kw_only=True)
class DistillSettings:
    """What one distillation depends on. Same settings, images and threads: the same weights."""

    size: str = "fast"
    teacher: str = "efficientnet_lite2"
    weights: str = ""  # local file with the teacher's weights; empty: the package or the hub
    steps: int = 7000
    batch_size: int = 14  # crops
    image_size: int = 256  # px of a cached student image; the teacher sees twice that
    crop_size: int = 192  # px of a training crop
    learning_rate: float = 2e-3
    cosine_weight: float = 0.5
    grey_share: float = 0.1  # of the photos, shown without colour to teacher and student alike
    held_out_share: float = 0.03  # of the photos, never trained on: the fidelity figures come from them
    seed: int = 0


@dataclass(frozen=True)
class Targets:
    """Cached pairs: `images` uint8 [N, S, S, 3] and `targets` float16 [N, S / 4, S / 4, C]; the last are held out."""

    images: np.ndarray
    targets: np.ndarray
    held_out: int


def distill(folders: Sequence[Path], out: Path, work: Path, settings: DistillSettings, progress: Progress) -> dict:
    """Distil a PDN and write `out`/pdn_SIZE.safetensors and its card. Returns the card.

    `work` keeps the cached targets (1 MB a photo) and the checkpoint: the same call goes on after a stop.
    """
    photos = find_photos(folders)
    targets = cache_targets(photos, work, settings, progress)
    network = train_student(targets, work, settings, progress)
    figures = measure_fidelity(network, targets)
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"pdn_{settings.size}.safetensors"
    with replacing(file) as partial:
        save_file({name: value.contiguous() for name, value in network.state_dict().items()}, partial)
    card = {
        "name": f"pdn_{settings.size}",
        "teacher": settings.teacher,
        "licence": load_teacher(settings.teacher, _weights(settings)).licence,
        "images": {folder.name: sum(photo.parent == folder for photo in photos) for folder in folders},
        "settings": {k: v for k, v in asdict(settings).items() if k != "weights"},
        "fidelity_on_unseen_photos": figures,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    write_text(out / f"pdn_{settings.size}.json", json.dumps(card, indent=2) + "\n")
    return card


def find_photos(folders: Sequence[Path]) -> list[Path]:
    """All pictures in the folders, in a fixed order."""
    photos = [file for folder in folders for file in sorted(folder.iterdir()) if file.suffix.lower() in SUFFIXES]
    if len(photos) < 2:
        raise DataError(f"No photos in {', '.join(map(str, folders))}. Give folders that hold JPEG or PNG files.")
    return photos


def cache_targets(photos: Sequence[Path], work: Path, settings: DistillSettings, progress: Progress) -> Targets:
    """Teacher features of one crop a photo, reduced to the student's channels. Reads the cache where it exists."""
    work.mkdir(parents=True, exist_ok=True)
    channels, size = PDN_SHAPES[settings.size].features, settings.image_size
    rng = np.random.default_rng(settings.seed)
    order = [photos[i] for i in rng.permutation(len(photos))]
    held_out = max(1, round(len(photos) * settings.held_out_share))
    cells = size // STRIDE
    shapes: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {
        "images": ((len(order), size, size, 3), np.dtype(np.uint8)),
        "targets": ((len(order), cells, cells, channels), np.dtype(np.float16)),
    }
    drawn = [settings.teacher, settings.weights, channels, size, settings.grey_share, settings.seed]
    key = hashlib.sha256(json.dumps([[photo.name for photo in order], drawn]).encode()).hexdigest()[:16]
    stores = {name: work / f"{name}-{key}.npy" for name in shapes}
    done_file = work / f"done-{key}.txt"
    done = int(done_file.read_text()) if done_file.exists() else 0
    maps = {
        name: np.lib.format.open_memmap(
            stores[name], mode="r+" if stores[name].exists() and done else "w+", dtype=dtype, shape=shape
        )
        for name, (shape, dtype) in shapes.items()
    }
    if done < len(order):
        teacher = load_teacher(settings.teacher, _weights(settings))
        reduce = _load_reduction(work / f"pca-{key}.safetensors", teacher, order, channels, settings)
        with progress.task("teacher features", len(order)) as task:
            task.advance(done)
            for start in range(done, len(order), 8):
                crops = [read_crop(order[i], size, settings, i) for i in range(start, min(start + 8, len(order)))]
                stop = start + len(crops)
                maps["images"][start:stop] = crops
                maps["targets"][start:stop] = reduce(_describe(teacher, np.stack(crops))).numpy()
                for each in maps.values():
                    each.flush()
                done_file.write_text(str(stop))
                task.advance(len(crops))
    return Targets(maps["images"], maps["targets"], held_out)


def read_crop(photo: Path, size: int, settings: DistillSettings, index: int) -> np.ndarray:
    """A square of the photo, uint8 [size, size, 3], at a random place and scale; some without colour."""
    rng = np.random.default_rng([settings.seed, 1, index])
    with Image.open(photo) as opened:
        image = opened.convert("RGB")
    side = round(min(image.size) * rng.uniform(0.75, 1.0))
    left, top = (int(rng.integers(0, extent - side + 1)) for extent in image.size)
    crop = image.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    if rng.random() < settings.grey_share:
        crop = crop.convert("L").convert("RGB")
    return np.asarray(crop)


def train_student(targets: Targets, work: Path, settings: DistillSettings, progress: Progress) -> Pdn:
    """Train the PDN on random crops of the cached pairs; goes on from the checkpoint in `work`."""
    torch.manual_seed(settings.seed)
    network = Pdn(PDN_SHAPES[settings.size]).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=1e-5)
    checkpoint = work / f"student-{settings.size}.safetensors"
    note = json.dumps(asdict(settings))
    start = load_checkpoint(checkpoint, {"network": network}, optimizer, note) if checkpoint.exists() else 0
    usable = len(targets.images) - targets.held_out
    with progress.task("distillation", settings.steps) as task:
        task.advance(start)
        for step in range(start, settings.steps):
            rng = np.random.default_rng([settings.seed, 2, step])
            images, wanted = draw_crops(targets, usable, settings, rng)  # [B, 3, 128, 128], [B, C, 32, 32]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step, settings)
            network.train()
            with autocast():
                found = network(images)
            loss = distillation_loss(found.float(), wanted, settings.cosine_weight)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if (step + 1) % SAVE_EVERY == 0 or step + 1 == settings.steps:
                save_checkpoint(checkpoint, step + 1, {"network": network}, optimizer, note)
            task.advance(1, f"loss {loss.item():.3f}")
    return network.eval()


def learning_rate_at(step: int, settings: DistillSettings) -> float:
    """Linear warm-up over 200 steps, then a cosine down to a hundredth."""
    warm_up = min(1.0, (step + 1) / 200)
    falling = 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    return settings.learning_rate * warm_up * (0.01 + 0.99 * falling)


def draw_crops(
    targets: Targets, usable: int, settings: DistillSettings, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Random crops, flipped and with jittered brightness, and the targets that belong to them."""
    cells = settings.crop_size // STRIDE
    limit = settings.image_size // STRIDE - cells
    images, wanted = [], []
    for index in rng.integers(0, usable, settings.batch_size):
        top, left = rng.integers(0, limit + 1, 2)
        y, x = top * STRIDE, left * STRIDE
        image = targets.images[index, y : y + settings.crop_size, x : x + settings.crop_size]
        target = targets.targets[index, top : top + cells, left : left + cells]
        if rng.random() < 0.5:
            image, target = image[:, ::-1], target[:, ::-1]
        images.append(image)
        wanted.append(target)
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255.0  # [B, 3, 128, 128]
    gain = torch.from_numpy(rng.uniform(0.9, 1.1, (len(batch), 1, 1, 1)).astype(np.float32))
    batch = (batch * gain).clamp(0, 1).contiguous(memory_format=torch.channels_last)
    return batch, torch.from_numpy(np.stack(wanted)).permute(0, 3, 1, 2).float()  # [B, C, 32, 32]


def distillation_loss(found: Tensor, wanted: Tensor, cosine_weight: float) -> Tensor:
    """Mean squared error plus weighted (1 - cosine); cells at the crop's edge count a fifth. Both [B, C, h, w]."""
    weight = torch.full(found.shape[-2:], 0.2)
    weight[BORDER:-BORDER, BORDER:-BORDER] = 1.0
    weight = weight / weight.mean()
    error = ((found - wanted) ** 2).mean(dim=1)  # [B, h, w]
    angle = 1.0 - F.cosine_similarity(found, wanted, dim=1)  # [B, h, w]
    return ((error + cosine_weight * angle) * weight).mean()


def measure_fidelity(network: Pdn, targets: Targets) -> dict[str, float]:
    """How well the student gives the teacher's features of photos it never saw: R2, cosine, linear CKA."""
    found, wanted = [], []
    with torch.no_grad():
        for index in range(len(targets.images) - targets.held_out, len(targets.images)):
            image = torch.from_numpy(targets.images[index].copy()).permute(2, 0, 1)[None].float() / 255.0
            found.append(network(image)[0].flatten(1).T)  # [h * w, C]
            wanted.append(torch.from_numpy(targets.targets[index].astype(np.float32)).flatten(0, 1))
    x, y = torch.cat(found).double(), torch.cat(wanted).double()
    r2 = 1.0 - ((x - y) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()
    cosine = F.cosine_similarity(x, y, dim=1).mean()
    x, y = x - x.mean(0), y - y.mean(0)
    cka = (x.T @ y).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())
    return {"r2": round(float(r2), 4), "cosine": round(float(cosine), 4), "cka": round(float(cka), 4)}


class _Reduction:
    """Teacher features [B, C, h, w] -> scaled principal components [B, h, w, c], cut at 5 deviations."""

    def __init__(self, mean: Tensor, axes: Tensor, limits: Tensor) -> None:
        self.mean, self.axes, self.limits = mean, axes, limits  # [C], [C, c], [c]

    def __call__(self, features: Tensor) -> Tensor:
        flat = features.permute(0, 2, 3, 1) - self.mean  # [B, h, w, C]
        return (flat @ self.axes).clamp(-self.limits, self.limits).half()


def _load_reduction(
    file: Path, teacher: Teacher, photos: Sequence[Path], channels: int, settings: DistillSettings
) -> _Reduction:
    if not file.exists():
        patches = torch.cat(list(_sample_patches(teacher, photos, settings)))  # [P, C]
        mean = patches.mean(0)
        scale = (patches - mean).std(0) + 1e-6  # channels of both strides count alike
        values, vectors = torch.linalg.eigh(torch.cov(((patches - mean) / scale).T.double()))
        values, vectors = values.flip(0)[:channels], vectors.flip(1)[:, :channels]
        deviations = values.clamp(min=1e-12) ** 0.25  # the square root of what they were
        deviations = deviations / deviations.square().mean().sqrt()  # unit variance in the mean over the channels
        axes = (vectors / values.sqrt() * deviations).float() / scale[:, None]
        with replacing(file) as partial:
            save_file({"mean": mean, "axes": axes.contiguous(), "limits": CLIP * deviations.float()}, partial)
    return _Reduction(**load_file(file))


def _sample_patches(teacher: Teacher, photos: Sequence[Path], settings: DistillSettings) -> Iterator[Tensor]:
    rng = np.random.default_rng([settings.seed, 3])
    for index in range(min(200, len(photos))):
        crop = read_crop(photos[index], settings.image_size, settings, index)
        features = _describe(teacher, crop[None])[0].flatten(1).T  # [h * w, C]
        yield features[torch.from_numpy(rng.choice(len(features), min(500, len(features)), replace=False))]


def _describe(teacher: Teacher, crops: np.ndarray) -> Tensor:
    images = torch.tensor(crops).permute(0, 3, 1, 2).float() / 255.0  # [B, 3, S, S]
    doubled = F.interpolate(images, scale_factor=2, mode="bicubic", align_corners=False).clamp(0, 1)
    with autocast():
        return teacher.describe(doubled)  # [B, C, S / 4, S / 4]


def _weights(settings: DistillSettings) -> Path | None:
    return Path(settings.weights) if settings.weights else None
