import weakref
from dataclasses import replace

import numpy as np
import pytest

from baad.errors import SettingError
from baad.runtime.detector import Detector
from baad.runtime.session import RawMaps
from baad.runtime.tiles import TiledSession, blend_tiles, cut_tile, keep_part, lay_grid, tile_shape, weigh_cells
from tests.runtime.tiny_model import SIDE, draw_part, tiny_bundle

LARGE = [(2000, 8000), (5000, 200), (200, 5000), (256, 256), (100, 90), (257, 1)]


class Looker:
    """Stands in for a network of 8x8 cells: a map of the mean red of each cell, a foreground of its green."""

    def __init__(self):
        self.seen = []

    def run(self, image):
        self.seen.append(image.shape[:2])
        rows = np.array_split(image.astype(np.float32), 8, axis=0)
        cells = np.array([[part.mean((0, 1)) for part in np.array_split(row, 8, axis=1)] for row in rows])
        red, green = cells[..., 0] / 255, cells[..., 1] / 255
        return RawMaps(red.astype(np.float32), green.astype(np.float32), float(red.max()))

    def run_batch(self, images):
        return [self.run(image) for image in images]


def test_a_line_of_three_tiles_overlaps_evenly():
    grid = lay_grid((8, 20), side=8, tile=(8, 8))
    assert (grid.shape, grid.cell) == ((8, 20), 1.0)
    assert grid.places == ((0, 0), (0, 6), (0, 12))


def test_a_tile_may_cover_more_pixels_than_its_map_has_cells():
    grid = lay_grid((16, 40), side=16, tile=(8, 8))
    assert (grid.shape, grid.cell) == ((8, 20), 2.0)
    picture = np.arange(16 * 40).reshape(16, 40)
    assert np.array_equal(cut_tile(picture, grid, (0, 6)), picture[:, 12:28])


def test_the_shape_of_a_tile_in_pixels_is_that_of_what_is_cut():
    grid = lay_grid((900, 900), side=256, tile=(224, 288))
    assert list(cut_tile(np.zeros((900, 900)), grid, (0, 0)).shape) == tile_shape(256, (224, 288)) == [226, 290]


@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_tiles_cover_every_cell_overlap_by_a_quarter_and_stay_inside(shape):
    grid = lay_grid(shape, side=256, tile=(64, 64))
    covered = np.zeros(grid.shape, int)
    for top, left in grid.places:
        covered[top : top + 64, left : left + 64] += 1
        assert top + 64 <= max(64, grid.shape[0]) and left + 64 <= max(64, grid.shape[1])
    assert covered.min() >= 1
    for starts in ({top for top, _ in grid.places}, {left for _, left in grid.places}):
        assert all(np.diff(sorted(starts)) <= 48)


@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_every_tile_has_one_size_and_the_pictures_own_scale(shape):
    grid = lay_grid(shape, side=256, tile=(64, 64))
    picture = np.arange(shape[0] * shape[1]).reshape(shape)
    for place in grid.places:
        tile = cut_tile(picture, grid, place)
        assert tile.shape == (256, 256)
        inside = tile[: shape[0], : shape[1]]
        assert (np.diff(inside, axis=1) == 1).all() and (np.diff(inside, axis=0) == shape[1]).all()


def test_a_narrow_picture_is_continued_by_its_mirror_image():
    grid = lay_grid((1, 3), side=8, tile=(8, 8))
    assert cut_tile(np.array([[1, 2, 3]]), grid, (0, 0))[0].tolist() == [1, 2, 3, 3, 2, 1, 1, 2]


def test_a_network_of_another_aspect_has_tiles_of_that_aspect():
    grid = lay_grid((64, 64), side=8, tile=(4, 16))
    assert cut_tile(np.zeros((64, 64)), grid, (0, 0)).shape == (4, 16)


@pytest.mark.parametrize("shape", LARGE[1:], ids=str)
def test_blending_tiles_of_one_map_gives_the_map_back(shape):
    grid = lay_grid(shape, side=64, tile=(64, 64))
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    maps = [cut_tile(values, grid, place) for place in grid.places]
    blended = blend_tiles(grid, grid.places, maps, np.zeros(shape, np.float32))
    np.testing.assert_allclose(blended, values, atol=1e-5)


def test_where_two_tiles_disagree_the_map_goes_over_from_one_to_the_other():
    grid = lay_grid((8, 14), side=8, tile=(8, 8))
    zeros, ones = np.zeros((8, 8), np.float32), np.ones((8, 8), np.float32)
    line = blend_tiles(grid, grid.places, [zeros, ones], np.zeros((8, 14), np.float32))[4]
    assert line[0] == 0 and line[-1] == 1
    assert (np.diff(line) >= 0).all() and (np.diff(line) < 1).all()


def test_the_middle_of_a_tile_counts_fully_and_its_edge_a_little():
    weights = weigh_cells((8, 8))
    assert weights[4, 4] == 1.0
    assert 0 < weights[0, 0] < weights[0, 4] < 1


