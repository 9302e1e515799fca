"""Normal pictures -> those to learn from and those held out to set the threshold.

A held-out picture must be new to the network, or the false-alarm rate promised from it is too good. So what belongs
together is never on both sides: recording sessions where they are known; else identical pictures, and bursts, that is
neighbours in name order which look nearly the same. A file that lies in several sessions is learnt from. Bursts are
found by thumbnails and only where neighbours are far nearer to each other than pictures of this category usually are,
so that a part in a fixed frame, where all pictures look alike, is not taken for one long burst.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from baad.data.checksum import hash_file
from baad.data.decode import open_samples, read_content, show_path, to_picture
from baad.data.files import natural_order
from baad.data.sample import GoodImage
from baad.errors import DataError, SettingError
from baad.progress import Progress, Silence

SHOWN = 4  # names of sessions
THUMBNAIL = 16  # px, both sides
BURST_DISTANCE = 6.0  # grey levels, root mean square over the thumbnail: neighbours further apart are no burst
BURST_SHARE = 0.15  # nor are those at more than this share of the usual distance (at .15 real series fall into runs)
PAIRS = 500  # random pairs that tell the usual distance
ENOUGH = 0.5  # of the share: where the groups that fit into it hold fewer pictures, one more is held out
MOST_HELD_OUT = 0.5  # of the pictures, with that one
LARGEST_GROUP = 0.5  # share of the pictures; a group found by looks that is larger is taken apart again


@dataclass(frozen=True)
class Split:
    """The two sides, each in name order, and one line that says what was held out and what was kept together.

    `near_copies` numbers the held-out pictures: those of one number are near copies of each other, one observation.
    """

    fit: tuple[GoodImage, ...]
    held_out: tuple[GoodImage, ...]
    note: str
    near_copies: tuple[int, ...]
    observations: int  # of all pictures that were split


def split_held_out(images: Sequence[GoodImage], share: float, seed: int, progress: Progress | None = None) -> Split:
    """Hold out about `share` of the pictures, whole groups at a time; the same for the same pictures and seed.

    At least one picture is on each side. Groups are drawn at random and taken while they fit into the share; where
    none fits, or those that do hold less than half of it, the smallest of the rest comes besides, unless more than half
    of the pictures were then held out. Reads every picture that has no session, for its thumbnail, and files of equal
    size, to tell copies.

    Raises DataError for fewer than two pictures, SettingError for a share outside 0..1, ImageError for a picture that
    cannot be read.
    """
    if not 0.0 < share < 1.0:
        raise SettingError(f"The held-out share is {share}: give a number between 0 and 1, such as 0.1.")
    if len(images) < 2:
        raise DataError(f"{len(images)} normal pictures cannot be split. Give at least 2; 100 is good.")
    ordered = sorted(images, key=lambda image: natural_order(image.path))
    copies = _number_copies(ordered)  # int [N]
    groups, near, kept = _group(ordered, copies, seed, progress or Silence())  # int [N] twice
    held = _choose_groups(groups, count_held_out(len(ordered), share), np.random.default_rng([seed, 1]))  # bool [N]
    held, moved = _learn_from_copies(held, copies)
    fit = tuple(image for image, out in zip(ordered, held) if not out)
    held_out = tuple(image for image, out in zip(ordered, held) if out)
    note = f"Held out {len(held_out)} of {len(ordered)} normal pictures{_name_sessions(held_out)}{kept}{moved}."
    return Split(fit, held_out, note, tuple(int(number) for number in near[held]), len(set(near)))


def number_near_copies(images: Sequence[GoodImage], seed: int, progress: Progress) -> tuple[int, ...]:
    """A number for each picture, in the order given: the same for near copies, which are one observation, not several.

    Near copies are files of the same content, and where no session is known, or only one, bursts. Reads every picture
    that has no session. Raises ImageError for one that cannot be read.
    """
    order = sorted(range(len(images)), key=lambda index: natural_order(images[index].path))
    ordered = [images[index] for index in order]
    near = _group(ordered, _number_copies(ordered), seed, progress)[1] if images else ()
    numbers = dict(zip(order, near))
    return tuple(int(numbers[index]) for index in range(len(images)))


def count_held_out(count: int, share: float) -> int:
    """How many of `count` pictures a share holds out where no group stands in the way: one to all but one."""
    return min(max(1, round(share * count)), count - 1)


def find_bursts(thumbnails: np.ndarray, seed: int) -> np.ndarray:
    """Number the groups of pictures that belong together by their looks: float32 [N, ...] in name order -> int [N].

    Identical thumbnails are one group wherever they stand, near ones only where they are neighbours. Nearness is left
    aside where it would tie more than half of the pictures together, and identity where it would tie all.
    """
    count = len(thumbnails)
    flat = thumbnails.reshape(count, -1).astype(np.float32)
    single = np.arange(count)
    twins = np.unique(flat, axis=0, return_inverse=True)[1].reshape(-1)
    joined = _join(_find_runs(flat, seed), twins)
    if np.bincount(joined).max() > max(2, LARGEST_GROUP * count):
        joined = twins
    return single if joined.min() == joined.max() else joined


def _find_runs(flat: np.ndarray, seed: int) -> np.ndarray:
    """Number the runs of neighbours which are near each other, and nearer than is usual: [N, D] -> int [N]."""
    steps = _distance(flat[1:], flat[:-1])  # [N - 1]
    pairs = np.random.default_rng([seed, 2]).integers(0, len(flat), (PAIRS, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    usual = float(np.median(_distance(flat[pairs[:, 0]], flat[pairs[:, 1]]))) if len(pairs) else 0.0
    return np.concatenate([[0], np.cumsum((steps > BURST_DISTANCE) | (steps >= BURST_SHARE * usual))])


def _join(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Groups in which two are together if either numbering puts them together, directly or by way of others."""
    joined = first
    while True:
        before = joined
        for groups in (second, first):
            lowest = np.full(groups.max() + 1, len(groups))
            np.minimum.at(lowest, groups, joined)
            joined = lowest[groups]
        if (joined == before).all():
            return joined


