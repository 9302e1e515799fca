"""Pictures that the line would refuse to judge, by their size or aspect: no threshold may come from them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from baad.data.decode import read_image, show_path
from baad.data.sample import GoodImage
from baad.data.split import Split
from baad.errors import DataError
from baad.progress import Progress
from baad.runtime.detector import check_input


def find_unlike(pictures: Sequence[GoodImage], manifest: Mapping[str, Any], progress: Progress) -> dict[int, str]:
    """Which pictures are none that the model was trained for, by number, and why.

    manifest: its `image_shapes` are looked at. Raises ImageError for a picture that cannot be read.
    """
    found = {}
    with progress.task("looking at sizes", len(pictures)) as task:
        for number, image in enumerate(pictures):
            height, width, _ = read_image(image.path).shape
            if notes := check_input((height, width), manifest):
                found[number] = notes[0]
            task.advance()
    return found


def leave_out_unlike(split: Split, manifest: Mapping[str, Any], progress: Progress) -> tuple[Split, str]:
    """The split without those held-out pictures that the line would not judge, and an example of them; "" for none."""
    unlike = find_unlike(split.held_out, manifest, progress)
    if not unlike:
        return split, ""
    number, why = next(iter(unlike.items()))
    kept = [index for index in range(len(split.held_out)) if index not in unlike]
    held_out = tuple(split.held_out[index] for index in kept)
    near = tuple(split.near_copies[index] for index in kept)
    return replace(split, held_out=held_out, near_copies=near), f"{show_path(split.held_out[number].path)}: {why}"


def hold_out_alike(split: Split, manifest: Mapping[str, Any], progress: Progress) -> Split:
    """As `leave_out_unlike`, with a warning, and a word in the note. Raises DataError where none is left."""
    alike, example = leave_out_unlike(split, manifest, progress)
    if not example:
        return split
    if not alike.held_out:
        raise DataError(
            f"No held-out picture is like those to learn from ({example}), so that no threshold can be set. Give "
            "pictures of one size and aspect, more of each kind, or another seed."
        )
    out, several = len(split.held_out), len(split.held_out) - len(alike.held_out)
    left_out = f"{several} of {out} held-out pictures {'is' if several == 1 else 'are'} left out of the threshold"
    progress.warn(f"{left_out}, unlike those to learn from ({example})")
    return replace(alike, note=f"{split.note} {left_out}, unlike those to learn from.")
