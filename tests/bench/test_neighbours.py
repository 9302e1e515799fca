import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from baad.baselines.nearest import nearest_distance
from baad.bench.neighbours import (
    Pictures,
    anomaly_map,
    describe_grid,
    draw_memory,
    read_pictures,
    score_features,
)
from baad.data.geometry import resize_map
from baad.data.reading import read_category
from baad.progress import Silence
from tests.factory import write_category


def colours(images):
    return F.avg_pool2d(images, 4)


def test_the_memory_is_a_sample_without_repetition():
    patches = torch.arange(40.0).reshape(4, 10, 1)
    drawn = draw_memory(patches, seed=0, memory=25)[:, 0].tolist()
    assert len(set(drawn)) == 25
    assert drawn == draw_memory(patches, seed=0, memory=25)[:, 0].tolist() != draw_memory(patches, 1, 25)[:, 0].tolist()
    assert draw_memory(patches, seed=0, memory=100).shape == (40, 1)


def test_a_grid_cell_is_the_mean_of_its_neighbourhood():
    square = np.zeros((1, 256, 256, 3), np.uint8)
    square[0, 96:104, 160:168] = 255  # the whole of cell (12, 20), four cells at stride 4
    averaged = describe_grid(lambda images: F.avg_pool2d(images, 8), square)[0, :, 0].reshape(32, 32)
    assert averaged[11:14, 19:22].flatten().tolist() == pytest.approx([1 / 9] * 9)


def test_maps_of_several_strides_are_joined_and_beyond_the_border_lie_zeros():
    square = np.full((1, 256, 256, 3), 255, np.uint8)
    found = describe_grid(lambda images: [F.avg_pool2d(images, 8), F.avg_pool2d(images, 16)], square)[0]
    fine, coarse = found[:, 0].reshape(32, 32), found[:, 3].reshape(32, 32)
    assert found.shape == (32 * 32, 6)
    assert (fine[0, 0].item(), fine[0, 9].item(), fine[9, 9].item()) == pytest.approx((4 / 9, 6 / 9, 1.0))
    assert (coarse[0, 0].item(), coarse[9, 9].item()) == pytest.approx((4 / 9, 1.0))


def test_a_far_patch_is_where_the_map_is_highest():
    distances = torch.zeros(32, 32)
    distances[8, 24] = 1.0
    found = anomaly_map(distances.flatten())
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert (row // 4, column // 4) == (8, 24)


def test_spots_are_found_and_figures_agree_with_a_sort_of_all_pixels(tmp_path):
    category = read_category(write_category(tmp_path / "disc", normals=6, good=3, defective=3, size=(64, 96)))
    pictures = read_pictures(category, 256, Silence())
    found = score_features(colours, pictures, 0, Silence(), memory=2000)
    assert pictures.train.shape == (6, 256, 256, 3)
    assert pictures.truths[-1].shape == (64, 96)
    grid = describe_grid(colours, pictures.train)
    bank = draw_memory(grid - grid.mean((0, 1)), 0, 2000)
    tested = describe_grid(colours, pictures.test) - grid.mean((0, 1))
    maps = [anomaly_map(nearest_distance(each, bank)) for each in tested]
    expected = roc_auc_score(pictures.defective, [each.max() for each in maps])
    assert found["image_auroc"] == pytest.approx(expected, abs=1e-4)
    scores = np.concatenate([resize_map(each, (64, 96)).ravel() for each in maps])
    truth = np.concatenate([each.ravel() for each in pictures.truths])
    assert found["pixel_auroc"] == pytest.approx(roc_auc_score(truth, scores), abs=2e-4)


def test_pictures_whose_truth_is_unknown_are_left_out_of_pixel_figures(tmp_path):
    category = read_category(write_category(tmp_path / "disc", normals=2, good=1, defective=1, masks=False))
    pictures = read_pictures(category, 256, Silence())
    assert [truth is None for truth in pictures.truths] == [False, True]  # good comes before spot
    assert score_features(colours, pictures, 0, Silence(), memory=500)["pixel_auroc"] is None


def test_raw_channels_count_alike_whatever_their_scale():
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 256, (4, 256, 256, 3), dtype=np.uint8) for _ in range(2))
    pictures = Pictures(train, test, np.array([False, False, True, True]), (None,) * 4, ((256, 256),) * 4)

    def scaled(images):
        return F.avg_pool2d(images, 8) * torch.tensor([1.0, 50.0, 0.02]).view(1, 3, 1, 1)

    def plain(images):
        return F.avg_pool2d(images, 8)

    found = [score_features(each, pictures, 0, Silence(), raw=True, memory=500) for each in (plain, scaled)]
    assert found[0]["image_auroc"] == found[1]["image_auroc"]
