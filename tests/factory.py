"""Tiny data sets for everybody's tests: discs on varied backgrounds, drawn with numpy, with exact masks.

The part is a grey disc with a darker ring at a jittered place; the background differs in every picture; a defect is
a bright spot or a scratch on the disc. A training run of a few steps can learn to find it.

    root = write_category(tmp_path / "disc", normals=12, good=4, defective=4)      # MVTec AD layout
    root = write_folder(tmp_path / "plain", normals=12, sessions=("mon", "tue"))   # plain folder of normals
    root = write_layout("loco", tmp_path / "disc", draw_set())          # any layout that can be read
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from baad.data.results import MARK

KINDS = ("spot", "scratch")


@dataclass(frozen=True)
class Drawn:
    """One drawn picture. image: uint8 [H, W, 3]; part, defect: bool [H, W], defect only inside part."""

    image: np.ndarray
    part: np.ndarray
    defect: np.ndarray


def draw_picture(size: tuple[int, int], rng: np.random.Generator, kind: str = "good") -> Drawn:
    """Draw a disc of `size` (height, width) in px; `kind` is "good", "spot" or "scratch"."""
    height, width = size
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)  # [H, W] each
    side = min(height, width)
    centre = (height / 2 + side * rng.uniform(-0.1, 0.1), width / 2 + side * rng.uniform(-0.1, 0.1))
    radius = side * rng.uniform(0.28, 0.34)
    distance = np.hypot(rows - centre[0], columns - centre[1])
    part = distance <= radius
    image = _draw_background(rows / height, columns / width, rng)  # float32 [H, W, 3]
    shade = np.where(np.abs(distance - radius / 2) < radius / 12, 90.0, 140.0)  # a ring on the disc
    image[part] = shade[part, None] + np.array([0.0, 4.0, 8.0], np.float32)
    defect = _draw_defect(kind, rows, columns, centre, radius, rng) & part
    image[defect] = (250.0, 240.0, 120.0)
    image += rng.normal(0.0, 2.0, image.shape)
    return Drawn(np.clip(np.rint(image), 0, 255).astype(np.uint8), part, defect)


def _draw_background(y: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A different colour gradient with stripes in every picture. y, x: [H, W] in 0..1 -> float32 [H, W, 3]."""
    first, second = rng.uniform(20, 110, 3), rng.uniform(20, 110, 3)
    turn, pitch = rng.uniform(0, np.pi), rng.uniform(3, 9)
    along = np.cos(turn) * x + np.sin(turn) * y
    blend = ((along - along.min()) / max(float(np.ptp(along)), 1e-6))[..., None]
    stripes = 12.0 * np.sin(2 * np.pi * pitch * along)[..., None]
    return (first * (1 - blend) + second * blend + stripes).astype(np.float32)


