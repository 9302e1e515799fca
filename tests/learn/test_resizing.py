import numpy as np
import pytest
import torch
import torch.nn.functional as F

from baad.learn.resizing import Resizing, Spreading, enlarging, resize_rows, smoothing


def shrink(picture: np.ndarray, shape: tuple[int, int]) -> torch.Tensor:
    with torch.no_grad():
        return Resizing(shape)(torch.tensor(picture)[None])


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (10, 1000), (32, 64), (33, 57), (255, 257), (480, 640), (2000, 333)])
def test_it_gives_what_pytorchs_antialiased_resizing_gives(size):
    picture = noise(*size)
    planes = torch.tensor(picture).permute(2, 0, 1)[None].float() / 255.0
    expected = F.interpolate(planes, (64, 96), mode="bilinear", align_corners=False, antialias=True)
    assert torch.allclose(shrink(picture, (64, 96)), expected, atol=1e-5)


def test_a_picture_of_the_right_size_stays_as_it_is():
    picture = noise(64, 32)
    levels = shrink(picture, (64, 32))[0].permute(1, 2, 0) * 255.0
    assert torch.allclose(levels, torch.tensor(picture).float(), atol=1e-3)


def test_half_the_rows_weigh_four_of_them_one_to_three():
    rows = torch.zeros(1, 64, 1)
    rows[0, 33] = 8.0
    centres = (2 * torch.arange(32) + 1).reshape(32, 1)
    halved = resize_rows(rows, centres)[0, :, 0]  # triangles over rows 2i-1 .. 2i+2 with weights 1, 3, 3, 1 of 8
    assert halved[16] == pytest.approx(3.0) and halved[17] == pytest.approx(1.0)
    assert float(halved.sum()) == pytest.approx(4.0)


def test_the_pictures_of_a_batch_do_not_touch_each_other():
    pair = np.stack([noise(50, 40), noise(50, 40)[::-1]])
    with torch.no_grad():
        both = Resizing((32, 32))(torch.tensor(pair))
    assert torch.allclose(both[0], shrink(pair[0], (32, 32))[0], atol=1e-6)
    assert torch.allclose(both[1], shrink(pair[1], (32, 32))[0], atol=1e-6)


def test_an_offset_takes_what_lies_further_on_and_the_last_cell_for_those_beyond():
    assert enlarging(3, 1, 1.0).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert enlarging(2, 2, -0.25).tolist() == [[1.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]


def test_enlarging_lies_between_neighbours_a_quarter_away():
    assert enlarging(2).tolist() == [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]


@pytest.mark.parametrize("times", [2, 4])
@pytest.mark.parametrize("cells", [1, 5, 17])
def test_enlarging_gives_what_pytorchs_interpolation_gives(cells, times):
    maps = torch.rand(2, 1, cells, 3)
    found = Spreading(enlarging(cells, times), enlarging(3, times))(maps)
    assert torch.allclose(found, F.interpolate(maps, scale_factor=times, mode="bilinear"), atol=1e-6)


@pytest.mark.parametrize("cells", [1, 4, 33])
def test_smoothing_is_a_mean_over_the_cells_that_exist(cells):
    weights = smoothing(cells, 1.0)
    assert torch.allclose(weights.sum(1), torch.ones(cells))
    assert weights[0, 4:].count_nonzero() == 0  # three deviations reach no further
    if cells > 1:
        assert float(weights[0, 0] / weights[0, 1]) == pytest.approx(np.exp(0.5), rel=1e-5)
