"""Masks and whole data sets with the mistakes that people make, given to `baad train` and `baad evaluate`."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from baad.data.decode import read_image
from baad.data.masks import read_marks
from tests.factory import (
    draw_picture,
    draw_set,
    save_picture,
    write_category,
    write_folder,
    write_layout,
    write_truncated,
)
from tests.fake_model import write_fake_model
from tests.inputs.case import TRAIN, TRAINED, Case, quickly

MASK = Path("parts", "ground_truth", "spot", "000_mask.png")
Spoil = Callable[[], object]


def training(spoil: Spoil, write: Callable[[Path], object] = write_category) -> Callable[[Path], Sequence[object]]:
    """A category, spoilt, to be trained on."""

    def make(here: Path) -> Sequence[object]:
        write(here / "parts")
        spoil()
        return TRAIN

    return make


def judging(spoil: Spoil, layout: str = "mvtec") -> Callable[[Path], Sequence[object]]:
    """A category in some layout, spoilt, to be evaluated."""

    def make(here: Path) -> Sequence[object]:
        if layout == "mvtec":
            write_category(here / "parts")
        else:
            write_layout(layout, here / "parts", draw_set(normals=4, good=2, defective=2))
        write_fake_model(here / "model.baad")
        spoil()
        return ["evaluate", "model.baad", "parts"]

    return make


def picture(seed: int, size: tuple[int, int] = (64, 64)) -> np.ndarray:
    return draw_picture(size, np.random.default_rng(seed)).image


def rewrite(file: str, change: Callable[[str], str]) -> Spoil:
    return lambda: Path(file).write_text(change(Path(file).read_text()))


def rewrite_json(file: str, change: Callable[[dict], object]) -> Spoil:
    def spoil() -> None:
        record = json.loads(Path(file).read_text())
        change(record)
        Path(file).write_text(json.dumps(record))

    return spoil


def everything() -> None:
    write_truncated(Path("parts/train/good/000.png"))
    Path("parts/train/good/001.png").write_bytes(b"")
    save_picture(MASK, np.ones((64, 65), bool))
    shutil.copy("parts/train/good/003.png", "parts/train/good/copy.png")


def turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Path("parts/test/spot/000.png")
    Image.fromarray(read_image(stored)[:48]).save(stored, exif=exif)
    save_picture(MASK, read_marks(MASK)[:48])


def twelve_bits(here: Path) -> None:
    here.mkdir()
    for index in range(4):
        values = np.random.default_rng(index).integers(0, 4096, (64, 64), np.uint16)
        tifffile.imwrite(here / f"{index}.tif", values)


def as_ones() -> None:
    for file in Path("parts/ground_truth").rglob("*.png"):
        save_picture(file, read_marks(file).astype(np.uint8))


def nothing() -> None: ...


def warned(what: str, spoil: Spoil, told: str, write: Callable[[Path], object] = write_category) -> Case:
    """A data set that is trained on all the same, with a warning."""
    return Case(what=what, make=training(spoil, write), code=0, told=(told,), writes=TRAINED, during=quickly)


MASKS = (
    Case(
        what="mask of another size than its picture",
        make=judging(lambda: save_picture(MASK, np.ones((64, 65), bool))),
        code=2,
        told=("000_mask.png: it is",),
    ),
    Case(what="mask that is missing beside others", make=judging(MASK.unlink), code=2, told=("it has no mask",)),
    Case(
        what="mask that is truncated",
        make=judging(lambda: write_truncated(MASK)),
        code=2,
        told=("000_mask.png: the picture",),
    ),
    Case(
        what="mask that marks nothing",
        make=judging(lambda: save_picture(MASK, np.zeros((64, 64), bool))),
        code=0,
        told=("the mask marks nothing",),
    ),
    Case(
        what="mask with black for the defect",
        make=judging(lambda: save_picture(MASK, ~read_marks(MASK))),
        code=0,
        told=("of its picture as defect",),
    ),
    Case(
        what="mask as JPEG",
        make=judging(lambda: save_picture(MASK.with_suffix(".jpg"), read_marks(MASK)) and MASK.unlink()),
        code=0,
        told=("the mask is a JPEG",),
    ),
    Case(
        what="mask among the pictures, beside its own",
        make=judging(lambda: MASK.replace("parts/test/spot/000_mask.png")),
        code=2,
        told=("it is a mask, taken for a picture", "it has no mask"),
    ),
    Case(
        what="masks in a folder where nobody looks for them",
        make=judging(lambda: Path("parts/ground_truth").rename("parts/masks")),
        code=0,
        told=("no defective picture has a mask",),
    ),
    Case(
        what="mask that lies as its picture is stored, where EXIF turns that upright",
        make=judging(turned),
        code=2,
        told=("after its EXIF rotation",),
    ),
    Case(
        what="masks with 1 in place of 255: the same",
        make=judging(as_ones),
        code=0,
        told=("pixel AUROC",),
    ),
    Case(
        what="a kind of defect without masks",
        make=judging(lambda: shutil.rmtree("parts/ground_truth/spot")),
        code=0,
        told=("the kind spot has no masks",),
    ),
)

SETS = (
    Case(what="folder that does not exist", make=lambda here: TRAIN, code=2, told=("there is no such folder",)),
    Case(
        what="folder without pictures",
        make=training(nothing, lambda root: root.mkdir()),
        code=2,
        told=("parts holds no pictures",),
    ),
    Case(
        what="category without normal pictures",
        make=training(lambda: shutil.rmtree("parts/train")),
        code=2,
        told=("no normal pictures",),
    ),
    Case(
        what="four things wrong at once: all are told, warnings too",
        make=training(everything),
        code=2,
        told=("000.png: the picture", "001.png: the file is empty", "000_mask.png: it is", "the same picture as"),
    ),
    warned(
        "the same picture twice",
        lambda: shutil.copy("parts/train/good/003.png", "parts/train/good/copy.png"),
        "the same picture as",
    ),
    warned(
        "a picture both to learn from and to test on, by content",
        lambda: save_picture(Path("parts/test/good/again.bmp"), read_image("parts/train/good/003.png")),
        "also in the test half",
    ),
    warned(
        "pictures of several sizes",
        lambda: save_picture(Path("parts/train/good/small.png"), picture(9, (64, 48))),
        "have 2 sizes",
    ),
    warned(
        "pictures in colour and in grey",
        lambda: save_picture(Path("parts/train/good/grey.png"), picture(9)[..., 0]),
        "have 2 colour modes",
    ),
    warned("too few normal pictures for the rate of false alarms", nothing, "1 % was asked for"),
    warned("12-bit values in 16-bit files: nearly black", nothing, "brightest level", twelve_bits),
    Case(
        what="test half without normal pictures",
        make=judging(lambda: shutil.rmtree("parts/test/good")),
        code=0,
        told=("false alarms cannot be counted",),
    ),
    Case(
        what="test half without defective pictures",
        make=judging(lambda: (shutil.rmtree("parts/test/spot"), shutil.rmtree("parts/test/scratch"))),
        code=0,
        told=("misses cannot be counted",),
    ),
    Case(
        what="no test half, to evaluate on",
        make=judging(lambda: shutil.rmtree("parts/test")),
        code=2,
        told=("has no test pictures",),
    ),
    Case(
        what="folder that holds several categories",
        make=training(nothing, lambda root: (write_category(root / "bolt"), write_category(root / "nut"))),
        code=2,
        told=("holds 2 categories",),
    ),
    Case(
        what="folder of pictures with one of defects in it",
        make=training(nothing, lambda root: (write_folder(root / "fine"), write_folder(root / "defect"))),
        code=2,
        told=("has a folder named defect",),
    ),
    Case(
        what="folder named good beside one of defects, whose pictures lie deeper",
        make=training(nothing, lambda root: (write_folder(root / "good"), write_folder(root / "dents" / "monday"))),
        code=2,
        told=("has a folder named dents",),
    ),
    Case(
        what="folder of good pictures with one in a format that is not read",
        make=training(lambda: Path("parts/100.heic").write_bytes(b"\0\0\0\x18ftypheic"), write_folder),
        code=2,
        told=("it is a HEIC, AVIF or video file",),
    ),
    Case(
        what="a layout that does not exist",
        make=lambda here: [*training(nothing)(here), "--layout", "mvtek"],
        code=2,
        told=("layout is 'mvtek'",),
    ),
    Case(
        what="MVTec AD 2: test pictures without published truth",
        make=judging(nothing, "mvtec2"),
        code=0,
        told=("test_private left aside",),
    ),
    Case(
        what="MVTec LOCO: a defective picture whose masks are gone",
        make=judging(lambda: shutil.rmtree("parts/ground_truth/structural_anomalies/000"), "loco"),
        code=2,
        told=("it has no mask ground_truth/structural_anomalies",),
    ),
    Case(
        what="BTAD: a mask of another size",
        make=judging(lambda: save_picture(Path("parts/ground_truth/ko/0000.png"), np.ones((9, 9), bool)), "btad"),
        code=2,
        told=("ground_truth/ko/0000.png: it is",),
    ),
    Case(
        what="VisA: a class in the split that is not known",
        make=judging(rewrite("split_csv/1cls.csv", lambda text: text.replace("normal", "nromal", 1)), "visa"),
        code=2,
        told=("1cls.csv, line 2",),
    ),
    Case(
        what="VisA: the split names a picture that is not there",
        make=judging(lambda: Path("parts/Data/Images/Normal/0001.png").unlink(), "visa"),
        code=2,
        told=("there is no picture",),
    ),
    Case(
        what="manifest without a column path",
        make=judging(rewrite("parts/manifest.csv", lambda text: text.replace("path", "file", 1)), "manifest"),
        code=2,
        told=("'path' is missing",),
    ),
    Case(
        what="manifest that names a file which is not there",
        make=judging(rewrite("parts/manifest.csv", lambda text: text.replace("001.png", "1.png", 1)), "manifest"),
        code=2,
        told=("there is no file",),
    ),
    Case(
        what="manifest that lists a picture twice",
        make=judging(rewrite("parts/manifest.csv", lambda text: text.replace("001.png", "000.png", 1)), "manifest"),
        code=2,
        told=("stands in line 2 already",),
    ),
    Case(
        what="manifest with an unknown split",
        make=judging(rewrite("parts/manifest.csv", lambda text: text.replace(",train", ",trian", 1)), "manifest"),
        code=2,
        told=("the split is 'trian'",),
    ),
    Case(
        what="manifest with a broken line of JSON",
        make=judging(lambda: Path("parts/manifest.csv").rename("parts/manifest.jsonl"), "manifest"),
        code=2,
        told=("line 1: this is no JSON",),
    ),
    Case(
        what="COCO file that is cut short",
        make=judging(rewrite("parts/annotations.json", lambda text: text[: len(text) - 40]), "coco"),
        code=2,
        told=("is no JSON that can be read",),
    ),
    Case(
        what="COCO annotation of a picture that is not listed",
        make=judging(
            rewrite_json("parts/annotations.json", lambda record: record["annotations"][0].update(image_id=99)), "coco"
        ),
        code=2,
        told=("for a picture that the file does not list",),
    ),
    Case(
        what="COCO file that states another size than the picture's",
        make=judging(
            rewrite_json("parts/annotations.json", lambda record: [each.update(width=65) for each in record["images"]]),
            "coco",
        ),
        code=2,
        told=("annotations.json .* it is 65 x 64",),
    ),
    Case(
        what="COCO file deeper in the folder than it is looked for",
        make=training(
            lambda: shutil.copytree("elsewhere", "parts/export/task"),
            lambda root: (write_folder(root), write_layout("coco", root.parent / "elsewhere", draw_set())),
        ),
        code=2,
        told=("holds COCO annotations deep inside",),
    ),
    Case(
        what="labelme file in another folder than its picture",
        make=judging(lambda: (Path("parts/json").mkdir(), shutil.move("parts/test/006.json", "parts/json")), "labelme"),
        code=2,
        told=("it outlines defects, has no picture beside it, and may be meant of a picture 006 elsewhere",),
    ),
    Case(
        what="labelme outline without a label",
        make=judging(rewrite_json("parts/test/006.json", lambda record: record["shapes"][0].pop("label")), "labelme"),
        code=2,
        told=("shape 0 has no label",),
    ),
    Case(
        what="labelme outline far outside its picture",
        make=judging(
            rewrite_json("parts/test/006.json", lambda record: record["shapes"][0]["points"].append([9999, 3])),
            "labelme",
        ),
        code=2,
        told=("has a point at",),
    ),
)
