import numpy as np
import pytest

from baad.synthesis.grey import fit_grey, keep_grey

RNG = np.random.default_rng(0)
GREY = np.repeat(RNG.integers(20, 230, (40, 50, 1), dtype=np.uint8), 3, axis=2)
TINTED = np.rint(GREY * np.array([1.05, 1.0, 0.96]) + np.array([0, 0, 6])).astype(np.uint8)
COLOURED = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)


@pytest.mark.parametrize("picture, grey", [(GREY, True), (TINTED, True), (COLOURED, False), (GREY * 0 + 90, True)])
def test_grey_pictures_are_known_by_their_channels(picture, grey):
    assert (fit_grey(picture) is not None) == grey


def test_a_red_defect_on_a_grey_picture_turns_grey_and_stays_as_strong():
    after = GREY.copy()
    after[5:9, 5:9] = (255, 60, 60)
    kept = keep_grey(GREY, after, fit_grey(GREY))
    assert (kept == kept[..., :1]).all() and np.array_equal(kept[10:], GREY[10:])
    assert np.array_equal(kept[5:9, 5:9, 0], after[5:9, 5:9, 0])


def test_the_tint_of_a_picture_is_kept():
    after = TINTED.copy()
    after[5:9, 5:9] = (20, 100, 180)
    kept = keep_grey(TINTED, after, fit_grey(TINTED))
    assert fit_grey(kept) is not None and not np.array_equal(kept, TINTED)


def test_pictures_in_colours_keep_their_colours():
    after = 255 - COLOURED
    assert keep_grey(COLOURED, after, fit_grey(COLOURED)) is after
