import numpy as np
import pytest
import torch

from baad.learn.places import LEAST, Places, find_usual


def draw_maps(count=40, shape=(64, 64)):
    """Normal maps of a fixed scene: a spot that is always bright, and a half that always differs."""
    rng = np.random.default_rng(0)
    maps = rng.normal(0.0, 1.0, (count, *shape)).astype(np.float32)
    maps[:, :, 32:] *= 3.0
    maps[:, 12:48, 0:28] += 5.0
    return maps


def test_what_is_always_there_no_longer_stands_out():
    places = Places()
    places.set(draw_maps())
    level = places(torch.from_numpy(draw_maps(30)[:, None])).mean(dim=(0, 1))
    assert level[28:34, 10:16].mean().item() == pytest.approx(0.0, abs=0.5)
    assert level[60:, 40:].mean().item() == pytest.approx(0.0, abs=0.3)


def test_where_normal_pictures_differ_more_a_difference_counts_less_by_half_the_way():
    _, gain = find_usual(draw_maps())
    assert gain[58, 14] / gain[58, 54] == pytest.approx(np.sqrt(3.0), rel=0.1)


def test_gains_stay_within_bounds_where_nothing_ever_differs():
    maps = draw_maps()
    maps[:, :, :24] = 1.0
    _, gain = find_usual(maps)
    assert gain.max() == pytest.approx(2.0)
    assert np.isfinite(find_usual(np.ones((12, 8, 8), np.float32))[1]).all()


def test_parts_that_lie_anywhere_make_no_place_unusual():
    rng, maps = np.random.default_rng(1), np.zeros((150, 64, 64), np.float32)
    for each in maps:
        row, column = rng.integers(0, 56, 2)
        each[row : row + 8, column : column + 8] = 5.0
    centre, gain = find_usual(maps)
    inner = (slice(12, 52), slice(12, 52))
    assert centre[inner].std() < 0.1 and gain[inner].std() < 0.1


def test_a_few_pictures_tell_nothing():
    places = Places()
    places.set(draw_maps(LEAST - 1))
    assert not places.known
    maps = torch.randn(2, 1, 64, 64)
    assert torch.equal(places(maps), maps)
