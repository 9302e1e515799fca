import io
import os
import threading

import numpy as np
import pytest
import tifffile
from PIL import Image

from baad.data.decode import UnopenedFile, open_samples, pixel_limit, read_image
from baad.data.files import find_images
from baad.errors import DataError, ImageError, SettingError
from tests.factory import draw_picture, save_picture, write_truncated

RAMP = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)  # grey [4, 6]
COLOUR = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=2)  # [4, 6, 3]
GREY = np.repeat(RAMP[:, :, None], 3, axis=2)


def encode(image: Image.Image, format: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("grey.png", Image.fromarray(RAMP), GREY),
        ("grey.bmp", Image.fromarray(RAMP), GREY),
        ("grey.pgm", Image.fromarray(RAMP), GREY),
        ("grey.tif", Image.fromarray(RAMP), GREY),
        ("colour.png", Image.fromarray(COLOUR), COLOUR),
        ("colour.bmp", Image.fromarray(COLOUR), COLOUR),
        ("colour.ppm", Image.fromarray(COLOUR), COLOUR),
        ("colour.tiff", Image.fromarray(COLOUR), COLOUR),
        ("alpha.png", Image.fromarray(np.dstack([COLOUR, RAMP])), COLOUR),
        ("grey_alpha.png", Image.merge("LA", [Image.fromarray(RAMP), Image.fromarray(RAMP[::-1])]), GREY),
        ("black_white.png", Image.fromarray(RAMP > 100), np.where(GREY > 100, 255, 0)),
        ("sixteen.png", Image.fromarray(RAMP.astype(np.uint16) * 257), GREY),
        ("sixteen.tif", Image.fromarray(RAMP.astype(np.uint16) * 257), GREY),
        ("sixteen.pgm", Image.fromarray(RAMP.astype(np.uint16) * 257), GREY),
        ("palette.png", Image.fromarray(COLOUR).quantize(256), COLOUR),
        ("palette.gif", Image.fromarray(RAMP), GREY),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind_of_picture_becomes_8_bit_colour(tmp_path, name, image, expected):
    image.save(tmp_path / name)
    picture = read_image(tmp_path / name)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, expected)


@pytest.mark.parametrize(("name", "mode"), [("lossy.jpg", "RGB"), ("lossy.webp", "RGB"), ("print.jpg", "CMYK")])
def test_lossy_pictures_come_close(tmp_path, name, mode):
    image = draw_picture((48, 64), np.random.default_rng(0)).image
    Image.fromarray(image).convert(mode).save(tmp_path / name, quality=95)
    assert np.abs(read_image(tmp_path / name).astype(int) - image).mean() < 6


@pytest.mark.parametrize("name", ["rows.tif", "tiles.tif", "planes.tif", "one.tif"])
def test_strips_and_tiles_of_any_size_make_up_the_picture(tmp_path, name):
    image = draw_picture((50, 70), np.random.default_rng(0)).image
    options = {"rows.tif": {"rowsperstrip": 7}, "tiles.tif": {"tile": (32, 32)}, "one.tif": {"rowsperstrip": 999}}
    planes = {"planarconfig": "separate"} if name == "planes.tif" else {}
    stored = np.moveaxis(image, 2, 0) if planes else image
    tifffile.imwrite(tmp_path / name, stored, photometric="rgb", **planes, **options.get(name, {}))
    np.testing.assert_array_equal(read_image(tmp_path / name), image)


def test_the_suffix_does_not_matter(tmp_path):
    (tmp_path / "really_a_bmp.png").write_bytes(encode(Image.fromarray(COLOUR), "BMP"))
    np.testing.assert_array_equal(read_image(tmp_path / "really_a_bmp.png"), COLOUR)


def test_sixteen_bits_are_divided_by_257_and_rounded(tmp_path):
    values = np.array([[0, 128, 129, 257, 65406, 65407, 65535]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert read_image(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 0, 1, 1, 254, 255, 255]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3])