def _draw_defect(
    kind: str,
    rows: np.ndarray,
    columns: np.ndarray,
    centre: tuple[float, float],
    radius: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """bool [H, W], not yet cut to the part; at least one pixel inside it unless `kind` is "good"."""
    if kind == "good":
        return np.zeros(rows.shape, bool)
    turn, reach = rng.uniform(0, 2 * np.pi), radius * rng.uniform(0.1, 0.6)
    y, x = rows - (centre[0] + reach * np.sin(turn)), columns - (centre[1] + reach * np.cos(turn))
    if kind == "spot":
        return np.hypot(y, x) <= max(1.0, radius * rng.uniform(0.12, 0.22))
    lean = rng.uniform(0, np.pi)
    along, across = np.cos(lean) * x + np.sin(lean) * y, np.cos(lean) * y - np.sin(lean) * x
    return (np.abs(along) <= radius * rng.uniform(0.3, 0.5)) & (np.abs(across) <= max(1.0, radius / 16))


@dataclass(frozen=True)
class Placed:
    """A drawn picture and where it belongs; `index` counts within its half and kind."""

    half: str
    kind: str
    index: int
    drawn: Drawn


def draw_set(
    normals: int = 12,
    good: int = 4,
    defective: int = 4,
    size: tuple[int, int] = (64, 64),
    seed: int = 0,
    kinds: Sequence[str] = KINDS,
) -> list[Placed]:
    """Draw the pictures of a category: `normals` to train on, `good` and `defective` ones to test on."""
    rng = np.random.default_rng(seed)
    plan = [("train", "good", index) for index in range(normals)]
    plan += [("test", "good", index) for index in range(good)]
    plan += [("test", kinds[index % len(kinds)], index // len(kinds)) for index in range(defective)]
    return [Placed(half, kind, index, draw_picture(size, rng, kind)) for half, kind, index in plan]


def save_picture(path: Path, pixels: np.ndarray) -> Path:
    """Write uint8 [H, W] or [H, W, 3], or bool [H, W] as 0/255, in the format that the suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels).save(path)
    return path


def save_result(path: Path, pixels: np.ndarray) -> Path:
    """Write uint8 [H, W, 3] as PNG with the mark of an overlay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = PngInfo()
    mark.add_text("Software", MARK)
    Image.fromarray(pixels).save(path, pnginfo=mark)
    return path


def write_category(
    root: Path,
    normals: int = 12,
    good: int = 4,
    defective: int = 4,
    size: tuple[int, int] = (64, 64),
    seed: int = 0,
    foreground: bool = False,
    masks: bool = True,
    kinds: Sequence[str] = KINDS,
    suffix: str = ".png",
) -> Path:
    """Write a category in MVTec AD's layout and return `root`.

    `normals` in train/good, `good` in test/good, `defective` shared out over test/<kind>, all named 000, 001, ...;
    `size` is (height, width). `masks` writes ground_truth/<kind>/<stem>_mask.png, `foreground` writes the outline
    of every disc at foreground/<split>/<kind>/<stem>.png.
    """
    for each in draw_set(normals, good, defective, size, seed, kinds):
        save_picture(root / each.half / each.kind / f"{each.index:03d}{suffix}", each.drawn.image)
        if masks and each.kind != "good":
            save_picture(root / "ground_truth" / each.kind / f"{each.index:03d}_mask.png", each.drawn.defect)
        if foreground:
            save_picture(root / "foreground" / each.half / each.kind / f"{each.index:03d}.png", each.drawn.part)
    return root


def write_folder(
    root: Path,
    normals: int = 12,
    size: tuple[int, int] = (64, 64),
    seed: int = 0,
    sessions: Sequence[str] = (),
    suffix: str = ".png",
) -> Path:
    """Write a plain folder of normals and return `root`; `sessions` names sub-folders to share them out over."""
    rng = np.random.default_rng(seed)
    for index in range(normals):
        folder = root / sessions[index % len(sessions)] if sessions else root
        save_picture(folder / f"{index:03d}{suffix}", draw_picture(size, rng).image)
    return root


def write_truncated(path: Path, keep: float = 0.5) -> Path:
    """Cut a file to the first `keep` share of its bytes, as an interrupted copy leaves it."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    return path


def write_layout(layout: str, root: Path, pictures: Sequence[Placed]) -> Path:
    """Write drawn pictures in a layout, a key of baad.data.reading.LAYOUTS, and return what read_category takes."""
    writers = {
        "manifest": write_manifest,
        "mvtec2": write_mvtec_2,
        "loco": write_loco,
        "btad": write_btad,
        "mvtec": _write_mvtec,
        "visa": write_visa,
        "coco": write_coco,
        "labelme": write_labelme,
        "folder": _write_normals,
    }
    writers[layout](root, pictures)
    return root


def _write_mvtec(root: Path, pictures: Sequence[Placed]) -> None:
    for each in pictures:
        save_picture(root / each.half / each.kind / f"{each.index:03d}.png", each.drawn.image)
        if each.kind != "good":
            save_picture(root / "ground_truth" / each.kind / f"{each.index:03d}_mask.png", each.drawn.defect)


def _write_normals(root: Path, pictures: Sequence[Placed]) -> None:
    for each in pictures:
        if each.half == "train":
            save_picture(root / f"{each.index:03d}.png", each.drawn.image)


def _home_of_normals(each: Placed) -> str:
    """Every fourth normal picture belongs to the validation half of layouts that have one."""
    return "validation" if each.index % 4 == 3 else "train"


def write_mvtec_2(root: Path, pictures: Sequence[Placed]) -> None:
    """MVTec AD 2, all defects of the kind bad, and a private picture that nobody may count on."""
    public, bad = root / "test_public", 0
    for each in pictures:
        if each.half == "train":
            save_picture(root / _home_of_normals(each) / "good" / f"{each.index:03d}_regular.png", each.drawn.image)
        elif each.kind == "good":
            save_picture(public / "good" / f"{each.index:03d}_regular.png", each.drawn.image)
        else:
            save_picture(public / "bad" / f"{bad:03d}_regular.png", each.drawn.image)
            save_picture(public / "ground_truth" / "bad" / f"{bad:03d}_regular_mask.png", each.drawn.defect)
            bad += 1
    save_picture(root / "test_private" / "000_regular.png", pictures[0].drawn.image)


LOCO_KINDS = {"spot": "structural_anomalies", "scratch": "logical_anomalies"}
LOCO_VALUES = {"spot": 250, "scratch": 7}


def write_loco(root: Path, pictures: Sequence[Placed]) -> None:
    """MVTec LOCO: each defect cut into two masks, whose value tells the type of defect."""
    for each in pictures:
        if each.half == "train":
            save_picture(root / _home_of_normals(each) / "good" / f"{each.index:03d}.png", each.drawn.image)
            continue
        kind = LOCO_KINDS.get(each.kind, "good")
        save_picture(root / "test" / kind / f"{each.index:03d}.png", each.drawn.image)
        if kind != "good":
            middle = int(np.argwhere(each.drawn.defect)[:, 1].mean())
            for number, columns in enumerate((slice(0, middle), slice(middle, None))):
                mask = np.zeros(each.drawn.defect.shape, np.uint8)
                mask[:, columns] = each.drawn.defect[:, columns] * LOCO_VALUES[each.kind]
                save_picture(root / "ground_truth" / kind / f"{each.index:03d}" / f"{number:03d}.png", mask)
    records = [
        {"defect_name": kind, "pixel_value": value, "saturation_threshold": 20, "relative_saturation": False}
        for kind, value in LOCO_VALUES.items()
    ]
    (root / "defects_config.json").write_text(json.dumps(records))


def write_btad(root: Path, pictures: Sequence[Placed]) -> None:
    """BTAD: ok and ko, the pictures BMP and the masks PNG."""
    bad = 0
    for each in pictures:
        if each.kind == "good":
            save_picture(root / each.half / "ok" / f"{each.index:04d}.bmp", each.drawn.image)
        else:
            save_picture(root / "test" / "ko" / f"{bad:04d}.bmp", each.drawn.image)
            save_picture(root / "ground_truth" / "ko" / f"{bad:04d}.png", each.drawn.defect)
            bad += 1


def write_visa(root: Path, pictures: Sequence[Placed]) -> None:
    """VisA: an object and, beside its folder, the split; masks have small values."""
    lines = ["object,split,label,image,mask"]
    for number, each in enumerate(pictures):
        kind = "Normal" if each.kind == "good" else "Anomaly"
        image = save_picture(root / "Data" / "Images" / kind / f"{number:04d}.png", each.drawn.image)
        mask = ""
        if kind == "Anomaly":
            file = root / "Data" / "Masks" / kind / f"{number:04d}.png"
            mask = save_picture(file, each.drawn.defect.astype(np.uint8) * 3).relative_to(root.parent).as_posix()
        place = image.relative_to(root.parent).as_posix()
        lines.append(f"{root.name},{each.half},{kind.lower()},{place},{mask}")
    (root.parent / "split_csv").mkdir(exist_ok=True)
    (root.parent / "split_csv" / "1cls.csv").write_text("\n".join(lines) + "\n")


def write_manifest(root: Path, pictures: Sequence[Placed]) -> None:
    """manifest.csv, with every four normals of one group and all pictures in one folder."""
    lines = ["path,label,mask,group,split"]
    for number, each in enumerate(pictures):
        image = save_picture(root / "all" / f"{number:03d}.png", each.drawn.image)
        mask = ""
        if each.kind != "good":
            file = save_picture(root / "masks" / f"{number:03d}.png", each.drawn.defect)
            mask = file.relative_to(root).as_posix()
        group = f"day {number // 4}" if each.half == "train" else ""
        lines.append(f"{image.relative_to(root).as_posix()},{each.kind},{mask},{group},{each.half}")
    (root / "manifest.csv").write_text("\n".join(lines) + "\n")


def outline(mask: np.ndarray) -> list[list[list[int]]]:
    """bool [H, W] -> rectangles [[x, y], ...] that cover just the marked pixels, one for each run in a row."""
    rings = []
    for y, row in enumerate(mask):
        ends = np.flatnonzero(np.diff(row, prepend=False, append=False))
        for left, right in ends.reshape(-1, 2).tolist():
            rings.append([[left, y], [right, y], [right, y + 1], [left, y + 1]])
    return rings


def write_coco(root: Path, pictures: Sequence[Placed]) -> None:
    """COCO: pictures in train/ and test/, and annotations.json with one annotation for each defect."""
    images, annotations = [], []
    for number, each in enumerate(pictures):
        file = save_picture(root / each.half / f"{number:03d}.png", each.drawn.image)
        height, width = each.drawn.defect.shape
        name = file.relative_to(root).as_posix()
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        if each.kind != "good":
            polygons = [[value for point in ring for value in point] for ring in outline(each.drawn.defect)]
            kind = KINDS.index(each.kind)
            annotation = {"id": number, "image_id": number, "category_id": kind, "segmentation": polygons}
            annotations.append(annotation)
    categories = [{"id": number, "name": name} for number, name in enumerate(KINDS)]
    record = {"images": images, "annotations": annotations, "categories": categories}
    (root / "annotations.json").write_text(json.dumps(record))


def write_labelme(root: Path, pictures: Sequence[Placed]) -> None:
    """Labelme: pictures in train/ and test/, with a JSON file beside the defective ones."""
    for number, each in enumerate(pictures):
        file = save_picture(root / each.half / f"{number:03d}.png", each.drawn.image)
        if each.kind != "good":
            rings = outline(each.drawn.defect)
            shapes = [{"label": each.kind, "points": ring, "shape_type": "polygon"} for ring in rings]
            height, width = each.drawn.defect.shape
            record = {"shapes": shapes, "imagePath": file.name, "imageHeight": height, "imageWidth": width}
            file.with_suffix(".json").write_text(json.dumps(record))


def write_bursts(folder, count):
    """So many parts, four shots of each as name order has them, which differ by noise alone: "3_0.png" to "3_3.png"."""
    rng = np.random.default_rng(0)
    for part in range(count):
        image = draw_picture((48, 48), rng).image
        for shot in range(4):
            noisy = np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
            save_picture(folder / f"{part}_{shot}.png", noisy)