def _group(
    images: Sequence[GoodImage], copies: np.ndarray, seed: int, progress: Progress
) -> tuple[np.ndarray, np.ndarray, str]:
    """Numbers of what stays together and of near copies, int [N] each, and what to say about the first.

    Pictures in name order; copies: int [N], the same for files of the same content.
    """
    sessions = sorted({image.session for image in images} - {""})
    groups = np.array([sessions.index(image.session) if image.session else -1 for image in images])
    loose = np.flatnonzero(groups < 0)
    near, notes = np.arange(len(images)), []
    if len(sessions) == 1 and not len(loose):
        loose, groups = np.arange(len(images)), np.full(len(images), -1)
        notes.append("all are of one recording session")
    elif sessions:
        notes.append(f"{len(sessions)} recording sessions were kept whole")
    if len(loose):
        found = find_bursts(_read_thumbnails([images[int(index)] for index in loose], progress), seed)
        groups[loose] = len(sessions) + found
        near[loose] = len(images) + found  # apart from the numbers of pictures in sessions
        sizes = np.bincount(found)
        if sizes.max() > 1:
            runs = int((sizes > 1).sum())
            kept = f"{runs} group{'s' if runs != 1 else ''}"
            notes.append(f"{sizes[sizes > 1].sum()} nearly identical pictures were kept in {kept}")
    near = _join(np.unique(near, return_inverse=True)[1].reshape(-1), copies)
    return groups, near, "; " + "; ".join(notes) if notes else ""


def _choose_groups(groups: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Mark about `wanted` pictures, whole groups at a time: int [N] -> bool [N]."""
    names, sizes = np.unique(groups, return_counts=True)
    taken, left, total = list[int](), list[int](), 0
    for index in rng.permutation(len(names)):
        fits = total + sizes[index] <= wanted
        (taken if fits else left).append(index)
        total += sizes[index] if fits else 0
    more = min(left, key=lambda index: sizes[index])  # the smallest; of several the one drawn first
    if not taken or (total < ENOUGH * wanted and total + sizes[more] <= MOST_HELD_OUT * len(groups)):
        taken.append(more)
    return np.isin(groups, names[taken])


def _number_copies(images: Sequence[GoodImage]) -> np.ndarray:
    """The same number for files of the same content: int [N]. What cannot be read is unlike all others."""
    sizes = [_size_of(image.path) for image in images]
    shared, first = Counter(sizes), dict[object, int]()
    contents = [_content_of(image.path) if shared[size] > 1 else image.path for image, size in zip(images, sizes)]
    return np.array([first.setdefault(content, number) for number, content in enumerate(contents)])


def _size_of(file: Path) -> int:
    return os.path.getsize(file) if os.path.isfile(file) else -1


def _content_of(file: Path) -> str | Path:
    try:
        return hash_file(file)
    except OSError:
        return file


def _learn_from_copies(held: np.ndarray, copies: np.ndarray) -> tuple[np.ndarray, str]:
    """Hold out no copy of what is learnt from: bool [N], int [N] -> bool [N], and what to say about it.

    Where nothing else would be left to hold out, all pictures are copies of one another, and all stays as it is.
    """
    fresh = held & ~np.isin(copies, copies[~held])
    moved = int(held.sum() - fresh.sum())
    if not moved or not fresh.any():
        return held, ""
    return fresh, f"; {moved} copies of pictures to learn from are not held out"


def _name_sessions(held_out: Sequence[GoodImage]) -> str:
    """The recording sessions among the held-out pictures, by name."""
    names = sorted({show_path(image.session) for image in held_out} - {""})
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f" ({', '.join(names[:SHOWN])}{more})" if names else ""


def _read_thumbnails(images: Sequence[GoodImage], progress: Progress) -> np.ndarray:
    """Small grey versions, float32 [N, 16, 16]."""
    thumbnails = np.empty((len(images), THUMBNAIL, THUMBNAIL), np.float32)
    with progress.task("looking for bursts", len(images)) as task:
        for index, image in enumerate(images):
            samples = open_samples(read_content(image.path), image.path, reduce_to=4 * THUMBNAIL)
            grey = Image.fromarray(to_picture(samples, image.path)).convert("L")
            thumbnails[index] = np.asarray(grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
            task.advance()
    return thumbnails


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Root mean square difference per row: [N, D] twice -> [N]."""
    return np.sqrt(((first - second) ** 2).mean(axis=1))
