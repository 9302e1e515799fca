from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baad.runtime.session import RawMaps
from baad.runtime.tiles import TiledSession
from baad.runtime.zoned import apply_zones, find_box, halve, score_zones
from baad.verdict.drawn import DrawnZone, DrawnZones

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
COVERED = DrawnZones((DrawnZone("reject", LEFT), DrawnZone("ignore", WHOLE)))  # what is ignored lies over the rest


def double(cells):
    """A bilinear doubling, written out: each new pixel is three quarters the nearer cell, one quarter the next."""
    for _ in range(2):
        padded = np.pad(cells, ((1, 1), (0, 0)), mode="edge")
        upper, lower = 0.75 * cells + 0.25 * padded[:-2], 0.75 * cells + 0.25 * padded[2:]
        cells = np.stack([upper, lower], axis=1).reshape(-1, cells.shape[1]).T
    return cells


def raw_of(cells, foreground=None):
    """What a network says whose own grid is `cells`: its score is the mean of the sixteen highest."""
    anomaly = double(cells).astype(np.float32)
    seen = np.ones(anomaly.shape, np.float32) if foreground is None else foreground
    return RawMaps(anomaly, seen, float(np.sort(cells.ravel())[-16:].mean()))


def grid(left=0.0, right=0.0):
    """Cells [8, 8]: sixteen of them high in either half, the rest 0."""
    cells = np.zeros((8, 8))
    cells[:, 1:3], cells[:, 5:7] = left, right
    return cells


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 1000))
def test_halving_takes_a_doubling_back(height, width, seed):
    cells = np.random.default_rng(seed).normal(size=(height, width))
    assert np.allclose(halve(double(cells)), cells, atol=1e-4)


@given(st.integers(1, 9), st.integers(0, 1000))
def test_what_is_no_doubling_is_halved_by_least_squares(height, seed):
    values = np.random.default_rng(seed).normal(size=(2 * height, 2))
    doubling = np.stack([double(np.eye(height)[:, [place]])[:, 0] for place in range(height)], axis=1)
    assert np.allclose(halve(values)[:, 0], np.linalg.pinv(doubling) @ values.mean(axis=1), atol=1e-4)


def test_what_is_ignored_is_not_in_the_score():
    scores = score_zones(raw_of(grid(left=9.0, right=4.0)), DrawnZones((DrawnZone("ignore", LEFT),)))
    assert scores.counting == scores.rejecting == pytest.approx(4.0, abs=1e-3)


def test_what_only_warns_counts_but_does_not_reject():
    scores = score_zones(raw_of(grid(left=9.0, right=4.0)), DrawnZones((DrawnZone("warn", LEFT),)))
    assert scores.counting == 9.0
    assert scores.rejecting == pytest.approx(4.0, abs=1e-3)


def test_what_rejects_never_lies_above_what_counts():
    """Of the zone that rejects there are fewer cells than a score is the mean of."""
    cells = np.zeros((32, 32))
    cells[:, :8], cells[20:22, 20:22] = 50.0, 10.0
    corner = ((20 / 32, 20 / 32), (22 / 32, 20 / 32), (22 / 32, 22 / 32), (20 / 32, 22 / 32))
    margin = ((0.0, 0.0), (10 / 32, 0.0), (10 / 32, 1.0), (0.0, 1.0))
    zones = DrawnZones((DrawnZone("ignore", margin), DrawnZone("reject", corner)), elsewhere="warn")
    scores = score_zones(raw_of(cells), zones)
    assert scores.rejecting == scores.counting == pytest.approx(2.5, abs=0.1)


def test_zones_never_raise_a_score():
    raw = raw_of(grid(left=1.0, right=6.0))
    assert score_zones(raw, DrawnZones((DrawnZone("ignore", LEFT),))).counting <= raw.score


class Pits:
    """A network on tiles of 16 x 16: its cells are means of 2 x 2 pixels, its score that of the sixteen highest."""

    def run(self, image):
        return raw_of(image[..., 0].reshape(8, 2, 8, 2).mean((1, 3)))

    def run_batch(self, images):
        return [self.run(image) for image in images]


def judge_in_tiles(picture, zones):
    raw = TiledSession(Pits(), 16, (16, 16), False).run(picture[..., None].repeat(3, 2))
    return raw.score, score_zones(raw, zones)


@pytest.mark.parametrize("width", [24, 25, 26, 27, 40, 41])
def test_what_is_left_beside_an_ignored_label_is_scored_tile_by_tile(width):
    """Pits in four tiles, harmless each: the highest cells of all of them together would be far above any tile's."""
    picture, middle = np.zeros((24, width), int), width // 2
    picture[2:4, 2:4] = picture[20:22, 2:4] = picture[2:4, -4:-2] = picture[20:22, -4:-2] = 80
    left, right = (middle - 4) / width, (middle + 4) / width
    label = DrawnZone("ignore", ((left, 0.3), (right, 0.3), (right, 0.7), (left, 0.7)))
    alone, _ = judge_in_tiles(picture, DrawnZones())
    picture[10:14, middle - 2 : middle + 2] = 200
    score, zoned = judge_in_tiles(picture, DrawnZones((label,)))
    assert score > 4 * alone and zoned.counting == zoned.rejecting == pytest.approx(alone, rel=1e-3)


