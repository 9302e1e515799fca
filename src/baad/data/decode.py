"""Picture file -> uint8 [H, W, 3]. The one place where picture files are opened.

Stated rules, the same for every picture so that scores stay comparable (never a per-picture min-max):

- first page or frame only; the EXIF orientation is applied; alpha is dropped; palette and CMYK become RGB
- 16-bit grey: value / 257, rounded, so that 65535 -> 255 (16-bit colour PNG: the upper byte)
- float TIFF: 0..1 -> value * 255, rounded; any other range is refused, since it cannot be known
- the file is read once into memory, so that one which changes meanwhile is seen as it was, or refused

`open_samples` gives the stored samples unscaled (masks need them), `read_image` the picture.
"""

import ctypes
import io
import logging
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError, _imaging

from baad.data.foreign import AGAIN, RESAVE, explain_foreign, to_line
from baad.data.levels import to_levels
from baad.errors import ImageError, SettingError

DEFAULT_MAX_PIXELS = 200_000_000
MAX_PIXELS_VARIABLE = "BAAD_MAX_PIXELS"

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")  # none that starts another program, as EPS does
_BYTES_PER_PIXEL = 16  # four float samples; a larger file is not a picture of the allowed size
_TIFF_RATIO = 2_000  # deflate and LZW reach at most about 1,400 : 1; more is a damaged or hostile header
_SMALLER = "Save it in a smaller size"
NO_MEMORY = ("there is not enough memory to decode it", _SMALLER)
_COLOURS = {
    "1": "black and white",
    "L": "8-bit grey",
    "LA": "8-bit grey with alpha",
    "I": "16-bit grey",
    "I;16": "16-bit grey",
    "F": "float grey",
    "P": "palette colour",
    "RGB": "8-bit colour",
    "RGBA": "8-bit colour with alpha",
}
_PLAIN = (0, 1, 2, 4)  # meanings of TIFF samples that need no conversion: 0 is white, 0 is black, RGB, mask
_CONVERTED = {3: "palette indices", 5: "CMYK", 6: "YCbCr", 8: "CIELab", 9: "CIELab", 10: "CIELab"}
_STEERING = "[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"  # controls, line ends, changes of direction
_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {  # EXIF orientation -> upright; [H, W] or [H, W, C]
    2: lambda values: values[:, ::-1],
    3: lambda values: values[::-1, ::-1],
    4: lambda values: values[::-1],
    5: lambda values: values.swapaxes(0, 1),
    6: lambda values: np.rot90(values, -1),
    7: lambda values: values[::-1, ::-1].swapaxes(0, 1),
    8: lambda values: np.rot90(values, 1),
}
for _library in ("PIL", "tifffile"):  # our error says it; nothing more on the terminal
    logging.getLogger(_library).addHandler(logging.NullHandler())
_lifting = threading.Lock()
_lifted: list[int | None] = []  # Pillow's own limit, once for each decoding that has lifted it


class UnreadableFile(ImageError):
    """An ImageError that keeps the problem and the remedy apart, for lists of findings."""

    def __init__(self, path: Path | str, problem: str, remedy: str) -> None:
        super().__init__(f"{show_path(path)}: {problem}. {remedy}.")
        self.problem, self.remedy = problem, remedy


class UnopenedFile(UnreadableFile):
    """The file was not even opened, as while another program locks it: it may be whole all the same."""


@dataclass(frozen=True)
class Samples:
    """A picture as stored, upright. values: [H, W] grey or [H, W, 3] colour, of the file's own type and range.

    `alpha` [H, W] is None where the file has none. `shape` is the (height, width) of the whole picture, upright, also
    where `values` were decoded smaller. `colour` says in words how it was stored; `pages` counts the pages of a TIFF,
    of which this is the first. `inverted`: 0 is white in the file, and has become the highest value. `cut`: of 16 bits
    the upper eight alone are here, as of colour.
    """

    values: np.ndarray
    alpha: np.ndarray | None
    shape: tuple[int, int]
    colour: str
    pages: int = 1
    inverted: bool = False
    cut: bool = False


