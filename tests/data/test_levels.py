import tracemalloc

import numpy as np
import pytest

from baad.data.levels import BAND, to_levels


def test_every_16_bit_value_goes_to_the_nearest_level():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(to_levels(values), np.rint(values / 257))


@pytest.mark.parametrize("shape", [(2 * BAND, 1), (3, BAND), (5, 3, 2 * BAND // 5)])
def test_all_rows_are_converted_however_many_make_a_band(shape):
    values = np.random.default_rng(0).random(shape)
    assert np.array_equal(to_levels(values), np.rint(values.astype(np.float32) * 255))


@pytest.mark.parametrize("values", [np.zeros((4000, 1000), np.uint16), np.zeros((2000, 1000, 3), np.float64)])
def test_no_wide_copy_of_a_picture_is_made(values):
    tracemalloc.start()
    to_levels(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < values.size + 10 * BAND  # its levels, and a band in 4 bytes twice