def test_what_one_tile_saw_in_an_ignored_place_counts_in_none():
    picture = np.zeros((24, 41), int)
    picture[4:12, 2:10], picture[6:10, 30:34] = 100, 60  # a label, and a dent
    score, zoned = judge_in_tiles(picture, DrawnZones((DrawnZone("ignore", LEFT),)))
    alone = np.where(np.arange(41) < 20, 0, picture)
    assert score > 90 and zoned.counting == pytest.approx(judge_in_tiles(alone, DrawnZones())[0], rel=0.02)
    right = tuple((1.0 - x, y) for x, y in LEFT)
    assert judge_in_tiles(picture, DrawnZones((DrawnZone("ignore", right),)))[1].counting == score


def test_a_tile_that_is_ignored_whole_says_nothing_and_mirrored_cells_are_nowhere():
    picture = np.zeros((10, 40), int)  # lower than a tile: continued by its mirror image
    picture[2:6, 30:34] = 90
    score, zoned = judge_in_tiles(picture, DrawnZones((DrawnZone("ignore", tuple((1.0 - x, y) for x, y in LEFT)),)))
    assert score > 20 and zoned.counting == pytest.approx(0.0, abs=1e-3)
    assert judge_in_tiles(picture, COVERED)[1].counting == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("height", [10, 11, 12, 13])
def test_a_rim_that_is_ignored_is_ignored_to_its_last_row_in_a_picture_lower_than_a_tile(height):
    picture = np.zeros((height, 40), int)
    picture[-4:, 10:30] = 100
    rim = DrawnZone("ignore", ((0.0, 0.4), (1.0, 0.4), (1.0, 1.0), (0.0, 1.0)))
    score, zoned = judge_in_tiles(picture, DrawnZones((rim,)))
    assert score > 50 and zoned.counting < 5


@pytest.mark.parametrize(("border", "counts"), [(13.5, True), (14.5, False)])
def test_a_zone_ends_between_the_cells_of_a_tile_that_begins_at_an_odd_place(border, counts):
    """Tiles of a picture 25 px wide begin at 0 and 9; of the second, a bright cell has its centre at 14."""
    picture = np.zeros((16, 25), int)
    picture[:, 13:15] = 100
    kept = DrawnZone("reject", ((border / 25, 0.0), (1.0, 0.0), (1.0, 1.0), (border / 25, 1.0)))
    raw = TiledSession(Pits(), 16, (16, 16), False).run(picture[..., None].repeat(3, 2))
    assert [tile.left for tile in raw.tiles] == [0, 9]
    second = score_zones(replace(raw, tiles=raw.tiles[1:]), DrawnZones((kept,), elsewhere="ignore")).counting
    assert second == pytest.approx(50.0 if counts else 0.0, abs=1.0)  # eight cells of 100 among the sixteen highest


@pytest.mark.parametrize("left", [60.2, 61.2, 61.8, 62.4])
def test_a_zone_narrower_than_a_cell_is_not_lost(left):
    """Painted along its outline, where no cell's centre lies inside."""
    seam = DrawnZone("reject", tuple((x / 256, y) for x, y in ((left, 0), (left + 0.8, 0), (left + 0.8, 1), (left, 1))))
    cells = np.zeros((8, 128))
    cells[:, int(left / 2)] = 50.0
    assert score_zones(raw_of(cells), DrawnZones((seam,), elsewhere="ignore")).counting > 20


def test_maps_that_are_no_doublings_count_pixel_by_pixel():
    anomaly = np.zeros((9, 9), np.float32)
    anomaly[:, :4] = 5.0
    raw = RawMaps(anomaly, np.ones((9, 9), np.float32), 5.0)
    assert score_zones(raw, DrawnZones((DrawnZone("ignore", LEFT),))).counting == 0.0


def test_where_all_is_ignored_the_score_is_the_lowest():
    scores = score_zones(raw_of(grid(left=9.0)), COVERED)
    assert scores.counting == pytest.approx(0.0, abs=1e-3)


def test_maps_fall_to_their_lowest_where_they_are_ignored():
    raw = raw_of(grid(left=9.0, right=4.0))
    left = apply_zones(raw, DrawnZones((DrawnZone("ignore", LEFT),)))
    assert (left.anomaly[:, :8] == raw.anomaly.min()).all()
    assert np.array_equal(left.anomaly[:, 8:], raw.anomaly[:, 8:])
    assert apply_zones(raw, DrawnZones()) is raw
    warned = apply_zones(raw, DrawnZones((DrawnZone("warn", LEFT),)))  # seen, and no reason to reject
    assert np.array_equal(warned.anomaly, raw.anomaly) and warned.score == left.score < raw.score


def test_the_box_of_the_part_leaves_crumbs_out():
    foreground = np.zeros((16, 16), np.float32)
    foreground[4:10, 3:8] = 0.9
    foreground[15, 15] = 0.9
    assert find_box(foreground) == (3, 4, 8, 10)
    assert find_box(np.zeros((4, 4), np.float32)) is None


def test_a_crumb_by_itself_is_no_part():
    foreground = np.zeros((64, 64), np.float32)
    foreground[10:12, 20:22] = 1.0  # .00098 of the picture
    assert find_box(foreground) is None
    foreground[10:13, 20:22] = 1.0
    assert find_box(foreground) == (20, 10, 22, 13)


def test_a_zone_follows_the_part():
    right = np.zeros((16, 16), np.float32)
    right[:, 8:] = 1.0
    zones = DrawnZones((DrawnZone("ignore", ((0, 0), (1, 0), (1, 1), (0, 1)), "part"),))
    cells = grid(left=9.0, right=4.0)
    assert score_zones(raw_of(cells, right), zones).counting == pytest.approx(9.0, abs=1e-3)
    assert score_zones(raw_of(cells, right[:, ::-1]), zones).counting == pytest.approx(4.0, abs=1e-3)
