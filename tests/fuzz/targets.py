"""What is fuzzed: files that can be read, how they are damaged, and who reads them."""

import base64
import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from baad.data.decode import read_image
from baad.data.masks import read_mask, unite_masks
from baad.data.reading import read_category
from baad.runtime.detector import Detector
from tests.factory import draw_set, outline, write_layout
from tests.fake_model import write_fake_model
from tests.fuzz.mutate import mutate, mutate_json, mutate_text

SIZE = (20, 28)  # height and width of the pictures in px
Mutation = Callable[[bytes, Sequence[bytes], np.random.Generator], bytes]


@dataclass(frozen=True)
class Original:
    """A file that can be read. `change` damages it; `read` takes it from `place`, and may raise BaadError alone."""

    name: str
    content: bytes
    place: Path
    change: Mutation
    read: Callable[[Path], object] = field(repr=False)


def make_targets(folder: Path) -> dict[str, list[Original]]:
    """All originals by what they are; the files which they need beside them are written below `folder`."""
    return {
        "picture": _pictures(folder),
        "mask": _masks(folder),
        "list": _lists(folder),
        "model": _models(folder),
    }


def _encode(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def _tiff(values: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


def _pictures(folder: Path) -> list[Original]:
    colour = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    colour[4:12, 4:20] = 128  # smooth and noisy parts, so that every compression has something to do
    grey, photo = colour[..., 0], Image.fromarray(colour)
    exif = Image.Exif()
    exif[0x0112] = 6
    contents = {
        "colour.png": _encode(photo, "PNG"),
        "alpha.png": _encode(photo.convert("RGBA"), "PNG"),
        "palette.png": _encode(photo.quantize(16), "PNG", transparency=3),
        "sixteen.png": _encode(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"),
        "photo.jpg": _encode(photo, "JPEG", exif=exif),
        "progressive.jpg": _encode(photo, "JPEG", progressive=True),
        "print.jpg": _encode(photo.convert("CMYK"), "JPEG"),
        "colour.bmp": _encode(photo, "BMP"),
        "palette.bmp": _encode(photo.quantize(16), "BMP"),
        "lossy.webp": _encode(photo, "WEBP"),
        "lossless.webp": _encode(photo.convert("RGBA"), "WEBP", lossless=True, exif=exif),
        "palette.gif": _encode(photo.quantize(16), "GIF"),
        "colour.ppm": _encode(photo, "PPM"),
        "sixteen.pgm": _encode(Image.fromarray(grey.astype(np.uint16) * 257), "PPM"),
        "colour.tif": _encode(photo, "TIFF"),
        "lzw.tif": _encode(photo, "TIFF", compression="tiff_lzw"),
        "deflate.tif": _encode(photo, "TIFF", compression="tiff_adobe_deflate"),
        "jpeg.tif": _encode(photo, "TIFF", compression="jpeg"),
        "print.tif": _encode(photo.convert("CMYK"), "TIFF"),
        "fax.tif": _encode(photo.convert("1"), "TIFF", compression="group4"),
        "sixteen.tif": _tiff(grey.astype(np.uint16) * 257),
        "float.tif": _tiff(grey.astype(np.float32) / 255),
        "float colour.tif": _tiff(colour.astype(np.float32) / 255, photometric="rgb"),
        "planes.tif": _tiff(
            np.moveaxis(colour.astype(np.uint16) * 257, 2, 0), photometric="rgb", planarconfig="separate"
        ),
        "tiles.tif": _tiff(colour, photometric="rgb", tile=(16, 16), compression="zlib"),
        "pages.tif": _tiff(np.stack([grey, grey]), photometric="minisblack"),
        "big.tif": _tiff(grey, bigtiff=True),
    }
    return [Original(name, content, folder / "picture", mutate, read_image) for name, content in contents.items()]


def _masks(folder: Path) -> list[Original]:
    marked = np.zeros(SIZE, bool)
    marked[5:9, 6:20] = True
    sheet = Image.fromarray(marked.astype(np.uint8) * 255)
    contents = {
        "grey.png": _encode(sheet, "PNG"),
        "black and white.png": _encode(sheet.convert("1"), "PNG"),
        "palette.png": _encode(sheet.convert("RGB").quantize(2), "PNG"),
        "transparent.png": _encode(Image.merge("LA", [sheet, sheet]), "PNG"),
        "sixteen.tif": _tiff(marked.astype(np.uint16) * 3),
        "black and white.tif": _encode(sheet.convert("1"), "TIFF", compression="group4"),
        "grey.bmp": _encode(sheet, "BMP"),
        "grey.jpg": _encode(sheet, "JPEG"),
        "grey.gif": _encode(sheet, "GIF"),
    }
    return [
        Original(name, content, folder / "mask", mutate, lambda path: read_mask(path, SIZE))
        for name, content in contents.items()
    ]


def _lists(folder: Path) -> list[Original]:
    """A file of each reader, in a category that is whole but for it."""
    drawn = draw_set(normals=4, good=1, defective=2, size=SIZE)
    originals = []
    for layout in ("manifest", "coco", "labelme", "visa", "loco"):
        write_layout(layout, folder / layout / "disc", drawn)
    json_lines = shutil.copytree(folder / "manifest" / "disc", folder / "lines" / "disc")
    table = (json_lines / "manifest.csv").read_text().splitlines()
    (json_lines / "manifest.csv").unlink()
    names = table[0].split(",")
    rows = [json.dumps(dict(zip(names, line.split(",")))) for line in table[1:]]
    (json_lines / "manifest.jsonl").write_text("\n".join(rows))
    runs = _with_runs(shutil.copytree(folder / "coco" / "disc", folder / "runs" / "disc"))
    labelled = sorted((folder / "labelme" / "disc" / "test").glob("*.json"))[0]
    for name, place, change, read in (
        ("manifest.csv", folder / "manifest" / "disc" / "manifest.csv", mutate_text, _read_whole),
        ("manifest.jsonl", json_lines / "manifest.jsonl", mutate_json, _read_whole),
        ("COCO polygons", folder / "coco" / "disc" / "annotations.json", mutate_json, _read_whole),
        ("COCO runs", runs, mutate_json, _read_whole),
        ("labelme", _with_other_shapes(labelled), mutate_json, lambda path: _read_whole(path.parent)),
        ("VisA's split", folder / "visa" / "split_csv" / "1cls.csv", mutate_text, _read_visa),
    ):
        originals.append(Original(name, place.read_bytes(), place, change, read))
    return originals


def _with_runs(root: Path) -> Path:
    """COCO annotations whose polygons became runs, as numbers and as packed text."""
    file = root / "annotations.json"
    record = json.loads(file.read_text())
    lengths = [100, 5, SIZE[0] * SIZE[1] - 105]
    for annotation, runs in zip(record["annotations"], (lengths, _pack(lengths))):
        annotation["segmentation"] = {"size": list(SIZE), "counts": runs}
    file.write_text(json.dumps(record))
    return file


def _pack(lengths: Sequence[int]) -> str:
    """Three runs or fewer as COCO packs them: 5 bits a sign, lowest first; the last one's highest bit is its sign."""
    signs = []
    for length in lengths:
        while length > 15:
            signs.append(chr(48 + 32 + (length & 31)))
            length >>= 5
        signs.append(chr(48 + length))
    return "".join(signs)


def _with_other_shapes(file: Path) -> Path:
    """A labelme file with every kind of shape."""
    record = json.loads(file.read_text())
    marked = np.ones((3, 4), bool)
    encoded = base64.b64encode(_encode(Image.fromarray(marked), "PNG")).decode()
    corners = [[3, 3], [9, 9]]
    record["shapes"] = record["shapes"][:2] + [
        {"label": "a", "points": corners, "shape_type": kind} for kind in ("rectangle", "circle", "linestrip")
    ]
    record["shapes"].append({"label": "b", "points": corners, "shape_type": "mask", "mask": encoded})
    record["shapes"].append({"label": "c", "points": outline(marked)[0], "shape_type": "polygon"})
    file.write_text(json.dumps(record))
    return file


def _read_whole(path: Path) -> None:
    """Recognise and read the category of a file, and paint every mask of it."""
    root = path if path.is_dir() else path.parent
    for image in read_category(root).test:
        unite_masks(image.masks, SIZE)


def _read_visa(path: Path) -> None:
    _read_whole(path.parent.parent / "disc")


def _models(folder: Path) -> list[Original]:
    """A model file, damaged as a whole; and its members, damaged before they are packed with fitting checksums."""
    place = folder / "model.baad"
    content = write_fake_model(place).read_bytes()

    def judge(path: Path) -> None:
        Detector.load(path, threads=1).for_any_size().predict(np.full((*SIZE, 3), 100, np.uint8))

    return [Original("model file", content, place, mutate, judge)] + [
        Original(f"{name} with its checksum", content, place, _inside(name), judge)
        for name in ("manifest.json", "calibration.json")
    ]


def _inside(name: str) -> Mutation:
    def change(content: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {each: archive.read(each) for each in archive.namelist()}
        members[name] = mutate_json(members[name], others, rng)
        if name != "manifest.json":
            manifest = json.loads(members["manifest.json"])
            manifest["files"][name] = hashlib.sha256(members[name]).hexdigest()
            members["manifest.json"] = json.dumps(manifest).encode()
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for each, kept in members.items():
                archive.writestr(each, kept)
        return stream.getvalue()

    return change
