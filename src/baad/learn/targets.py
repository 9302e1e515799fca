"""Photos -> what the PDN is to give for them: the teacher's features, reduced to the PDN's channels and kept on disk.

The teacher sees each photo at twice the student's size, so that its stride 8 falls on the student's stride 4. Pairs of
picture and target lie in two plain files that only grow: a stopped run goes on where it was.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save
from torch import Tensor

from baad.atomic import write_bytes, write_text
from baad.data.checksum import hash_file
from baad.data.decode import read_image, show_path
from baad.data.files import find_images
from baad.errors import DataError, ImageError, InputError, OutputError, SettingError
from baad.learn.batches import draw_ahead
from baad.learn.pdn import STRIDE
from baad.learn.pictures import to_images
from baad.learn.precision import autocast
from baad.learn.teacher import DEFAULT, Teacher, load_teacher, require_maps
from baad.progress import Progress

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}  # what is cached and learnt depends on this list
CLIP = 5.0  # standard deviations at which a target component is cut
CHUNK = 8  # crops between two writes
FITTED_ON = 200  # crops, 500 patches of each: what the reduction to fewer channels is fitted on
MEASURED_ON = 300  # photos held out at most: more make the figures hardly surer, and none is learnt from
NAMED = 5  # photos that cannot be read, besides the first
GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class TargetSettings:
    """What the cached pairs depend on, besides the photos."""

    teacher: str = DEFAULT
    weights: str = ""  # local file with the teacher's weights; empty: the hub, or the package
    reduction: str = "pca"  # or "pooled", neighbouring channels averaged (Batzner et al. 2023)
    image_size: int = 256  # px of a student image; the teacher sees twice that
    crops: int = 1  # of every photo
    grey_share: float = 0.1  # of the crops, shown without colour to teacher and student alike
    held_out_share: float = 0.03  # of the photos, MEASURED_ON at most, never trained on: fidelity comes from them
    cache_gb: float = 16.0  # most that the cached pairs may take
    seed: int = 0

    def __post_init__(self) -> None:
        if self.reduction not in ("pca", "pooled"):
            raise SettingError(f"reduction is {self.reduction!r}: give pca or pooled.")


@dataclass(frozen=True)
class Targets:
    """Cached pairs: `images` uint8 [N, S, S, 3] and `targets` float16 [N, S / 4, S / 4, C]; the last are held out.

    `about` says which teacher gave them: name, licence, SHA-256 of its weights, channels. `photos`: what they are of.
    """

    images: np.ndarray
    targets: np.ndarray
    held_out: int
    about: dict[str, Any]
    key: str = ""
    photos: tuple[Path, ...] = ()


def find_photos(folders: Sequence[Path]) -> list[Path]:
    """All photos in the folders and below, files with one of SUFFIXES, each once, in a fixed order. DataError where
    there are hardly any."""
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder. Give folders that hold photos.")
    photos: dict[str, Path] = {}  # by their true place: a folder may be given twice, or with another one in it
    for folder in folders:
        for file in sorted(find_images(folder, recursive=True)):
            if file.suffix.lower() in SUFFIXES:
                photos.setdefault(os.path.realpath(file), file)
    if len(photos) < 2:
        raise DataError(f"No photos in {', '.join(map(str, folders))}. Give folders that hold JPEG or PNG files.")
    return list(photos.values())


def cache_targets(
    photos: Sequence[Path], channels: int, work: Path, settings: TargetSettings, device: str, progress: Progress
) -> Targets:
    """Teacher features of the photos' crops, reduced to `channels`. Reads from `work` what is there already.

    Raises OutputError where the disk has no room, InputError where a teacher or photos cannot be had.
    """
    rng = np.random.default_rng(settings.seed)
    order = [photos[i] for i in rng.permutation(len(photos))]
    pair_bytes = _pair_bytes(settings.image_size, channels)
    held_out = count_held_out(len(order), int(settings.cache_gb * GIB // pair_bytes), settings.held_out_share)
    order = order[: len(order) - held_out] * settings.crops + order[-held_out:]
    order = _keep_within(order, held_out, pair_bytes, settings, progress)
    store = _open_store(order, channels, work, settings)
    about_file = work / f"teacher-{store.key}.json"
    done = store.resume()
    if done < len(order) or not about_file.exists():
        _check_room(work, (len(order) - done) * pair_bytes)
        teacher = load_teacher(settings.teacher, Path(settings.weights) if settings.weights else None).to(device)
        require_maps(teacher, 2 * settings.image_size)
        wanted = set(order[done:])
        _check_photos([photo for photo in photos if photo in wanted], progress)
        learnt = order[: len(order) - held_out]
        reduce = _load_reduction(work / f"reduction-{store.key}.safetensors", teacher, learnt, channels, settings)
        about = {"name": teacher.name, "licence": teacher.licence, "weights_sha256": teacher.fingerprint()}
        write_text(about_file, json.dumps(about) + "\n")
        with progress.task("teacher features", len(order)) as task:
            task.advance(done)
            with closing(_read_chunks(order, done, settings)) as chunks:
                for crops in chunks:
                    store.append(crops, reduce(_describe(teacher, crops)).cpu().numpy())
                    task.advance(len(crops))
    images, targets = store.read(len(order))
    return Targets(images, targets, held_out, json.loads(about_file.read_text("utf-8")), store.key, tuple(order))


def count_held_out(photos: int, room: int, share: float) -> int:
    """Photos never trained on: a share of all, or of the `room` crops that the cache holds where those are fewer.

    >>> count_held_out(3090, 20696, 0.03), count_held_out(100_000, 13797, 0.03), count_held_out(5000, 1000, 0.03)
    (93, 300, 30)
    """
    return max(1, min(MEASURED_ON, round(min(photos, room) * share)))


def _check_photos(photos: Sequence[Path], progress: Progress) -> None:
    """Raises ImageError that names the photos which cannot be read: before the teacher's hours, and all at once.

    A photo that is mended or taken out gives the pairs another key, so that the teacher would begin anew.
    """
    with ThreadPoolExecutor(torch.get_num_threads()) as pool, progress.task("reading photos", len(photos)) as task:
        found: dict[Path, str] = {}
        for photo, problem in zip(photos, pool.map(_find_problem, photos)):
            if problem:
                found[photo] = problem
            task.advance()
    if found:
        first, *others = found
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        told = f" The same holds for {', '.join(map(show_path, others[:NAMED]))}{more}." if others else ""
        raise ImageError(f"{len(found)} of {len(photos)} photos cannot be read. {found[first]}{told}")


def _find_problem(photo: Path) -> str:
    """Why a photo cannot be read; nothing where it can."""
    try:
        read_image(photo)
    except ImageError as error:
        return str(error)
    return ""


def _read_chunks(order: Sequence[Path], start: int, settings: TargetSettings) -> Generator[np.ndarray, None, None]:
    """Crops uint8 [CHUNK or fewer, S, S, 3] from the one at `start` on, read while the teacher works.

    As many threads read as PyTorch has.
    """
    starts = range(start, len(order), CHUNK)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:

        def read(index: int) -> np.ndarray:
            those = range(starts[index], min(starts[index] + CHUNK, len(order)))
            return np.stack(list(pool.map(lambda i: read_crop(order[i], settings, i), those)))

        yield from draw_ahead(read, 0, len(starts))


def read_crop(photo: Path, settings: TargetSettings, index: int) -> np.ndarray:
    """A square of the photo, uint8 [S, S, 3], at a random place and scale; half of them mirrored, some without colour.

    What the teacher says of a mirrored picture is not the mirror image of what it says of the picture: mirrored later,
    half of the pairs would be wrong.
    """
    rng = np.random.default_rng([settings.seed, 1, index])
    image = Image.fromarray(read_image(photo))
    side = round(min(image.size) * rng.uniform(0.75, 1.0))
    left, top = (int(rng.integers(0, extent - side + 1)) for extent in image.size)
    size = (settings.image_size, settings.image_size)
    crop = image.resize(size, Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    if rng.random() < settings.grey_share:
        crop = crop.convert("L").convert("RGB")
    if rng.random() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(crop)


@dataclass(frozen=True)
class _Store:
    """Two files of equal numbers of records, which only grow."""

    work: Path
    key: str
    size: int
    channels: int

    @property
    def cells(self) -> int:
        return self.size // STRIDE

    @property
    def records(self) -> dict[Path, int]:
        """Bytes of one record of each file."""
        image, target = _record_bytes(self.size, self.channels)
        return {self.work / f"images-{self.key}.u8": image, self.work / f"targets-{self.key}.f16": target}

    def resume(self) -> int:
        """Records that both files hold, in whole chunks; what is beyond them is cut off."""
        self.work.mkdir(parents=True, exist_ok=True)
        whole = min((file.stat().st_size // size if file.exists() else 0) for file, size in self.records.items())
        held = sum(file.stat().st_size for file in self.records if file.exists())
        done = whole if whole * sum(self.records.values()) == held else whole // CHUNK * CHUNK
        for file, size in self.records.items():
            if file.exists() and file.stat().st_size > done * size:
                os.truncate(file, done * size)
        return done

    def append(self, images: np.ndarray, targets: np.ndarray) -> None:
        try:
            for file, values in zip(self.records, (images, targets)):
                append_bytes(file, values.tobytes())
        except OSError as error:
            raise OutputError(
                f"Cannot write the cache in {self.work}: {error.strerror or error}. "
                "Make room, or give another --work; the same call goes on from here."
            ) from error

    def read(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        images, targets = self.records
        return (
            np.memmap(images, np.uint8, "r", shape=(count, self.size, self.size, 3)),
            np.memmap(targets, np.float16, "r", shape=(count, self.cells, self.cells, self.channels)),
        )


def append_bytes(file: Path, content: bytes) -> None:
    """Add to the end of a file."""
    with file.open("ab") as opened:
        opened.write(content)


def _record_bytes(size: int, channels: int) -> tuple[int, int]:
    """Of one picture uint8 [size, size, 3], and of its target float16 [size / 4, size / 4, channels]."""
    return size * size * 3, (size // STRIDE) ** 2 * channels * 2


def _pair_bytes(size: int, channels: int) -> int:
    return sum(_record_bytes(size, channels))


def _open_store(order: Sequence[Path], channels: int, work: Path, settings: TargetSettings) -> _Store:
    """The files that belong to these photos and settings, found by a hash of both."""
    drawn = {k: v for k, v in asdict(settings).items() if k not in ("cache_gb", "weights")}
    if settings.weights:
        drawn["weights"] = _digest(Path(settings.weights))
    known = {photo: _digest(photo) for photo in dict.fromkeys(order)}
    named = [known[photo] for photo in order]
    key = hashlib.sha256(json.dumps([named, drawn, channels]).encode()).hexdigest()[:16]
    return _Store(work, key, settings.image_size, channels)


def _keep_within(
    order: list[Path], held_out: int, pair_bytes: int, settings: TargetSettings, progress: Progress
) -> list[Path]:
    """As many crops as the cache may hold, those held out among them; says so where that is not all."""
    room = int(settings.cache_gb * GIB // pair_bytes)
    if room >= len(order):
        return order
    if room <= held_out:
        least = math.ceil((held_out + 1) * pair_bytes / GIB * 1000) / 1000
        raise SettingError(
            f"The cache may take {settings.cache_gb:g} GB, too little to learn from some crops of "
            f"{pair_bytes / 2**20:.1f} MB and to measure with others. Give more, at least --cache {least:g}."
        )
    progress.warn(
        f"the cache may take {settings.cache_gb:g} GB: {room} of {len(order)} crops are used; "
        f"--cache {len(order) * pair_bytes / GIB:.1f} holds all"
    )
    return order[: room - held_out] + order[-held_out:]


def _check_room(work: Path, wanted: int) -> None:
    """Raises OutputError before hours of work rather than after them."""
    free = shutil.disk_usage(work).free
    if wanted > free:
        raise OutputError(
            f"The cached targets take {wanted / GIB:.1f} GB, but {work} has {free / GIB:.1f} GB left. "
            "Make room, give another --work, or bound the cache with --cache GB."
        )


def _digest(file: Path) -> str:
    """SHA-256 of what a file holds: names and sizes can be those of another."""
    try:
        return hash_file(file)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}. Give a file that is there.") from error


class _Reduction:
    """Teacher features [B, C, h, w] -> fewer channels [B, h, w, c], cut at 5 deviations."""

    def __init__(self, mean: Tensor, axes: Tensor, limits: Tensor) -> None:
        self.mean, self.axes, self.limits = mean, axes, limits  # [C], [C, c], [c]

    def __call__(self, features: Tensor) -> Tensor:
        mean, axes, limits = (each.to(features.device) for each in (self.mean, self.axes, self.limits))
        flat = features.permute(0, 2, 3, 1) - mean  # [B, h, w, C]
        return (flat @ axes).clamp(-limits, limits).half()


def fit_components(patches: Tensor, channels: int) -> dict[str, Tensor]:
    """The first principal components, each scaled so that its deviation is the square root of what it was.

    Fully whitened, most components are noise that no small network can predict, and they would drown the rest.
    patches: [P, C] -> mean [C], axes [C, c], limits [c].
    """
    mean = patches.mean(0)
    scale = (patches - mean).std(0) + 1e-6  # channels of both strides count alike
    values, vectors = torch.linalg.eigh(torch.cov(((patches - mean) / scale).T.double()))
    values, vectors = values.flip(0)[:channels].clamp(min=1e-9), vectors.flip(1)[:, :channels]
    deviations = values**0.25  # the square root of what they were
    deviations = deviations / deviations.square().mean().sqrt()  # unit variance in the mean over the channels
    axes = (vectors / values.sqrt() * deviations).float() / scale[:, None]
    return {"mean": mean, "axes": axes.contiguous(), "limits": CLIP * deviations.float()}


def fit_pooling(patches: Tensor, channels: int) -> dict[str, Tensor]:
    """Means of neighbouring channels, each with mean 0 and variance 1. Same shapes as `fit_components`."""
    pooling = F.adaptive_avg_pool1d(torch.eye(patches.shape[1]), channels)  # [C, c]
    spread = (patches @ pooling).std(0) + 1e-6
    return {"mean": patches.mean(0), "axes": (pooling / spread).contiguous(), "limits": torch.full((channels,), CLIP)}


def _load_reduction(
    file: Path, teacher: Teacher, photos: Sequence[Path], channels: int, settings: TargetSettings
) -> _Reduction:
    if not file.exists():
        patches = _sample_patches(teacher, photos, settings)  # [P, C]
        if settings.reduction == "pca" and patches.shape[1] < channels:
            raise SettingError(
                f"{settings.teacher} has {patches.shape[1]} channels, the network {channels}: principal components "
                "cannot be more. Give --reduction pooled, or a wider teacher."
            )
        fit = fit_components if settings.reduction == "pca" else fit_pooling
        write_bytes(file, save(fit(patches, channels)))
    return _Reduction(**load_file(file))


def _sample_patches(teacher: Teacher, photos: Sequence[Path], settings: TargetSettings) -> Tensor:
    rng, found = np.random.default_rng([settings.seed, 3]), []
    for index in range(min(FITTED_ON, len(photos))):
        features = _describe(teacher, read_crop(photos[index], settings, index)[None])[0].flatten(1).T.cpu()  # [h*w, C]
        found.append(features[torch.from_numpy(rng.choice(len(features), min(500, len(features)), replace=False))])
    return torch.cat(found)


def _describe(teacher: Teacher, crops: np.ndarray) -> Tensor:
    images = to_images(np.array(crops, order="C"), teacher.mean.device)  # [B, 3, S, S]
    doubled = F.interpolate(images, scale_factor=2, mode="bicubic", align_corners=False).clamp(0, 1)
    with torch.no_grad(), autocast(str(doubled.device)):
        return teacher(doubled).float()  # [B, C, S / 4, S / 4]
