import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from baad.data.geometry import describe_view, fit_shape, resize_image, resize_map, resize_mask
from baad.errors import ImageError, MaskError

SIDES = st.integers(1, 20)


def test_halving_a_picture_averages_so_that_fine_stripes_become_grey():
    stripes = np.zeros((8, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    small = resize_image(stripes, (8, 8))
    assert small.shape == (8, 8, 3)
    assert np.abs(small.astype(int) - 100).max() <= 15


def test_it_is_said_how_small_pictures_are_seen_and_whether_they_are_squashed():
    assert describe_view([(256, 256)] * 3, (256, 256)) == "pictures are seen at 256x256 px"
    told = describe_view([(480, 1120)] * 3, (160, 384))
    assert told == "pictures are seen at 384x160 px, 3.0 times smaller; what is less than about 6 px wide is lost"
    assert describe_view([(200, 5000)], (128, 512)).endswith(
        "an aspect of 25 is squashed to 4 (--set tile_px=... keeps it)"
    )


def test_a_picture_of_the_right_size_stays_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(resize_image(image, (16, 16)), image)


@pytest.mark.parametrize(
    ("shapes", "seen"),
    [
        ([(480, 480)], (256, 256)),
        ([(500, 1000)], (192, 352)),
        ([(1000, 500)], (352, 192)),
        ([(100, 5000)], (128, 512)),
        ([(480, 480), (500, 1000), (470, 480)], (256, 256)),
    ],
)
def test_pictures_keep_the_aspect_of_the_middle_one_at_the_cost_of_a_square(shapes, seen):
    assert fit_shape(shapes, 256) == seen


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(2, 12))
def test_any_aspect_fits_the_network_and_its_budget(height, width, steps):
    seen = fit_shape([(height, width)], 32 * steps)
    assert all(side % 32 == 0 and side > 0 for side in seen)
    assert seen[0] * seen[1] <= 1.05 * (32 * steps) ** 2
    assert (seen[0] <= seen[1]) == (height <= width) or seen[0] == seen[1]


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(ImageError, match="uint8 \\[height, width, 3\\]"):
        resize_image(image, (8, 8))


def test_a_map_is_interpolated_between_pixel_centres():
    larger = resize_map(np.array([[0.0, 4.0]], np.float32), (1, 4))
    assert larger.dtype == np.float32
    assert larger.tolist() == [[0.0, 1.0, 3.0, 4.0]]


@given(
    values=arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(-9, 9, width=32)),
    height=SIDES,
    width=SIDES,
)
@settings(max_examples=50, deadline=None)
def test_a_resized_map_stays_within_its_range(values, height, width):
    resized = resize_map(values, (height, width))
    assert resized.shape == (height, width)
    assert resized.min() >= values.min() and resized.max() <= values.max()


def test_half_a_pixel_is_marked_and_less_is_not():
    mask = np.array([[1, 0, 1, 0], [1, 0, 0, 0]], bool)
    assert resize_mask(mask, (1, 2)).tolist() == [[True, False]]


@given(mask=arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)), factor=st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_a_mask_enlarged_by_whole_numbers_and_back_is_the_same(mask, factor):
    larger = resize_mask(mask, (mask.shape[0] * factor, mask.shape[1] * factor))
    np.testing.assert_array_equal(larger, np.kron(mask, np.ones((factor, factor), bool)))
    np.testing.assert_array_equal(resize_mask(larger, mask.shape), mask)


def test_a_mask_of_grey_levels_is_refused():
    with pytest.raises(MaskError, match="bool"):
        resize_mask(np.zeros((4, 4), np.uint8), (2, 2))
