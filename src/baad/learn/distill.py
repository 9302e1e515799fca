"""Distil the PDN from a teacher: photos -> cached targets -> weights and their card. Done once, not per product.

Killed at any step, the same call goes on, and on a processor it ends with the very same weights: all chance comes from
seed and step, and what was done lies in the work folder (targets.py, checkpoint.py). Graphics cards round in any order.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from baad.atomic import write_bytes, write_text
from baad.data.checksum import hash_file
from baad.learn.batches import draw_ahead
from baad.learn.blocks import count_macs
from baad.learn.checkpoint import load_checkpoint, read_took, save_checkpoint
from baad.learn.lite_start import fit_heads, start_from
from baad.learn.machine import choose_device, using_threads
from baad.learn.pdn import PDN_SHAPES, STRIDE, Pdn, read_weights
from baad.learn.pictures import to_image
from baad.learn.precision import autocast
from baad.learn.targets import Targets, TargetSettings, cache_targets, find_photos
from baad.learn.took import Took, stopwatch
from baad.progress import Progress
from baad.stopping import catch_stop

BORDER = 4  # feature cells at a crop's edge that the student cannot see fully
SAVE_EVERY = 100  # steps


@dataclass(frozen=True, kw_only=True)
class DistillSettings:
    """What one distillation depends on. Same settings, images and threads: on a processor the same weights."""

    size: str = "fast"  # a key of PDN_SHAPES
    targets: TargetSettings = field(default_factory=TargetSettings)
    steps: int = 7000
    batch_size: int = 14  # crops
    crop_size: int = 192  # px of a training crop
    cosine_weight: float = 0.5
    brightness: float = 0.1  # greatest change of a crop's brightness, and half as much of each colour
    seed: int = 0
    device: str = "auto"  # a GPU where there is one
    threads: int = 0  # 0 takes all cores

    @property
    def place(self) -> str:
        """The device in fact."""
        return choose_device(self.device)

    def note(self) -> dict[str, Any]:
        """What decides the weights, but for the machine."""
        return {k: v for k, v in asdict(self).items() if k not in ("device", "threads")}


def distill(folders: Sequence[Path], out: Path, work: Path, settings: DistillSettings, progress: Progress) -> dict:
    """Distil a PDN and write `out`/pdn_SIZE.safetensors and its card. Returns the card.

    `work` keeps the cached targets (1.2 MB a crop) and the checkpoint: the same call goes on after a stop.

    Raises DataError for too few photos, SettingError for a device or cache that cannot be had, InputError for a
    teacher that cannot be had, ImageError for photos that cannot be read, MissingExtra without the extra "distill",
    BundleError for a checkpoint of another distillation, OutputError where the disk refuses, Stopped.
    """
    photos = find_photos(folders)
    channels = PDN_SHAPES[settings.size].features
    with using_threads(settings.threads) as used:
        targets = cache_targets(photos, channels, work, settings.targets, settings.place, progress)
        network, minutes = train_student(targets, work, settings, progress)
        budget = {"minutes": round(minutes, 3), "threads": used, "device": settings.place}
        return write_weights(network, out, settings, targets, count_photos(folders, targets.photos), budget)


def count_photos(folders: Sequence[Path], used: Sequence[Path]) -> dict[str, int]:
    """How many different photos were used of the folders, by their names; folders of one name are counted together.

    A photo belongs to the first folder that holds it. Of parts/train/good all three words are the name.
    """
    names = {folder: _name_folder(folder.resolve()) for folder in folders}
    counts = dict.fromkeys(names.values(), 0)
    for photo in dict.fromkeys(used):
        counts[names[next(folder for folder in folders if photo.is_relative_to(folder))]] += 1
    return counts


def _name_folder(folder: Path) -> str:
    return f"{_name_folder(folder.parent)}/{folder.name}" if folder.name in ("good", "train") else folder.name


def write_weights(
    network: Pdn,
    out: Path,
    settings: DistillSettings,
    targets: Targets,
    images: dict[str, int],
    budget: dict[str, Any],
) -> dict[str, Any]:
    """The weights and the card that says where they come from. Returns the card."""
    shape = PDN_SHAPES[settings.size]
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"pdn_{settings.size}.safetensors"
    kept = {name: value.half() if value.ndim > 1 else value for name, value in network.state_dict().items()}
    write_bytes(file, save({name: value.contiguous() for name, value in kept.items()}))
    written = read_weights(file, shape)
    said = {k: v for k, v in settings.note().items() if k not in ("size", "targets")}
    drawn = {k: v for k, v in asdict(settings.targets).items() if k not in ("weights", "teacher", "seed", "cache_gb")}
    card = {
        "name": f"pdn_{settings.size}",
        "teacher": targets.about["name"],
        "teacher_weights_sha256": targets.about["weights_sha256"],
        "teacher_licence": targets.about["licence"],
        "started_from": f"{shape.start}, Apache-2.0" if shape.start else "random weights",
        "images": images,
        "pairs": len(targets.images),
        "settings": said | drawn | {"learning_rate": shape.learning_rate},
        "budget": budget,
        "gmac_at_256": round(count_macs(written, torch.zeros(1, 3, 256, 256)) / 1e9, 3),
        "fidelity_on_unseen_photos": measure_fidelity(written, targets),
        "sha256": hash_file(file),
    }
    write_text(out / f"pdn_{settings.size}.json", json.dumps(card, indent=2) + "\n")
    return card


def train_student(targets: Targets, work: Path, settings: DistillSettings, progress: Progress) -> tuple[Pdn, float]:
    """Train the PDN on random crops of the cached pairs; goes on from the checkpoint in `work`.

    Returns it with the minutes that its steps took, in this call and those before it. Ctrl-C, SIGTERM and SIGHUP let
    the step end and save it. Raises Stopped then.
    """
    network, place = new_student(settings, targets), settings.place
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-5, fused=True)
    drawn = {name: value for name, value in settings.note().items() if name != "targets"}  # the key tells of those
    note = json.dumps([drawn, targets.key, asdict(PDN_SHAPES[settings.size])])
    checkpoint = work / f"student-{settings.size}-{hashlib.sha256(note.encode()).hexdigest()[:8]}.safetensors"
    for half in work.glob(f"{checkpoint.name}.*.partial"):
        half.unlink(missing_ok=True)  # of a run that was killed while it wrote
    start, earlier, watch = 0, Took(), stopwatch()
    if checkpoint.exists():
        start = load_checkpoint(checkpoint, {"network": network}, optimizer, note)
        earlier = read_took(checkpoint)
    took = earlier
    pairs = draw_ahead(lambda step: draw_crops(targets, settings, place, step), start, settings.steps)
    with (
        catch_stop() as stop,
        stop.held(),
        progress.task("distillation", settings.steps) as task,
        closing(pairs),
    ):
        task.advance(start)
        for step, (images, wanted) in enumerate(pairs, start):  # [B, 3, 192, 192], [B, C, 48, 48]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step, settings)
            network.train()
            with autocast(place):
                found = network(images)
            loss = distillation_loss(found.float(), wanted, settings.cosine_weight)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            told = f"loss {loss.item():.3f}"  # waits for the step, so that whoever stops it meanwhile is heard below
            if (step + 1) % SAVE_EVERY == 0 or step + 1 == settings.steps or stop.asked:
                took = earlier + watch()
                save_checkpoint(checkpoint, step + 1, {"network": network}, optimizer, note, took)
                stop.raise_if_asked()
            task.advance(1, told)
    return network.cpu().eval(), took.minutes


def new_student(settings: DistillSettings, targets: Targets) -> Pdn:
    """The network before its first step: drawn by the seed, or with the first stages of a packaged one."""
    shape = PDN_SHAPES[settings.size]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = Pdn(shape)
    if shape.start:
        start_from(network, shape.start)
        fit_heads(network, targets)
    return network.to(settings.place, memory_format=torch.channels_last)  # type: ignore[call-overload]


def learning_rate_at(step: int, settings: DistillSettings) -> float:
    """Linear warm-up over 200 steps, then a cosine down to a hundredth."""
    warm_up = min(1.0, (step + 1) / 200)
    falling = 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    return PDN_SHAPES[settings.size].learning_rate * warm_up * (0.01 + 0.99 * falling)


def draw_crops(targets: Targets, settings: DistillSettings, place: str, step: int) -> tuple[Tensor, Tensor]:
    """Random crops with jittered brightness and colour, [B, 3, crop, crop] in 0..1, and their targets [B, C, h, w].

    Both lie on the device `place`.
    """
    rng = np.random.default_rng([settings.seed, 2, step])
    usable, cells = len(targets.images) - targets.held_out, settings.crop_size // STRIDE
    limit = targets.targets.shape[1] - cells
    images, wanted = [], []
    for index in rng.integers(0, usable, settings.batch_size):
        top, left = rng.integers(0, limit + 1, 2)
        y, x = top * STRIDE, left * STRIDE
        image = targets.images[index, y : y + settings.crop_size, x : x + settings.crop_size]
        target = targets.targets[index, top : top + cells, left : left + cells]
        images.append(image)
        wanted.append(target)
    most, count = settings.brightness, settings.batch_size
    gains = 1.0 + rng.uniform(-most, most, (count, 1, 1, 1)) + rng.uniform(-most, most, (count, 3, 1, 1)) / 2
    shades = torch.from_numpy(gains.astype(np.float32)).to(place)
    batch, answers = torch.from_numpy(np.stack(images)).to(place), torch.from_numpy(np.stack(wanted)).to(place)
    batch = (batch.permute(0, 3, 1, 2).float() / 255.0 * shades).clamp(0, 1)  # [B, 3, crop, crop]
    batch = batch.contiguous(memory_format=torch.channels_last)
    return batch, answers.permute(0, 3, 1, 2).float()  # [B, C, cells, cells]


def distillation_loss(found: Tensor, wanted: Tensor, cosine_weight: float) -> Tensor:
    """Mean squared error plus weighted (1 - cosine); cells at the crop's edge count a fifth. Both [B, C, h, w]."""
    weight = torch.full(found.shape[-2:], 0.2, device=found.device)
    weight[BORDER:-BORDER, BORDER:-BORDER] = 1.0
    weight = weight / weight.mean()
    error = ((found - wanted) ** 2).mean(dim=1)  # [B, h, w]
    angle = 1.0 - F.cosine_similarity(found, wanted, dim=1)  # [B, h, w]
    return ((error + cosine_weight * angle) * weight).mean()


