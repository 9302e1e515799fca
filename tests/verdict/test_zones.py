import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from baad.verdict.zones import ZoneShares, border_width, share_alarm, widen

masks = arrays(bool, st.just((9, 7)))


def test_half_of_the_alarm_lies_on_the_part():
    alarmed = np.array([[1, 1], [0, 0]], bool)
    foreground = np.array([[1, 0], [1, 0]], bool)
    assert share_alarm(alarmed, foreground, border_px=0) == ZoneShares(part=0.5, border=0.0, background=0.5)


def test_a_row_across_the_outline_is_part_border_and_background():
    foreground = np.array([[1, 1, 1, 1, 0, 0, 0, 0]], bool)
    alarmed = np.ones((1, 8), bool)
    assert share_alarm(alarmed, foreground, border_px=1) == ZoneShares(part=3 / 8, border=2 / 8, background=3 / 8)


def test_without_alarm_all_shares_are_zero():
    assert share_alarm(np.zeros((4, 4), bool), np.ones((4, 4), bool), 1) == ZoneShares(0.0, 0.0, 0.0)


def test_the_edge_of_the_picture_is_no_border():
    everything = np.ones((5, 6), bool)
    assert share_alarm(everything, everything, border_px=3) == ZoneShares(part=1.0, border=0.0, background=0.0)
    assert share_alarm(everything, ~everything, border_px=3) == ZoneShares(part=0.0, border=0.0, background=1.0)


@given(masks, masks, st.integers(0, 4))
def test_the_shares_agree_with_looking_around_every_pixel(alarmed, foreground, border_px):
    counts = {"part": 0, "border": 0, "background": 0}
    for y, x in zip(*np.nonzero(alarmed)):
        around = foreground[max(0, y - border_px) : y + border_px + 1, max(0, x - border_px) : x + border_px + 1]
        counts["part" if around.all() else "border" if around.any() else "background"] += 1
    area = max(1, int(alarmed.sum()))
    shares = share_alarm(alarmed, foreground, border_px)
    assert shares == ZoneShares(**{zone: count / area for zone, count in counts.items()})
    assert shares.part + shares.border + shares.background == pytest.approx(float(alarmed.any()))


@given(masks, st.integers(0, 12))
def test_widening_reaches_as_far_as_the_margin(mask, margin):
    expected = np.zeros_like(mask)
    for y, x in zip(*np.nonzero(mask)):
        expected[max(0, y - margin) : y + margin + 1, max(0, x - margin) : x + margin + 1] = True
    assert np.array_equal(widen(mask, margin), expected)


def test_the_band_is_five_pixels_at_256_and_grows_with_the_picture():
    assert border_width((256, 256)) == 5
    assert border_width((1024, 1024)) == 20
    assert border_width((8, 8)) == 1


def test_masks_of_two_sizes_are_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="foreground"):
        share_alarm(np.ones((2, 2), bool), np.ones((2, 3), bool), 1)
