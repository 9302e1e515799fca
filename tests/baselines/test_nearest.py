import numpy as np
import pytest
import torch
import torch.nn.functional as F

from baad.baselines.baseline import Normals
from baad.baselines.nearest import NearestNeighbour, nearest_distance
from baad.baselines.padim import PaDiM
from baad.progress import Silence


def mean_colour(images):
    return F.avg_pool2d(images, 4)


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    pictures = (100 + rng.integers(0, 20, (4, 64, 64, 3))).astype(np.uint8)
    detector = NearestNeighbour(mean_colour, memory=200, seed=0)
    told = detector.fit(Normals(pictures, pictures[:0]), Silence())
    return detector, pictures[-1], told


def test_a_remembered_picture_is_near_itself_and_a_spot_is_far(fitted):
    detector, picture, _ = fitted
    spotted = picture.copy()
    spotted[16:32, 32:48] = 250
    normal, defective = detector.score(picture), detector.score(spotted)
    assert defective.score > 10 * normal.score
    row, column = np.unravel_index(defective.anomaly.argmax(), defective.anomaly.shape)
    assert 8 <= row < 16 and 16 <= column < 24  # the map has half the picture's side


@pytest.mark.parametrize("new", [lambda see: NearestNeighbour(see, memory=200), PaDiM])
def test_a_map_shows_a_spot_where_it_is_though_features_tell_of_it_elsewhere(new):
    pictures = (100 + np.random.default_rng(1).integers(0, 20, (12, 128, 128, 3))).astype(np.uint8)
    detector = new(lambda images: mean_colour(torch.roll(images, (12, 8), (2, 3))))
    detector.fit(Normals(pictures, pictures[:0]), Silence())
    spotted = pictures[0].copy()
    spotted[40:56, 72:88] = 255
    told = detector.score(spotted).anomaly  # [64, 64]
    assert np.abs(np.argwhere(told > 0.9 * told.max()).mean(axis=0) - [23.5, 39.5]).max() < 1


def test_the_nearest_of_two_remembered_patches_counts():
    memory = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    found = nearest_distance(torch.tensor([[3.0, 4.0], [10.0, 2.0], [0.0, 0.0]]), memory)
    assert found.tolist() == pytest.approx([5.0, 2.0, 0.0], abs=1e-5)


def test_distances_are_those_of_a_loop_over_all_patches(monkeypatch):
    monkeypatch.setattr("baad.baselines.nearest.CHUNK", 7)
    patches, bank = torch.rand(5, 3, generator=torch.manual_seed(0)), torch.rand(20, 3)
    slow = [min(float((patch - other).norm()) for other in bank) for patch in patches]
    assert nearest_distance(patches, bank).tolist() == pytest.approx(slow, abs=1e-5)


def test_the_cost_is_that_of_comparing_every_patch_with_every_remembered_one(fitted):
    assert (fitted[2].steps, fitted[2].parameters, fitted[2].macs) == (0, 200 * 3, 8 * 8 * 200 * 3)
