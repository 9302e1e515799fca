import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from baad.data.masks import read_mask, unite_masks, write_mask
from baad.errors import MaskError
from tests.factory import save_picture, write_truncated

DOT = np.zeros((3, 4), bool)
DOT[1, 2] = True


@given(mask=arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=20)))
@settings(max_examples=25, deadline=None)
def test_a_mask_comes_back_as_it_was_written(tmp_path_factory, mask):
    path = tmp_path_factory.mktemp("masks") / "a.png"
    write_mask(path, mask)
    np.testing.assert_array_equal(read_mask(path, mask.shape), mask)


@pytest.mark.parametrize("value", [1, 7, 254, 255])
def test_any_8_bit_value_marks(tmp_path, value):
    path = save_picture(tmp_path / "a.png", DOT.astype(np.uint8) * value)
    np.testing.assert_array_equal(read_mask(path, (3, 4)), DOT)


@pytest.mark.parametrize("value", [1, 100, 65535])
def test_any_16_bit_value_marks(tmp_path, value):
    Image.fromarray(DOT.astype(np.uint16) * np.uint16(value)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png", (3, 4)), DOT)


def test_small_float_values_mark(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", DOT.astype(np.float32) * 1e-6)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.tif", (3, 4)), DOT)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_any_colour_channel_marks(tmp_path, channel):
    pixels = np.zeros((3, 4, 3), np.uint8)
    pixels[..., channel] = DOT
    np.testing.assert_array_equal(read_mask(save_picture(tmp_path / "a.png", pixels), (3, 4)), DOT)


@pytest.mark.parametrize("sheet", [(0, 0, 0, 255), (255, 255, 255, 0)], ids=["black", "transparent"])
def test_paint_on_a_black_or_a_transparent_sheet_marks(tmp_path, sheet):
    pixels = np.where(DOT[:, :, None], np.uint8([255, 0, 0, 255]), np.uint8(sheet))
    np.testing.assert_array_equal(read_mask(save_picture(tmp_path / "a.png", pixels), (3, 4)), DOT)


def test_a_palette_mask_marks_what_is_not_black(tmp_path):
    image = Image.fromarray(np.where(DOT, 0, 1).astype(np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 0, 0])  # 0 is red, 1 is black
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png", (3, 4)), DOT)


def test_a_black_and_white_mask_is_read(tmp_path):
    Image.fromarray(DOT).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png", (3, 4)), DOT)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16])
def test_a_tiff_that_takes_0_for_white_is_refused_rather_than_read_inverted(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", DOT.astype(dtype), photometric="miniswhite")
    with pytest.raises(MaskError, match=r"a\.tif: it is a TIFF that takes 0 for white.* Save the mask as PNG"):
        read_mask(tmp_path / "a.tif", (3, 4))
    tifffile.imwrite(tmp_path / "a.tif", DOT.astype(np.uint8) * 255, photometric="minisblack")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.tif", (3, 4)), DOT)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_colours_of_16_bits_are_refused_rather_than_read_in_part(tmp_path, suffix):
    pixels = np.repeat(DOT[:, :, None].astype(np.uint16), 3, axis=2)
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), pixels)
    with pytest.raises(MaskError, match=r"a\.\w+: its colours have 16 bits.* Save the mask in 8 bits"):
        read_mask(tmp_path / f"a.{suffix}", (3, 4))


def test_a_mask_of_another_size_is_refused(tmp_path):
    write_mask(tmp_path / "a.png", DOT)
    with pytest.raises(MaskError, match=r"a\.png: it is 4 x 3 px, but its picture is 5 x 3 px\. .*never resized"):
        read_mask(tmp_path / "a.png", (3, 5))
    with pytest.raises(MaskError, match="after its EXIF rotation"):
        read_mask(tmp_path / "a.png", (4, 3))


def test_a_missing_and_a_damaged_mask_are_refused_by_name(tmp_path):
    with pytest.raises(MaskError, match=r"mask .*gone\.png: there is no such file"):
        read_mask(tmp_path / "gone.png", (3, 4))
    noise = np.random.default_rng(0).integers(0, 2, (40, 40)).astype(bool)
    with pytest.raises(MaskError, match=r"cut\.png: the picture is truncated"):
        read_mask(write_truncated(save_picture(tmp_path / "cut.png", noise)), (40, 40))


def test_masks_are_united(tmp_path):
    write_mask(tmp_path / "a.png", DOT)
    write_mask(tmp_path / "b.png", DOT[::-1, ::-1])
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    np.testing.assert_array_equal(unite_masks(paths, (3, 4)), DOT | DOT[::-1, ::-1])
    assert not unite_masks([], (3, 4)).any()