def test_float_tiffs_run_from_0_to_1(tmp_path, dtype, channels):
    values = np.array([[0.0, 0.5, 1.0]], dtype)
    stored = values if channels == 1 else np.repeat(values[:, :, None], 3, axis=2)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack" if channels == 1 else "rgb")
    assert read_image(tmp_path / "a.tif")[0].tolist() == [[0] * 3, [128] * 3, [255] * 3]


@pytest.mark.parametrize("values", [[0.0, 1.5], [-0.1, 1.0], [0.0, np.nan], [0.0, np.inf], [0.0, 255.0]])
def test_floats_of_another_range_are_refused_and_not_stretched(tmp_path, values):
    tifffile.imwrite(tmp_path / "a.tif", np.array([values], np.float32))
    told = "holds values that are not numbers" if np.isnan(values).any() else "its float values run from .* Scale float"
    with pytest.raises(ImageError, match=rf"a\.tif: .*{told}"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("factor", [np.uint8(1), np.uint16(257)])
def test_colour_tiffs_are_read_in_one_plane_or_three(tmp_path, planar, factor):
    values = COLOUR * factor
    stored = values if planar == "contig" else np.moveaxis(values, 2, 0)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), COLOUR)


def test_an_unusual_tiff_lies_as_its_orientation_says(tmp_path):
    stored = np.rot90(COLOUR, 1).astype(np.float32) / 255
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extratags=[(0x0112, "H", 1, 6, True)])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), COLOUR)


def test_a_tiff_of_seven_channels_is_refused(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((8, 9, 7), np.uint16), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(ImageError, match="1 or 3 channels"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("photometric", "channels", "planar", "dtype", "told"),
    [
        ("separated", 4, "separate", "uint16", "uint16 samples are CMYK"),
        ("separated", 4, "contig", "float32", "float32 samples are CMYK"),
        ("cielab", 3, "contig", "uint16", "uint16 samples are CIELab"),
        ("cielab", 3, "separate", "uint16", "uint16 samples are CIELab"),
        ("ycbcr", 3, "contig", "uint16", "uint16 samples are YCbCr"),
        ("linear_raw", 3, "contig", "uint16", "uint16 samples are of photometric 34892"),
    ],
)
def test_colours_that_are_neither_grey_nor_rgb_are_refused_and_not_taken_for_rgb(
    tmp_path, photometric, channels, planar, dtype, told
):
    shape = (8, 9, channels) if planar == "contig" else (channels, 8, 9)
    tifffile.imwrite(tmp_path / "a.tif", np.zeros(shape, dtype), photometric=photometric, planarconfig=planar)
    with pytest.raises(ImageError, match=rf"a\.tif: its {told}\. Save it as grey or RGB\."):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("factor", [np.uint8(1), np.uint16(257)])
def test_colours_that_stand_in_a_tiff_as_several_channels_of_grey_are_read(tmp_path, factor):
    tifffile.imwrite(tmp_path / "a.tif", COLOUR * factor, photometric="minisblack", planarconfig="contig")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), COLOUR)


def test_a_tiff_that_calls_itself_a_mask_is_read(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RAMP > 100, photometric="mask")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), np.where(GREY > 100, 255, 0))


def test_ink_in_16_bits_is_read_where_it_does_not_lie_in_planes(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 9, 4), np.uint16), photometric="separated", planarconfig="contig")
    assert (read_image(tmp_path / "a.tif") == 255).all()


