import numpy as np
import pytest

from baad.data.sample import GoodImage
from baad.learn.views import LIMIT, choose_tile, cut_cells, cut_views, limit_views, tell_mirrored
from baad.progress import Silence
from tests.factory import save_picture


@pytest.fixture
def long(tmp_path):
    """Two pictures of 64 x 320 px whose red tells the column; and the same as the network sees them whole."""
    picture = np.zeros((64, 320, 3), np.uint8)
    picture[..., 0] = np.arange(320) // 2
    images = [GoodImage(save_picture(tmp_path / f"{number}.png", picture)) for number in range(2)]
    return images, np.stack([picture[:, ::5]] * 2)


@pytest.mark.parametrize(
    ("shapes", "has_background", "side"),
    [
        ([(200, 200)] * 10, False, 0),
        ([(200, 200)] * 9 + [(100, 400)], False, 0),  # one in ten is squashed, whatever the rest does
        ([(200, 200)] * 8 + [(100, 400), (400, 100)], False, 160),
        ([(200, 245)] * 5 + [(245, 200)] * 5, False, 0),  # within a quarter
        ([(200, 260)] * 5 + [(260, 200)] * 5, False, 182),
        ([(200, 260)] * 5 + [(260, 200)] * 5, True, 0),
        ([(100, 200)] * 6 + [(100, 400)] * 4, False, 100),  # no higher than the middle picture
        ([(30, 40)] * 5 + [(40, 30)] * 5, False, 64),  # no smaller ones
    ],
)
def test_pictures_of_many_aspects_are_seen_in_tiles_where_there_is_no_background(shapes, has_background, side):
    assert choose_tile(shapes, (256, 256), has_background) == side


@pytest.mark.parametrize(("shape", "seen"), [((100, 1000), (128, 512)), ((1000, 100), (512, 128))])
def test_pictures_longer_than_the_network_sees_any_stay_whole_unless_their_aspects_vary(shape, seen):
    assert choose_tile([shape] * 10, seen, False) == 0
    assert choose_tile([shape] * 8 + [(200, 500), (400, 400)], seen, False) == 100


def cut(long, parts):
    return cut_views(long[0], long[1], parts, 64, np.random.default_rng(0), Silence())


def test_without_a_known_part_every_tile_is_a_view_and_all_of_it_part(long):
    found, masks = cut(long, None)
    assert found.shape == (2 * 7, 64, 64, 3)  # 7 tiles, each 43 px after the last
    assert masks.shape == (2 * 7, 64, 64) and masks.all()
    assert [int(view[0, 0, 0]) for view in found[:3]] == [0, 21, 42]


def test_where_the_part_is_known_the_wholes_are_views_and_background_tiles_are_not(long):
    parts = np.zeros((2, 64, 64), bool)
    parts[:, :, 40:44] = True  # columns 200 to 219 of the picture
    found, masks = cut(long, parts)
    assert np.array_equal(found[0], long[1][0]) and np.array_equal(masks[0], parts[0])
    assert 2 <= len(found) / 2 < 1 + 7
    _, *tiles = masks[: len(found) // 2]
    assert max(tile.mean() for tile in tiles) == pytest.approx(20 / 64, abs=0.05)


def test_no_more_views_than_memory_holds(long):
    assert len(cut_views(*long, None, 64, np.random.default_rng(0), Silence(), limit=6)[0]) == 6


def test_whole_pictures_count_among_the_views_that_memory_holds(long):
    parts = np.ones((2, 64, 64), bool)
    assert len(cut_views(*long, parts, 64, np.random.default_rng(0), Silence(), limit=6)[0]) == 6


def test_larger_views_are_fewer_and_take_no_more_memory():
    sizes = {side: limit_views((side, side)) for side in (64, 256, 512, 1024, 100_000)}
    assert sizes == {64: LIMIT, 256: LIMIT, 512: LIMIT // 4, 1024: 187, 100_000: 1}


def test_the_limit_follows_the_size_of_the_views(long, monkeypatch):
    monkeypatch.setattr("baad.learn.views.LIMIT", 6)
    wholes = np.zeros((2, 512, 512, 3), np.uint8)
    found, masks = cut_views(long[0], wholes, None, 64, np.random.default_rng(0), Silence())
    assert found.shape == (2, 512, 512, 3) and masks.shape == (2, 512, 512)  # one of each picture; 6 at 256 px


def test_cells_of_a_narrow_map_are_mirrored():
    assert cut_cells(np.array([[1.0, 2.0]]), (2, 3), (0, 0)).tolist() == [[1, 2, 2], [1, 2, 2]]


def test_tiles_that_are_larger_than_the_pictures_are_told_of():
    told = tell_mirrored([(200, 300), (256, 256), (300, 400)], 10_000)
    assert "tile_px is 10000" in told and "256 px a side" in told and "tile_px=0" in told
    assert tell_mirrored([(200, 300), (256, 256), (300, 400)], 256) == ""
