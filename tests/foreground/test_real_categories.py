"""The gate's word on real categories, with the shipped PDN and codebook. Needs BAAD_DATA; true outlines only judge."""

import os
from pathlib import Path

import numpy as np
import pytest

from baad.data.decode import read_image
from baad.data.geometry import resize_image, resize_mask
from baad.data.masks import read_mask
from baad.foreground.gate import judge_masks
from baad.foreground.propose import propose_masks
from baad.foreground.refine import overlap
from baad.progress import Silence

ROOT = Path(os.environ.get("BAAD_DATA", "absent"))
COUNT = 24
pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="BAAD_DATA names no folder with the real categories")


def judge(category):
    """The gate, and the pictures it saw."""
    from baad.learn.codebook import load_codebook
    from baad.learn.foreground_masks import describe_patches
    from baad.learn.pdn import load_pdn

    files = sorted((ROOT / category / "train" / "good").iterdir())
    outlines = ROOT / category / "foreground" / "train" / "good"
    if outlines.is_dir():
        files = [file for file in files if (outlines / f"{file.stem}.png").exists()]
    files = [files[i] for i in np.linspace(0, len(files) - 1, min(COUNT, len(files))).astype(int)]
    shapes = [read_image(file).shape[:2] for file in files]
    images = np.stack([resize_image(read_image(file), (256, 256)) for file in files])
    features = describe_patches(load_pdn("fast"), images)
    gate = judge_masks(propose_masks(images, features, load_codebook(), Silence(), np.random.default_rng(0)), images)
    return gate, [(outlines / f"{file.stem}.png", shape) for file, shape in zip(files, shapes)]


@pytest.mark.parametrize(
    ("category", "least"), [("coffee_leaf", 0.93), ("leaf_cbg", 0.88), ("dobot_cube", 0.7), ("cube_pool", 0.9)]
)
def test_parts_in_front_of_a_background_are_found(category, least):
    gate, outlines = judge(category)
    assert gate.accepted, gate.reason
    truths = [resize_mask(read_mask(file, shape), (256, 256)) for file, shape in outlines]
    mean = float(np.mean([overlap(mask >= 0.5, truth) for mask, truth in zip(gate.masks, truths)]))
    print(f"{category}: {gate.recipe}, quality {gate.quality:.3f}, IoU {mean:.3f}")
    assert mean >= least


@pytest.mark.parametrize("category", ["ball_screw", "magnetic_tile", "piped_pa_bft01_tl", "piped_pa_brg03_tl"])
def test_where_the_part_fills_the_picture_the_gate_stays_shut(category):
    gate, _ = judge(category)
    print(f"{category}: {gate.recipe}, quality {gate.quality:.3f}, {gate.reason}")
    assert not gate.accepted
