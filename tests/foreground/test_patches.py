import numpy as np
import pytest

from baad.foreground.patches import describe_cells, lab_cells, pool_patches, principal_axes


def test_pooling_a_constant_map_leaves_it_alone():
    pooled = pool_patches(np.full((2, 64, 64, 3), 5.0, np.float32))
    assert pooled.shape == (2, 32, 32, 3)
    assert np.allclose(pooled, 5.0)


def test_one_cell_spreads_over_its_neighbours_and_keeps_its_sum():
    features = np.zeros((1, 32, 32, 1), np.float32)
    features[0, 10, 20] = 9.0
    pooled = pool_patches(features)
    assert np.allclose(pooled[0, 9:12, 19:22], 1.0)
    assert np.isclose(pooled.sum(), 9.0)


def test_a_grid_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="48 x 48"):
        pool_patches(np.zeros((1, 48, 48, 2), np.float32))


def test_the_first_axis_is_the_direction_of_largest_spread():
    cloud = np.outer(np.linspace(-1, 1, 50), [3.0, 4.0]).astype(np.float32) + 7.0
    mean, axes = principal_axes(cloud, 1)
    assert np.allclose(mean, 7.0, atol=1e-5)
    assert np.isclose(abs(axes[:, 0] @ np.array([0.6, 0.8])), 1.0, atol=1e-5)


def test_principal_axes_are_those_of_all_columns_however_many_pictures_there_are():
    """160 pictures of 64 x 64 cells: every 32nd cell would be one of two columns."""
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(160, 64, 64, 2)).astype(np.float32) * np.array([2, 1], np.float32)
    cells[:, :, [0, 32], 1] *= 8  # at the border something else varies
    mean, axes = principal_axes(cells.reshape(-1, 2), 2)
    assert abs(axes[0, 0]) > 0.9 and np.abs(mean).max() < 0.1


def test_white_has_full_lightness_and_no_colour():
    lab = lab_cells(np.full((1, 64, 64, 3), 255, np.uint8), 16)
    assert np.allclose(lab[..., 0], 100.0, atol=0.1)
    assert np.allclose(lab[..., 1:], 0.0, atol=0.5)


def test_cells_are_described_by_axes_then_colour():
    rng = np.random.default_rng(0)
    images, features = np.zeros((2, 64, 64, 3), np.uint8), rng.normal(size=(2, 16, 16, 5)).astype(np.float32)
    mean, axes = principal_axes(features.reshape(-1, 5), 2)
    described = describe_cells(images, features, mean, axes)
    assert described.shape == (2, 16, 16, 5)
    assert np.allclose(described[..., 2:], 0.0, atol=1e-4)  # black