def test_tiles_of_background_alone_are_skipped_and_those_near_the_part_are_not():
    grid = lay_grid((8, 80), side=8, tile=(8, 8))
    foreground = np.zeros(grid.shape)
    foreground[3, 70] = 0.9
    kept = keep_part(grid, foreground)
    assert kept and all(left <= 71 and left + 8 >= 70 for _, left in kept)
    assert len(kept) < len(grid.places)


def test_where_no_part_is_seen_nothing_is_skipped():
    grid = lay_grid((8, 80), side=8, tile=(8, 8))
    assert keep_part(grid, np.zeros(grid.shape)) == list(grid.places)


@pytest.mark.parametrize("shape", [(2000, 8000), (5000, 200)], ids=str)
def test_a_small_spot_on_a_large_picture_is_found_where_it_is(shape):
    picture = np.zeros((*shape, 3), np.uint8)
    y, x = shape[0] - 60, shape[1] - 90
    picture[y : y + 60, x : x + 64, 0] = 255  # wider than a cell of 32 px, wherever those lie
    raw = TiledSession(Looker(), 256, (8, 8), skip_background=False).run(picture)
    top, left = np.unravel_index(raw.anomaly.argmax(), raw.anomaly.shape)
    assert y - 32 <= top * 32 <= y + 60 and x - 32 <= left * 32 <= x + 64
    assert raw.score > 0.8
    assert Looker().run(picture).score < 0.2  # on the whole picture at once


def test_skipped_tiles_show_what_the_whole_picture_showed():
    looker = Looker()
    picture = np.full((64, 640, 3), (51, 0, 0), np.uint8)
    picture[:, 400:420, 1] = 255  # the part
    raw = TiledSession(looker, 64, (8, 8), skip_background=True).run(picture)
    assert looker.seen[0] == (64, 640)  # one look at the whole
    assert 1 <= len(looker.seen) - 1 < len(lay_grid((64, 640), 64, (8, 8)).places)
    np.testing.assert_allclose(raw.anomaly, 0.2, atol=1e-6)
    assert raw.anomaly.shape == raw.foreground.shape == (8, 80)


def test_a_picture_of_one_tile_is_looked_at_once():
    looker = Looker()
    TiledSession(looker, 64, (8, 8), skip_background=True).run(np.zeros((64, 64, 3), np.uint8))
    assert looker.seen == [(64, 64)]


def test_a_model_judges_in_the_tiles_that_it_was_trained_on(tmp_path):
    """In the tiny model's map a green of 100 is -2, one of 220 is 5.5; a spot of 8x8 px vanishes in the whole."""
    picture = draw_part((64, 640))
    picture[..., 1] = 100
    picture[30:38, 300:308, 1] = 220
    tile = tiny_bundle(tmp_path / "m.baad", tile_px=64, input_shape=[SIDE, SIDE], image_shapes=[[64, 640]])
    by_tiles = Detector.load(tile, threads=1).predict(picture)
    whole = Detector.load(tile, threads=1, tiles=0).predict(picture)
    assert by_tiles.score > whole.score
    assert by_tiles.anomaly_map.shape == whole.anomaly_map.shape == (64, 640)
    (region,) = by_tiles.regions
    assert region.box[0] < 304 < region.box[2] and region.box[1] < 34 < region.box[3]
    assert not [note for note in by_tiles.notes if "tiles" in note]
    assert "judged whole, in training in tiles of 64 px: the threshold promises nothing" in whole.notes


def test_tiles_that_are_too_small_are_refused(tmp_path):
    with pytest.raises(SettingError, match="64 or more"):
        Detector.load(tiny_bundle(tmp_path / "m.baad"), tiles=10)


@pytest.mark.parametrize("shape", [(2000, 8000), (5000, 200)], ids=str)
def test_a_detector_finds_a_small_spot_on_a_large_picture_in_tiles_alone(tmp_path, shape):
    picture = np.full((*shape, 3), 100, np.uint8)
    y, x = shape[0] - 300, shape[1] - 120
    picture[y : y + 24, x : x + 24, 1] = 255
    model = tiny_bundle(tmp_path / "m.baad", tile_px=256, input_shape=[SIDE, SIDE], image_shapes=[list(shape)])
    verdict = Detector.load(model, threads=1).predict(picture)
    assert verdict.label == "ng" and verdict.anomaly_map.shape == shape
    (region,) = verdict.regions
    assert region.box[0] < x + 12 < region.box[2] and region.box[1] < y + 12 < region.box[3]
    assert Detector.load(model, threads=1, tiles=0).predict(picture).label == "ok"


def test_of_a_thousand_tiles_no_more_are_held_than_are_in_work():
    session = Looker()
    held, most = weakref.WeakSet(), []

    class Counting(Looker):
        def run(self, image):
            raw = session.run(image)
            raw = replace(raw, rebuilt=np.zeros((8, 8, 3), np.uint8))
            held.add(raw)
            most.append(len(held))
            return raw

    TiledSession(Counting(), 64, (8, 8), skip_background=False).run(np.zeros((64, 50_000, 3), np.uint8))
    assert len(most) > 1000 and max(most) <= 20
