"""The codebook of generic patches that comes with a PDN: what photos of anything look like to it.

The foreground recipe for varying backgrounds compares with it. Made once, with `python -m baad.learn.codebook`
and folders of photos; like the PDN's weights, the result lies in `weights/` with a card. Models of every size have
their foreground found by one PDN, `SEEKER`: it is looked for once, before training, and costs nothing on the line.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file, save

from baad.atomic import write_bytes, write_text
from baad.data.checksum import hash_file
from baad.data.decode import read_image
from baad.errors import BaadError, BundleError, DataError
from baad.foreground.codebook import make_codebook
from baad.foreground.patches import SHARED_CELLS, pool_patches
from baad.learn.pdn import WEIGHTS, Pdn, hash_of, load_pdn, verify
from baad.learn.pictures import to_image
from baad.learn.targets import find_photos
from baad.progress import PlainLines, Progress

SEEKER = "fast"  # the PDN that describes patches for the foreground recipes
IMAGE_SIZE = 256  # px: a square, into which every photo is squashed
CENTROIDS = 3072
PATCHES_A_PHOTO = 24
SEED = 0


def build_codebook(folders: Sequence[Path], out: Path, progress: Progress, centroids: int = CENTROIDS) -> dict:
    """Write `out`/codebook_fast.safetensors (key `centroids`, float16 [K, C]) and its card. Returns the card.

    Uses the shipped PDN on every photo in the folders and below, pooled exactly as the foreground recipe pools.

    Raises DataError for too few photos, ImageError for a damaged one, OutputError.
    """
    photos = find_photos(folders)
    if len(photos) * PATCHES_A_PHOTO < centroids:
        raise DataError(
            f"{len(photos)} photos in {', '.join(map(str, folders))} are too few for {centroids} centroids: "
            f"give folders with at least {-(-centroids // PATCHES_A_PHOTO)}."
        )
    rng = np.random.default_rng(SEED)
    patches = _sample_patches(photos, load_pdn(SEEKER), rng, progress)
    found = make_codebook(patches, centroids, rng).astype(np.float16)
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"codebook_{SEEKER}.safetensors"
    write_bytes(file, save({"centroids": found}))
    card = {
        "name": f"codebook_{SEEKER}",
        "pdn_sha256": hash_of(SEEKER),
        "images": {folder.name: sum(photo.is_relative_to(folder) for photo in photos) for folder in folders},
        "settings": {
            "image_size": IMAGE_SIZE,
            "cells": SHARED_CELLS,
            "patches_a_photo": PATCHES_A_PHOTO,
            "centroids": centroids,
            "seed": SEED,
        },
        "sha256": hash_file(file),
    }
    write_text(out / f"codebook_{SEEKER}.json", json.dumps(card, indent=2) + "\n")
    return card


def hash_codebook() -> str:
    """SHA-256 that the card of the shipped generic patches states. BundleError where it is absent."""
    return str(json.loads(_find_files()[1].read_text("utf-8"))["sha256"])


def load_codebook() -> np.ndarray:
    """The shipped generic patches, float32 [K, C]. BundleError where absent, damaged, or made for another PDN."""
    file, card_file = _find_files()
    if verify(file, card_file).get("pdn_sha256") != hash_of(SEEKER):
        raise BundleError(
            f"{file.name} was made with another PDN than pdn_{SEEKER}.safetensors. "
            "Make it again: python -m baad.learn.codebook PHOTOS..."
        )
    return load_file(file)["centroids"].astype(np.float32)


def _find_files() -> tuple[Path, Path]:
    """Where the shipped generic patches and their card lie."""
    file, card_file = WEIGHTS / f"codebook_{SEEKER}.safetensors", WEIGHTS / f"codebook_{SEEKER}.json"
    if not file.exists() or not card_file.exists():
        raise BundleError(f"{file.name} or its card is missing. Install baad again.")
    return file, card_file


def _sample_patches(photos: Sequence[Path], pdn: Pdn, rng: np.random.Generator, progress: Progress) -> np.ndarray:
    found = []
    with progress.task("generic patches", len(photos)) as task, torch.no_grad():
        for photo in photos:
            square = (IMAGE_SIZE, IMAGE_SIZE)
            image = Image.fromarray(read_image(photo)).resize(square, Image.Resampling.BILINEAR)
            pixels = to_image(np.asarray(image).copy())
            pooled = pool_patches(pdn(pixels).permute(0, 2, 3, 1).numpy())  # [1, g, g, C]
            flat = pooled.reshape(-1, pooled.shape[-1])
            found.append(flat[rng.choice(len(flat), PATCHES_A_PHOTO, replace=False)])
            task.advance()
    return np.concatenate(found)


if __name__ == "__main__":
    try:
        build_codebook([Path(folder) for folder in sys.argv[1:]], WEIGHTS, PlainLines())
    except BaadError as error:
        sys.exit(f"baad: {error}")
