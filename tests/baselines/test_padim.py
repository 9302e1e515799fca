import numpy as np
import pytest
import torch.nn.functional as F

from baad.baselines.baseline import Normals
from baad.baselines.padim import PaDiM
from baad.learn.pictures import to_images
from baad.progress import Silence


def mean_colour(images):
    return F.avg_pool2d(images, 4)


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (9, 8, 16, 3)).astype(np.uint8)


def test_distances_are_mahalanobis_with_a_hundredth_of_the_identity(pictures):
    detector = PaDiM(mean_colour)
    detector.fit(Normals(pictures, pictures[:0]), Silence())
    seen = np.stack([mean_colour(to_images(each[None]))[0].numpy() for each in pictures])  # [9, 3, 2, 4]
    new = np.random.default_rng(1).integers(0, 256, (8, 16, 3)).astype(np.uint8)
    patch = mean_colour(to_images(new[None]))[0].numpy()
    expected = np.empty((2, 4))
    for row, column in np.ndindex(2, 4):
        normal = seen[:, :, row, column]
        covariance = np.cov(normal, rowvar=False) + 0.01 * np.eye(3)
        offset = patch[:, row, column] - normal.mean(0)
        expected[row, column] = np.sqrt(offset @ np.linalg.inv(covariance) @ offset)
    assert np.allclose(detector.distances(to_images(new[None])).numpy(), expected, rtol=1e-3)


def test_what_is_normal_elsewhere_is_not_normal_here():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 4, (6, 32, 32, 3)).astype(np.uint8)
    pictures[:, :, 16:] += 200  # dark on the left, bright on the right
    detector = PaDiM(mean_colour)
    detector.fit(Normals(pictures, pictures[:0]), Silence())
    turned = pictures[0, :, ::-1]
    assert detector.score(np.ascontiguousarray(turned)).score > 5 * detector.score(pictures[0]).score


def test_a_random_part_of_the_channels_is_kept(pictures):
    detector = PaDiM(mean_colour, channels=2)
    told = detector.fit(Normals(pictures, pictures[:0]), Silence())
    assert (told.parameters, told.macs) == (8 * (2 + 4), 8 * 4)  # a mean and a covariance in each of the 2x4 cells