@torch.no_grad()
def measure_fidelity(network: Pdn, targets: Targets) -> dict[str, float]:
    """How well the student gives the teacher's features of photos it never saw: R2, cosine, linear CKA.

    From sums over the cells, photo by photo: the cells of all would take gigabytes.
    """
    channels = targets.targets.shape[-1]
    sums, products = torch.zeros(2 * channels).double(), torch.zeros(2 * channels, 2 * channels).double()
    cells, errors, cosines = 0, 0.0, 0.0
    for index in range(len(targets.images) - targets.held_out, len(targets.images)):
        image = to_image(targets.images[index].copy())
        found = network(image)[0].flatten(1).T.double()  # [h * w, C]
        wanted = torch.from_numpy(targets.targets[index].astype(np.float64)).flatten(0, 1)  # [h * w, C]
        both = torch.cat([found, wanted], 1)  # [h * w, 2 C]
        sums, products, cells = sums + both.sum(0), products + both.T @ both, cells + len(both)
        errors += float(((found - wanted) ** 2).sum())
        cosines += float(F.cosine_similarity(found, wanted, dim=1).sum())
    spread = products - sums[:, None] * sums / cells  # [2 C, 2 C], of what is left of both without their means
    xx, xy, yy = spread[:channels, :channels], spread[:channels, channels:], spread[channels:, channels:]
    r2 = 1.0 - errors / yy.trace()
    cka = xy.norm() ** 2 / (xx.norm() * yy.norm())
    return {"r2": round(float(r2), 4), "cosine": round(cosines / cells, 4), "cka": round(float(cka), 4)}
