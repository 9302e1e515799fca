"""Tiny data sets for everybody's tests: discs on varied backgrounds, drawn with numpy, with exact masks.

The part is a grey disc with a darker ring at a jittered place; the background differs in every picture; a defect is
a bright spot or a scratch on the disc. A training run of a few steps can learn to find it.

    root = write_category(tmp_path / "disc", normals=12, good=4, defective=4)      # MVTec AD layout
    root = write_folder(tmp_path / "plain", normals=12, sessions=("mon", "tue"))   # plain folder of normals
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

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


def save_picture(path: Path, pixels: np.ndarray) -> Path:
    """Write uint8 [H, W] or [H, W, 3], or bool [H, W] as 0/255, in the format that the suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels).save(path)
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
    rng = np.random.default_rng(seed)
    plan = [("train", "good", index) for index in range(normals)]
    plan += [("test", "good", index) for index in range(good)]
    plan += [("test", kinds[index % len(kinds)], index // len(kinds)) for index in range(defective)]
    for split, kind, index in plan:
        drawn = draw_picture(size, rng, kind)
        save_picture(root / split / kind / f"{index:03d}{suffix}", drawn.image)
        if masks and kind != "good":
            save_picture(root / "ground_truth" / kind / f"{index:03d}_mask.png", drawn.defect)
        if foreground:
            save_picture(root / "foreground" / split / kind / f"{index:03d}.png", drawn.part)
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
