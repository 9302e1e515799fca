import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from baad.verdict.regions import Region, find_regions, find_strangest
from baad.verdict.zones import ZoneShares, share_alarm, widen


def test_two_places_come_with_box_area_and_peak_the_higher_peak_first():
    anomaly_map = np.array(
        [
            [5, 0, 0, 0],
            [4, 3, 0, 9],
            [0, 0, 0, 8],
        ],
        np.float32,
    )
    assert find_regions(anomaly_map, threshold=2) == (
        Region(box=(3, 1, 4, 3), area_px=2, peak=9.0),
        Region(box=(0, 0, 2, 2), area_px=3, peak=5.0),
    )


def test_pixels_that_touch_by_a_corner_belong_together():
    assert len(find_regions(np.array([[1.0, 0.0], [0.0, 1.0]]), 0.5)) == 1
    assert len(find_regions(np.array([[0.0, 1.0], [1.0, 0.0]]), 0.5)) == 1


def test_the_end_of_a_row_does_not_touch_the_start_of_the_next():
    anomaly_map = np.array([[0, 0, 0, 1], [0, 0, 0, 0], [1, 0, 0, 1], [0, 0, 0, 0]], np.float32)
    assert [region.box for region in find_regions(anomaly_map, 0.5)] == [(3, 0, 4, 1), (0, 2, 1, 3), (3, 2, 4, 3)]
    assert len(find_regions(np.array([[0, 0, 1], [1, 0, 0]], np.float32), 0.5)) == 2


def test_a_value_equal_to_the_threshold_is_no_alarm():
    assert find_regions(np.full((3, 3), 2.0), 2.0) == ()


def test_small_regions_can_be_left_out():
    anomaly_map = np.array([[1, 0, 3, 3]], np.float32)
    assert [region.area_px for region in find_regions(anomaly_map, 0, minimum_area=2)] == [2]


def test_logits_may_all_be_negative():
    assert find_regions(np.full((2, 3), -4.0), -5.0) == (Region((0, 0, 3, 2), 6, -4.0),)


def test_a_spiral_is_one_region():
    spiral = np.zeros((41, 41))
    low, high = 0, 40
    while low < high:  # one arm inwards, two pixels apart
        spiral[low, max(0, low - 2) : high + 1] = 1
        spiral[low : high + 1, high] = 1
        spiral[high, low : high + 1] = 1
        spiral[low + 2 : high + 1, low] = 1
        low, high = low + 2, high - 2
    assert len(find_regions(spiral, 0.5)) == 1


@pytest.mark.parametrize("share", [0.2, 0.4, 0.5, 0.8])
def test_regions_agree_with_scipy(share):
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(3)
    for shape in [(64, 50), (1, 200), (200, 1), (37, 90)]:
        anomaly_map = rng.uniform(size=shape).astype(np.float32)
        labels, count = ndimage.label(anomaly_map > 1 - share, structure=np.ones((3, 3)))
        expected = set()
        for index, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
            inside = labels == index
            box = (columns.start, rows.start, columns.stop, rows.stop)
            expected.add(Region(box, int(inside.sum()), float(anomaly_map[inside].max())))
        found = find_regions(anomaly_map, 1 - share)
        assert len(found) == count
        assert set(found) == expected


@given(arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 1, 2])))
def test_areas_add_up_and_turning_the_map_turns_the_boxes(anomaly_map):
    regions = find_regions(anomaly_map, 0.5)
    assert sum(region.area_px for region in regions) == np.count_nonzero(anomaly_map)
    peaks = [region.peak for region in regions]
    assert peaks == sorted(peaks, reverse=True)
    turned = {(y0, x0, y1, x1) for x0, y0, x1, y1 in (region.box for region in find_regions(anomaly_map.T, 0.5))}
    assert turned == {region.box for region in regions}


def test_every_region_says_how_much_of_it_lies_on_part_border_and_background():
    foreground = np.zeros((20, 30), bool)
    foreground[:, :10] = True
    alarmed = np.zeros((20, 30))
    alarmed[2, 2:6] = 3.0  # on the part
    alarmed[9, 6:16] = 2.0  # across the outline: 2 px on the part, 4 on the band, 4 beyond
    alarmed[15, 20:25] = 1.0  # on the background
    found = find_regions(alarmed, 0.5, foreground=foreground, border_px=2)
    assert [region.zones for region in found] == [
        ZoneShares(1.0, 0.0, 0.0),
        ZoneShares(0.2, 0.4, 0.4),
        ZoneShares(0.0, 0.0, 1.0),
    ]


def test_the_zones_of_the_regions_make_up_those_of_the_whole_alarm():
    rng = np.random.default_rng(5)
    for _ in range(20):
        anomaly_map, foreground = rng.random((24, 31)), rng.random((24, 31)) > 0.5
        foreground = widen(foreground & (rng.random((24, 31)) > 0.9), 3)
        alarmed = anomaly_map > 0.8
        if not alarmed.any():
            continue
        regions = find_regions(anomaly_map, 0.8, foreground=foreground, border_px=1)
        whole = share_alarm(alarmed, foreground, 1)
        for zone in ("part", "border", "background"):
            pixels = sum(region.area_px * getattr(region.zones, zone) for region in regions)
            assert pixels == pytest.approx(alarmed.sum() * getattr(whole, zone))


def strangest(anomaly_map, area_px, among=None):
    return find_strangest(np.array(anomaly_map, np.float32), area_px, np.ones((3, 4), bool), 0, among)


def test_the_strangest_place_is_what_hangs_together_of_the_highest_pixels_around_the_highest():
    anomaly_map = [[1, 1, 1, 8], [5, 9, 1, 1], [1, 6, 1, 1]]
    assert strangest(anomaly_map, 4) == Region((0, 1, 2, 3), 3, 9.0)  # the 8 is high, and lies apart
    assert strangest(anomaly_map, 1) == Region((1, 1, 2, 2), 1, 9.0)
    assert strangest(anomaly_map, 100).area_px == 12  # all there is
    right = np.zeros((3, 4), bool)
    right[:, 2:] = True
    assert strangest(anomaly_map, 2, right).peak == 8.0
    assert strangest(anomaly_map, 100, right) == Region((2, 0, 4, 3), 6, 8.0)
    assert strangest(anomaly_map, 2, np.zeros((3, 4), bool)) is None