def read_image(path: Path | str) -> np.ndarray:
    """Read a picture file -> uint8 [H, W, 3], by the rules at the top of this file.

    Raises ImageError where the file is missing, empty, truncated, no picture, too large, or in a range that cannot
    be known; SettingError for a BAAD_MAX_PIXELS that is no number.
    """
    path = Path(path)
    return to_picture(open_samples(read_content(path), path), path)


def read_content(path: Path) -> bytes:
    """The bytes of a picture file, read once. Raises ImageError where there is none to read."""
    try:
        with open(path, "rb", opener=_open_at_once) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableFile(path, "it is not a file", "Give a picture file")
            if status.st_size > pixel_limit() * _BYTES_PER_PIXEL:
                raise UnreadableFile(path, f"the file is too large ({status.st_size / 1e9:.1f} GB)", _SMALLER)
            content = stream.read()
    except FileNotFoundError as error:
        raise UnreadableFile(path, "there is no such file", "Check the name") from error
    except IsADirectoryError as error:
        raise UnreadableFile(path, "it is a folder", "Give a picture file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnopenedFile(path, f"it cannot be opened ({reason})", "Check the name and the permissions") from error
    if not content:
        raise UnreadableFile(path, "the file is empty", AGAIN)
    return content


def open_samples(content: bytes, path: Path | str, reduce_to: int | None = None) -> Samples:
    """Decode the bytes of a picture file; `path` is for messages alone.

    With `reduce_to`, a JPEG may come smaller, by 2, 4 or 8 but no side below `reduce_to` px: about twice as fast, and
    damage is found all the same.

    Raises ImageError as read_image does, but leaves the range of the values to to_picture.
    """
    limit = pixel_limit()
    try:
        with _open(content) as image:
            _check_size(image.width, image.height, limit, path)
            if _is_mixed_up(image):
                return _open_unusual_tiff(content, path, limit)
            if not _is_covered(image):
                raise UnreadableFile(path, "the TIFF is truncated or damaged", AGAIN)
            shape, pages, cut = (image.height, image.width), _count_pages(image), _is_cut(image)
            if reduce_to is not None:
                image.draft(None, (reduce_to, reduce_to))  # type: ignore[arg-type]  # None keeps the mode
            image.load()
            return replace(_take_samples(image, shape, pages), inverted=_is_white_zero(image), cut=cut)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        if content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _open_unusual_tiff(content, path, limit)
        raise UnreadableFile(path, *explain_foreign(content)) from error
    except MemoryError as error:
        raise UnreadableFile(path, *NO_MEMORY) from error
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise UnreadableFile(path, f"the picture is truncated or damaged ({to_line(error)})", AGAIN) from error


def to_picture(samples: Samples, path: Path | str) -> np.ndarray:
    """Stored samples -> uint8 [H, W, 3]; `path` is for messages alone. Raises ImageError for an unknown range."""
    levels = _to_levels(samples.values, path)
    if levels.ndim == 2:
        levels = np.repeat(levels[:, :, None], 3, axis=2)
    return np.ascontiguousarray(levels)


def pixel_limit() -> int:
    """The largest picture that is decoded, in px, against decompression bombs: BAAD_MAX_PIXELS, else 200 million."""
    text = os.environ.get(MAX_PIXELS_VARIABLE, "").strip()
    if not text:
        return DEFAULT_MAX_PIXELS
    try:
        limit = int(float(text.replace("_", "")))
    except (ValueError, OverflowError):
        limit = 0
    if limit < 1:
        raise SettingError(f"{MAX_PIXELS_VARIABLE} is {text!r}: give a number of pixels, such as 400000000.")
    return limit


def show_path(path: Path | str) -> str:
    """A path as text for people, on one line: signs that steer a terminal are written out, as \\n and \\x1b are."""
    return re.sub(_STEERING, lambda match: repr(match[0])[1:-1], text_of_path(path))


def text_of_path(path: Path | str) -> str:
    """A path as text: what is not UTF-8 becomes replacement signs."""
    return re.sub("[\ud800-\udfff]", "\ufffd", os.fspath(path))


def _hush_libtiff() -> None:
    """What Pillow's libtiff finds odd comes as an exception; by itself it would print it on the terminal, too."""
    try:
        library = ctypes.CDLL(_imaging.__file__)  # finds what it is linked with
        library.TIFFSetErrorHandler(None)
        library.TIFFSetWarningHandler(None)
    except (OSError, AttributeError):  # linked in another way: it will print
        pass


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a named pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextmanager
def _open(content: bytes) -> Iterator[Image.Image]:
    """Open without Pillow's pixel limit, one number for the whole process; it stands again when the last one closes."""
    with _lifting:
        _lifted.append(_lifted[-1] if _lifted else Image.MAX_IMAGE_PIXELS)
        Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            yield image
    finally:
        with _lifting:
            theirs = _lifted.pop()
            if not _lifted:
                Image.MAX_IMAGE_PIXELS = theirs


def _check_size(width: int, height: int, limit: int, path: Path | str) -> None:
    if width * height > limit:
        problem = f"{width} x {height} px = {width * height:,} px are over the limit of {limit:,} px"
        remedy = f"{_SMALLER}, or raise the limit with the environment variable {MAX_PIXELS_VARIABLE}={width * height}"
        raise UnreadableFile(path, problem, remedy)


def _count_pages(image: Image.Image) -> int:
    """Pages of a TIFF; other formats are not asked, for they would have to be decoded."""
    if image.format != "TIFF":
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # damage behind the first page does no harm to it
        return 1
    finally:
        image.seek(0)


def _take_samples(image: Image.Image, shape: tuple[int, int], pages: int) -> Samples:
    """Samples of a loaded picture; `shape` as it lay in the file."""
    wide = image.mode.startswith("I;16")  # in either byte order
    colour = _COLOURS.get("I;16" if wide else image.mode, image.mode)
    orientation = _find_orientation(image)
    if image.mode in ("PA", "La", "RGBa") or (image.mode == "P" and "transparency" in image.info):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    elif image.mode not in ("1", "L", "LA", "I", "F", "RGB", "RGBA") and not wide:
        image = image.convert("RGB")
    return _upright(np.array(image), orientation, shape, colour, pages)  # [H, W] or [H, W, 2 | 3 | 4]


def _find_orientation(image: Image.Image) -> int:
    """1 to 8; 1, that is upright, where there is none. Pillow has turned a TIFF by now."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # damaged EXIF says nothing about the picture
        return 1


def _upright(values: np.ndarray, orientation: int, shape: tuple[int, int], colour: str, pages: int) -> Samples:
    """Turn [H, W] or [H, W, 1 to 4] upright, and take the alpha apart."""
    values = _TURNS.get(orientation, lambda stored: stored)(values)
    shape = shape[::-1] if 5 <= orientation <= 8 else shape
    channels = 1 if values.ndim == 2 else values.shape[2]
    alpha = values[:, :, -1] if channels in (2, 4) else None
    if values.ndim == 3:
        values = values[:, :, 0] if channels < 3 else values[:, :, :3]
    return Samples(values, alpha, shape, colour, pages)


def _open_unusual_tiff(content: bytes, path: Path | str, limit: int) -> Samples:
    """TIFFs that Pillow has no mode for, such as float colour, or mixes up; grey and RGB alone."""
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            page = tiff.pages.first
            width, height = int(page.imagewidth), int(page.imagelength)  # a damaged head may hold tuples
            _check_size(width, height, limit, path)
            if not 0 < page.nbytes <= _TIFF_RATIO * len(content):
                raise UnreadableFile(path, "the TIFF is truncated or damaged", AGAIN)
            if page.bitspersample == 1 < page.samplesperpixel:  # what says so is cut off, and one bit is the default
                raise UnreadableFile(path, "the TIFF is truncated or damaged", AGAIN)
            if page.photometric not in _PLAIN:
                kind = _CONVERTED.get(page.photometric, f"of photometric {int(page.photometric)}")
                raise UnreadableFile(path, f"its {page.dtype} samples are {kind}", "Save it as grey or RGB")
            axes, values, pages = page.axes, page.asarray(maxworkers=1), len(tiff.pages)
            inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
            orientation = int(page.tags.valueof(0x0112, default=1))
    except ImageError:
        raise
    except Exception as error:  # as above: a damaged file may raise anything
        raise UnreadableFile(path, f"this TIFF cannot be read ({to_line(error)})", RESAVE) from error
    if axes == "SYX":
        values = np.moveaxis(values, 0, 2)
    if axes not in ("YX", "YXS", "SYX") or (values.ndim == 3 and values.shape[2] > 4):
        raise UnreadableFile(path, f"the TIFF holds {values.shape} samples", "Save one page of 1 or 3 channels")
    if inverted and values.dtype.kind == "u":
        values = np.iinfo(values.dtype).max - values
    colour = f"{values.dtype} {'grey' if values.ndim == 2 or values.shape[2] < 3 else 'colour'}"
    upright = _upright(values, orientation, (values.shape[0], values.shape[1]), colour, pages)
    return replace(upright, inverted=inverted and values.dtype.kind == "u")


def _is_mixed_up(image: Image.Image) -> bool:
    """Whether Pillow would misread this TIFF without a word.

    It takes planes of more than 8 bits for 8-bit planes, negative values for large ones, and 16-bit values of which 0
    is white for values of which 0 is black.
    """
    tags = getattr(image, "tag_v2", {})
    wide, kinds = max(tags.get(258, (8,))) > 8, tags.get(339, (1,))  # bits per sample; what samples are
    return (tags.get(284) == 2 and wide) or (2 in kinds and not wide) or (tags.get(262) == 0 and wide)


def _is_white_zero(image: Image.Image) -> bool:
    """Whether 0 is white in this TIFF, which Pillow has turned round."""
    return getattr(image, "tag_v2", {}).get(262) == 0 and image.mode in ("1", "L")


def _is_cut(image: Image.Image) -> bool:
    """Whether Pillow will keep the upper byte alone of samples of 16 bits, before it has read them."""
    return image.mode in ("LA", "RGB", "RGBA") and any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))


def _is_covered(image: Image.Image) -> bool:
    """Whether the strips of a TIFF make up all of the picture: Pillow leaves what lies between them black."""
    boxes = [tile[1] for tile in getattr(image, "tile", ()) if tile[1]]
    covered = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
    return image.format != "TIFF" or covered >= image.width * image.height


def _to_levels(values: np.ndarray, path: Path | str) -> np.ndarray:
    """Samples of any type -> uint8 of the same shape, by the rules at the top."""
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool:
        return values.astype(np.uint8) * 255
    low, high = values.min(), values.max()
    if values.dtype.kind in "ui":
        if low < 0 or high > 65535 or values.dtype.itemsize == 1:  # signed bytes: nobody knows what is white
            signed = ", as signed bytes" if values.dtype.itemsize == 1 else ""
            told = f"its values run from {low} to {high}{signed}"
            raise UnreadableFile(path, told, "Save it with 8 or 16 bits per sample, unsigned")
        return to_levels(values)
    if values.dtype.kind != "f" or not (low >= 0 and high <= 1):  # a NaN fails both
        if np.isnan(low) or np.isnan(high):
            raise UnreadableFile(path, "it holds values that are not numbers", "Replace them, all in the same way")
        remedy = "Scale float pictures to 0..1, all by the same factor, or save them with 8 or 16 bits"
        raise UnreadableFile(path, f"its float values run from {low:.4g} to {high:.4g}, not from 0 to 1", remedy)
    return to_levels(values)


_hush_libtiff()
