import numpy as np
import pytest
import torch.nn.functional as F
from PIL import Image

from baad.baselines.nearest import NearestNeighbour
from baad.data.sample import GoodImage


def mean_colour(images):
    return F.avg_pool2d(images, 4)


@pytest.fixture
def fitted(tmp_path):
    rng = np.random.default_rng(0)
    images = []
    for index in range(4):
        picture = (100 + rng.integers(0, 20, (64, 64, 3))).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{index}.png")
        images.append(GoodImage(tmp_path / f"{index}.png"))
    detector = NearestNeighbour(mean_colour, image_size=64, memory=200, seed=0)
    detector.fit(images)
    return detector, picture


def test_a_remembered_picture_is_near_itself_and_a_spot_is_far(fitted):
    detector, picture = fitted
    spotted = picture.copy()
    spotted[16:32, 32:48] = 250
    normal, defective = detector.score(picture), detector.score(spotted)
    assert defective.score > 10 * normal.score
    row, column = np.unravel_index(defective.anomaly.argmax(), defective.anomaly.shape)
    assert 8 <= row < 16 and 16 <= column < 24  # the map has half the picture's side


def test_distances_are_those_of_a_loop_over_all_patches(fitted):
    detector, picture = fitted
    patches = (detector._patches(picture) - detector._mean) / detector._std
    slow = np.array(
        [[min(float((cell - other).norm()) for other in detector._bank) for cell in row] for row in patches]
    )
    squared = detector._norms[None] - 2 * patches.flatten(0, 1) @ detector._bank.T
    fast = (squared.min(1).values + (patches.flatten(0, 1) ** 2).sum(1)).clamp(min=0).sqrt().reshape(8, 8).numpy()
    assert np.allclose(slow, fast, atol=2e-3)