def test_of_many_pages_the_first_is_taken(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([RAMP, 255 - RAMP]), photometric="minisblack")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), GREY)
    assert open_samples((tmp_path / "a.tif").read_bytes(), "a.tif").pages == 2


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_lies_as_its_exif_says(tmp_path, format, orientation):
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :16] = 255  # white top left corner
    back = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    stored = [
        lambda a: a,
        lambda a: a[:, ::-1],
        lambda a: a[::-1, ::-1],
        lambda a: a[::-1],
        lambda a: a.transpose(1, 0, 2),
        lambda a: np.rot90(a, -1),
        lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        lambda a: np.rot90(a, 1),
    ][back - 1](upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo"
    path.write_bytes(encode(Image.fromarray(np.ascontiguousarray(stored)), format, exif=exif))
    picture = read_image(path)
    assert picture.shape == upright.shape
    assert np.abs(picture.astype(int) - upright).mean() < 5
    assert open_samples(path.read_bytes(), path, reduce_to=4).shape == (32, 48)


def test_a_reduced_jpeg_is_smaller_and_keeps_the_shape_of_the_whole():
    content = encode(Image.fromarray(draw_picture((320, 256), np.random.default_rng(0)).image), "JPEG")
    samples = open_samples(content, "a.jpg", reduce_to=32)
    assert samples.values.shape == (40, 32, 3)
    assert samples.shape == (320, 256)


def test_the_picture_may_be_written_to(tmp_path):
    picture = read_image(save_picture(tmp_path / "a.png", COLOUR))
    picture[0, 0] = 1
    assert picture.flags.c_contiguous


def test_names_may_be_of_any_language_and_length(tmp_path):
    path = tmp_path / "Prüfling 検査" / ("ä" * 100) / ("长" * 80 + ".png")
    np.testing.assert_array_equal(read_image(save_picture(path, COLOUR)), COLOUR)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty.*Copy it again"),
        (b"not a picture at all\n", "it is text, not a picture"),
        ("schön wär's".encode(), "it is text"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC.*Export it as JPEG"),
        (b"%PDF-1.7 \0\1\2", "a PDF"),
        (b"PK\3\4\0\0\0\0", "a zip archive"),
        (b"\x93NUMPY\1\0", "a NumPy array"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\xd8\xff\xe0", "truncated or damaged, right at its head"),
        (b"II*\0\x10\0\0\0CR\2\0", "cannot be read .[A-Z][A-Za-z]+Error"),  # the raw file of a camera
        (b"\0" * 128 + b"DICM\0", "DICOM"),
        (bytes(range(256)), "no picture that can be read"),
        (b"II*\0" + bytes(200), "cannot be read|damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), "damaged"),
    ],
)
def test_a_foreign_file_is_named_for_what_it_is(tmp_path, content, words):
    path = tmp_path / "renamed.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=f"renamed.png: .*({words})"):
        read_image(path)


def test_missing_files_folders_and_pipes_are_no_pictures(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for name, words in (("gone.png", "no such file"), ("", "it is a folder"), ("pipe.png", "it is not a file")):
        with pytest.raises(ImageError, match=words):
            read_image(tmp_path / name)
    with pytest.raises(ImageError, match="cannot be opened"):
        read_image(str(tmp_path / "nul\0.png"))


def test_a_file_that_another_program_locks_is_told_from_a_broken_one(tmp_path, monkeypatch):
    with pytest.raises(ImageError) as broken:
        read_image(write_truncated(save_picture(tmp_path / "a.png", GREY)))
    monkeypatch.setattr(os, "open", lambda *given: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(UnopenedFile, match="Permission denied") as locked:
        read_image(tmp_path / "a.png")
    assert type(broken.value) is not type(locked.value)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif", "a.webp", "a.gif", "a.ppm"])
@pytest.mark.parametrize("keep", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("reduce_to", [None, 16])
def test_a_truncated_picture_is_never_half_read(tmp_path, name, keep, reduce_to):
    noise = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    path = write_truncated(save_picture(tmp_path / name, noise), keep)
    with pytest.raises(ImageError, match=path.name):
        open_samples(path.read_bytes(), path, reduce_to=reduce_to)


def test_a_tiff_that_is_taller_than_its_strips_is_damaged(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RAMP.astype(np.uint16))
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as tiff:
        tiff.pages.first.tags["ImageLength"].overwrite(4000)
    with pytest.raises(ImageError, match="truncated or damaged"):
        read_image(tmp_path / "a.tif")


def test_a_picture_over_the_limit_is_refused_with_the_way_to_raise_it(tmp_path, monkeypatch):
    path = save_picture(tmp_path / "wide.png", np.zeros((10, 100), np.uint8))
    monkeypatch.setenv("BAAD_MAX_PIXELS", "1000")
    assert read_image(path).shape == (10, 100, 3)
    monkeypatch.setenv("BAAD_MAX_PIXELS", "999")
    with pytest.raises(ImageError, match=r"100 x 10 px.*limit.*BAAD_MAX_PIXELS=1000"):
        read_image(path)
    with pytest.raises(ImageError, match="BAAD_MAX_PIXELS"):
        read_image(path)


def test_a_bomb_is_refused_before_it_is_decoded():
    header = bytearray(encode(Image.fromarray(RAMP), "BMP"))
    header[18:26] = (60_000).to_bytes(4, "little") * 2  # width and height
    with pytest.raises(ImageError, match="3,600,000,000 px are over the limit of 200,000,000 px"):
        open_samples(bytes(header), "bomb.bmp")


@pytest.mark.parametrize("text", ["many", "-1", "0", "inf", "nan"])
def test_a_limit_that_is_no_number_is_said(monkeypatch, text):
    monkeypatch.setenv("BAAD_MAX_PIXELS", text)
    with pytest.raises(SettingError, match="BAAD_MAX_PIXELS"):
        pixel_limit()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM"])
def test_our_limit_replaces_pillows_which_stands_again_afterwards(monkeypatch, format):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    content = encode(Image.fromarray(COLOUR), format)
    failures = []

    def decode_often():
        try:
            for _ in range(5):
                open_samples(content, "a")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=decode_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert Image.MAX_IMAGE_PIXELS == 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM"])
def test_a_mutated_file_is_read_or_refused_with_its_name(tmp_path, monkeypatch, format):
    rng = np.random.default_rng(7)
    original = np.frombuffer(encode(Image.fromarray(COLOUR), format), np.uint8)
    path = tmp_path / "mutant"
    monkeypatch.setenv("BAAD_MAX_PIXELS", "1000000")
    for _ in range(60):
        mutant = original.copy()
        places = rng.integers(0, min(len(mutant), 200), rng.integers(1, 6))
        mutant[places] = rng.integers(0, 256, len(places))
        path.write_bytes(mutant[: rng.integers(1, len(mutant) + 1)].tobytes())
        try:
            picture = read_image(path)
        except ImageError as error:
            assert "mutant: " in str(error) and "\n" not in str(error)
        else:
            assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3


def test_pictures_are_found_by_suffix_in_natural_order(tmp_path):
    for name in ("img10.png", "img2.JPG", "b/img1.tiff", "notes.txt", ".hidden.png", "._img2.jpg", ".git/x.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert [path.name for path in find_images(tmp_path)] == ["img2.JPG", "img10.png"]
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path, recursive=True)]
    assert found == ["b/img1.tiff", "img2.JPG", "img10.png"]


def test_linked_folders_are_followed_once(tmp_path):
    save_picture(tmp_path / "store" / "a.png", RAMP)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "round").symlink_to(tmp_path / "data")
    assert len(find_images(tmp_path / "data", recursive=True)) == 1


def test_a_folder_that_is_not_there_cannot_be_listed(tmp_path):
    with pytest.raises(DataError, match="gone cannot be listed"):
        find_images(tmp_path / "gone")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_tiffs_in_which_0_is_white_are_turned_over(tmp_path, dtype):
    values = RAMP.astype(dtype) * (257 if dtype == "uint16" else 1)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), 255 - GREY)


@pytest.mark.parametrize("compression", ["packbits", "tiff_adobe_deflate"])
def test_a_tiff_whose_number_of_bits_is_cut_off_is_not_read_as_black_and_white(compression):
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (100, 100, 100)).save(file, "TIFF", compression=compression)
    for lost in range(1, 11):
        with pytest.raises(ImageError):
            open_samples(file.getvalue()[:-lost], "part.tif")


def test_a_tiff_with_negative_values_is_refused_in_8_bits_too(tmp_path):
    for dtype in ("int8", "int16"):
        tifffile.imwrite(tmp_path / "a.tif", np.array([[-5, 5]], dtype))
        with pytest.raises(ImageError, match="its values run from -5 to 5"):
            read_image(tmp_path / "a.tif")


def test_signed_bytes_are_refused_for_nobody_knows_what_is_white(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, 99]], np.int8))
    with pytest.raises(ImageError, match="run from 0 to 99, as signed bytes"):
        read_image(tmp_path / "a.tif")
