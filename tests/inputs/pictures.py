"""Pictures as people have them, judged by `baad predict`."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import tifffile
from PIL import Image

from baad.data.maps import read_map
from tests.calling import Outcome
from tests.factory import draw_picture, save_picture, write_truncated
from tests.fake_model import write_fake_model
from tests.inputs.case import Case

PART = draw_picture((64, 64), np.random.default_rng(3)).image  # uint8 [64, 64, 3]
GREY = PART[..., 0]
LINE = Image.fromarray(np.full((2000, 8, 3), 90, np.uint8))
OK = r"^ok .*{}$"
Write = Callable[[str], object]


def judging(*names: str) -> list[object]:
    write_fake_model(Path("model.baad"), image_shapes=[[64, 64], [48, 64], [64, 48]])
    return ["predict", "model.baad", *names]


def beside_its_twin(name: str, write: Write, twin: np.ndarray) -> Callable[[Path], Sequence[object]]:
    """Judge the picture that `write` saves as `name`, after the same one as an 8-bit PNG."""

    def make(here: Path) -> Sequence[object]:
        save_picture(here / "twin.png", twin)
        write(name)
        return judging("twin.png", name)

    return make


def alone(name: str, write: Write) -> Callable[[Path], Sequence[object]]:
    def make(here: Path) -> Sequence[object]:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        write(name)
        return judging(name)

    return make


def scores(outcome: Outcome) -> list[float]:
    return [float(line.split()[1]) for line in outcome.out.splitlines()[1:]]


def alike(outcome: Outcome, tolerance: float = 1e-9) -> bool:
    """Both pictures have the same score, up to what the format loses."""
    first, second = scores(outcome)
    return abs(first - second) <= tolerance


def nearly_alike(outcome: Outcome) -> bool:
    return alike(outcome, 0.1)


def saving(image: Image.Image, **options: object) -> Write:
    return lambda name: image.save(name, **options)


def writing(content: bytes) -> Write:
    return lambda name: Path(name).write_bytes(content)


def tiff(values: np.ndarray, **options: object) -> Write:
    return lambda name: tifffile.imwrite(name, values, **options)


def gif(name: str) -> None:
    pages = [Image.fromarray(GREY // divisor) for divisor in (1, 2, 4)]
    pages[0].save(name, save_all=True, append_images=pages[1:])


def turned_by_exif(name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side
    Image.fromarray(np.ascontiguousarray(np.rot90(PART[:48], 1))).save(name, exif=exif, quality=95)


def with_maps(here: Path) -> Sequence[object]:
    turned_by_exif("phone.jpg")
    return [*judging("phone.jpg"), "--maps", "maps"]


def bomb(name: str) -> None:
    Image.fromarray(GREY).save(name)
    content = bytearray(Path(name).read_bytes())
    content[18:26] = (60_000).to_bytes(4, "little") * 2  # width and height in the head of a BMP
    Path(name).write_bytes(content)


def truncated(name: str) -> None:
    write_truncated(save_picture(Path(name), PART))


@contextmanager
def when_opened(act: Callable[[], object]) -> Iterator[None]:
    """Let something happen right after the picture was opened, before it is read."""
    look, acted = os.fstat, []

    def fstat(handle: int) -> os.stat_result:
        status = look(handle)
        if not acted:
            acted.append(True)
            act()
        return status

    with mock.patch("baad.data.decode.os.fstat", fstat):
        yield


def cut_short(here: Path) -> None:
    os.truncate("part.png", 1000)


def replaced(here: Path) -> None:
    save_picture(Path("new.png"), np.zeros((64, 64, 3), np.uint8))
    os.replace("new.png", "part.png")


def one_of_twenty(here: Path) -> Sequence[object]:
    for index in range(20):
        save_picture(here / "new" / f"{index:02d}.png", PART)
    write_truncated(here / "new" / "07.png")
    return judging("-")


SKIPPED = "that file alone"

PICTURES = (
    Case(
        what="16-bit grey TIFF",
        make=beside_its_twin("sixteen.tif", tiff(GREY.astype(np.uint16) * 257), GREY),
        code=0,
        told=(OK.format("sixteen.tif"),),
        check=alike,
        lost="levels finer than 1/255",
    ),
    Case(
        what="float TIFF, values from 0 to 1",
        make=beside_its_twin("float.tif", tiff(GREY.astype(np.float32) / 255), GREY),
        code=0,
        told=(OK.format("float.tif"),),
        check=alike,
    ),
    Case(
        what="float TIFF, values from 0 to 255",
        make=alone("float.tif", tiff(np.linspace(0, 255, 4096, dtype=np.float32).reshape(64, 64))),
        code=3,
        told=("skipped float.tif",),
        lost=SKIPPED,
    ),
    Case(
        what="16-bit colour TIFF, planes apart",
        make=beside_its_twin(
            "planes.tif",
            tiff(np.moveaxis(PART.astype(np.uint16) * 257, 2, 0), photometric="rgb", planarconfig="separate"),
            PART,
        ),
        code=0,
        told=(OK.format("planes.tif"),),
        check=alike,
        lost="levels finer than 1/255",
    ),
    Case(
        what="TIFF of seven channels",
        make=alone(
            "spectrum.tif", tiff(np.zeros((8, 9, 7), np.uint16), photometric="minisblack", planarconfig="contig")
        ),
        code=3,
        told=("skipped spectrum.tif",),
        lost=SKIPPED,
    ),
    Case(
        what="TIFF of three pages: the first counts",
        make=beside_its_twin("pages.tif", tiff(np.stack([PART, PART // 2, PART // 4]), photometric="rgb"), PART),
        code=0,
        told=(r"pages.tif \(the first of 3 pages\)",),
        check=alike,
    ),
    Case(
        what="16-bit grey TIFF in which 0 is white",
        make=beside_its_twin("white.tif", tiff(65535 - GREY.astype(np.uint16) * 257, photometric="miniswhite"), GREY),
        code=0,
        told=(OK.format("white.tif"),),
        check=alike,
        lost="levels finer than 1/255",
    ),
    Case(
        what="16-bit grey PNG",
        make=beside_its_twin("sixteen.png", saving(Image.fromarray(GREY.astype(np.uint16) * 257)), GREY),
        code=0,
        told=(OK.format("sixteen.png"),),
        check=alike,
        lost="levels finer than 1/255",
    ),
    Case(
        what="float TIFF with a value that is no number",
        make=alone("nan.tif", tiff(np.full((64, 64), np.nan, np.float32))),
        code=3,
        told=("skipped nan.tif",),
        lost=SKIPPED,
    ),
    Case(
        what="palette PNG with a transparent colour",
        make=beside_its_twin("clear.png", saving(Image.fromarray(GREY).convert("P"), transparency=90), GREY),
        code=0,
        told=(OK.format("clear.png"),),
        check=alike,
    ),
    Case(
        what="palette PNG",
        make=beside_its_twin("palette.png", saving(Image.fromarray(GREY).convert("P")), GREY),
        code=0,
        told=(OK.format("palette.png"),),
        check=alike,
    ),
    Case(
        what="RGBA PNG, half of it transparent: alpha is dropped",
        make=beside_its_twin("alpha.png", saving(Image.fromarray(np.dstack([PART, GREY]))), PART),
        code=0,
        told=(OK.format("alpha.png"),),
        check=alike,
    ),
    Case(
        what="CMYK JPEG",
        make=beside_its_twin("print.jpg", saving(Image.fromarray(PART).convert("CMYK"), quality=95), PART),
        code=0,
        told=(r"^ok .*print.jpg",),
        check=nearly_alike,
    ),
    Case(
        what="CMYK TIFF",
        make=beside_its_twin("print.tif", saving(Image.fromarray(PART).convert("CMYK")), PART),
        code=0,
        told=(OK.format("print.tif"),),
        check=nearly_alike,
    ),
    Case(
        what="GIF of three pictures: the first counts",
        make=beside_its_twin("loop.gif", gif, GREY),
        code=0,
        told=(OK.format("loop.gif"),),
        check=alike,
    ),
    Case(
        what="lossless WebP",
        make=beside_its_twin("part.webp", saving(Image.fromarray(PART), lossless=True), PART),
        code=0,
        told=(OK.format("part.webp"),),
        check=alike,
    ),
    Case(
        what="BMP",
        make=beside_its_twin("part.bmp", saving(Image.fromarray(PART)), PART),
        code=0,
        told=(OK.format("part.bmp"),),
        check=alike,
    ),
    Case(
        what="a BMP that is called .png",
        make=beside_its_twin("called.png", saving(Image.fromarray(PART), format="BMP"), PART),
        code=0,
        told=(OK.format("called.png"),),
        check=alike,
    ),
    Case(
        what="phone picture that EXIF turns: judged upright, its map is upright",
        make=with_maps,
        code=0,
        told=(r"^ok .*phone.jpg",),
        writes=("maps/phone.jpg.tiff",),
        check=lambda outcome: read_map("maps/phone.jpg.tiff").shape == (48, 64),
    ),
    Case(
        what="line scan of 8 x 2000 px",
        make=alone("line.png", saving(LINE)),
        code=3,
        told=("skipped line.png.*another aspect",),
        lost=SKIPPED,
    ),
    Case(
        what="the same with `--any-size`",
        make=lambda here: [*alone("line.png", saving(LINE))(here), "--any-size"],
        code=0,
        told=("line.png .*another aspect",),
    ),
    Case(what="truncated file", make=alone("cut.png", truncated), code=3, told=("skipped cut.png",), lost=SKIPPED),
    Case(what="empty file", make=alone("empty.png", writing(b"")), code=3, told=("skipped empty.png",), lost=SKIPPED),
    Case(
        what="decompression bomb: a head that promises 60,000 x 60,000 px",
        make=alone("bomb.bmp", bomb),
        code=3,
        told=("skipped bomb.bmp",),
        lost=SKIPPED,
    ),
    Case(
        what="picture over the limit of BAAD_MAX_PIXELS, as it was set",
        make=alone("part.png", saving(Image.fromarray(PART))),
        during=lambda here: mock.patch.dict(os.environ, BAAD_MAX_PIXELS="4000"),
        code=3,
        told=("skipped part.png",),
        lost=SKIPPED,
    ),
    Case(
        what="the same picture with the limit raised",
        make=alone("part.png", saving(Image.fromarray(PART))),
        during=lambda here: mock.patch.dict(os.environ, BAAD_MAX_PIXELS="4096"),
        code=0,
        told=(OK.format("part.png"),),
    ),
    Case(
        what="text with a picture's name",
        make=alone("notes.png", writing(b"not a picture\n")),
        code=3,
        told=("skipped notes.png",),
        lost=SKIPPED,
    ),
    Case(
        what="JPEG of which only the first bytes are there",
        make=alone("begun.jpg", writing(b"\xff\xd8\xff\xe0")),
        code=3,
        told=("skipped begun.jpg",),
        lost=SKIPPED,
    ),
    Case(
        what="HEIC of a phone",
        make=alone("IMG_1.png", writing(b"\0\0\0\x18ftypheic\0\0\0\0")),
        code=3,
        told=("skipped IMG_1.png",),
        lost=SKIPPED,
    ),
    Case(
        what="Git LFS pointer in place of the picture",
        make=alone("part.png", writing(b"version https://git-lfs.github.com/spec/v1\n")),
        code=3,
        told=("skipped part.png",),
        lost=SKIPPED,
    ),
    Case(
        what="named pipe in place of a file: no waiting",
        make=alone("pipe.png", os.mkfifo),
        code=3,
        told=("skipped pipe.png",),
        lost=SKIPPED,
    ),
    Case(
        what="file that is cut short while it is read",
        make=alone("part.png", saving(Image.fromarray(PART))),
        during=lambda here: when_opened(lambda: cut_short(here)),
        code=3,
        told=("skipped part.png",),
        lost=SKIPPED,
        spoilt=("part.png",),
    ),
    Case(
        what="file that is replaced while it is read: judged as it was when opened",
        make=alone("part.png", saving(Image.fromarray(PART))),
        during=lambda here: when_opened(lambda: replaced(here)),
        code=0,
        told=(OK.format("part.png"),),
        spoilt=("part.png",),
        check=lambda outcome: scores(outcome)[0] > 0,
    ),
    Case(
        what="one damaged file in a stream of names",
        make=one_of_twenty,
        stdin="".join(f"new/{index:02d}.png\n" for index in range(20)),
        code=3,
        told=("skipped new/07.png", "19 judged"),
        lost=SKIPPED,
    ),
)
