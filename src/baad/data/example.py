"""The embedded example: a category of drawn parts on cluttered scenes, with defects and exact masks.

It lets `baad demo` and the tests run without any download. Every picture is drawn from its own seed, so picture 7 is
the same whether ten or a thousand are written. It shares no code with the training synthesis.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from baad.atomic import replacing
from baad.data.example_bodies import DESIGNS
from baad.data.example_clutter import scatter
from baad.data.example_defects import LOGICAL, SURFACE, change_details, damage, mark_details
from baad.data.example_fields import blur, coverage, shrink
from baad.data.example_light import Light, develop, render
from baad.data.example_parts import Design, draw_detail
from baad.data.example_relief import FINER, Canvas, Pose
from baad.data.example_scenes import draw_surface
from baad.errors import OutputError, SettingError
from baad.progress import Progress, Silence

KINDS = (*SURFACE, *LOGICAL)  # the kinds of defect, in the order in which they are dealt out
STRONG_SHARE = 0.35  # share of the test pictures whose background is of a sort that training never shows
CLUTTER = {False: (3, 8), True: (6, 12)}  # how many things lie about, lowest and one past the highest, by `unseen`
ABOUT_FILE = "example.json"


@dataclass(frozen=True)
class Scene:
    """One drawn picture and what is true of it. uint8 [S, S, 3], bool [S, S] twice; defect lies on the part."""

    image: np.ndarray
    foreground: np.ndarray
    defect: np.ndarray


def draw_scene(
    rng: np.random.Generator, kind: str = "good", part: str = "housing", size: int = 256, unseen: bool = False
) -> Scene:
    """Draw one picture of a part. kind: "good" or one of KINDS; unseen: on a surface kept for the test half."""
    design = _design(part)
    if kind != "good" and kind not in KINDS:
        raise SettingError(f"The example draws no defect {kind!r}: choose one of {', '.join(KINDS)}.")
    # A generator for each matter: the same seed draws the same picture with and without the defect.
    posing, scenery, making, harm, camera = (np.random.default_rng(seed) for seed in rng.integers(2**62, size=5))
    pose, light = _draw_pose(design, posing), _draw_light(posing)
    surface = draw_surface(size, light, scenery, unseen)
    scene = scatter(surface, light, scenery, count=int(scenery.integers(*CLUTTER[unseen])))
    canvas = _draw_part(design, kind, size, pose, making, harm)
    lit = render(canvas, light, design.thickness)
    shaded = scene * (1 - 0.8 * lit.shadow)[..., None]
    linear = shaded * (1 - lit.inside)[..., None] + lit.light
    softness = float(camera.uniform(0.0, 0.35))
    linear = linear * (1 - softness) + softness * blur(linear, 1)
    image = develop(linear, camera, float(camera.uniform(0.85, 1.15)))
    defect = shrink(canvas.defect.astype(np.float32), FINER) >= 0.5
    return Scene(image, lit.inside >= 0.5, defect & (lit.inside >= 0.5))


def write_example(
    root: Path,
    seed: int = 0,
    normals: int = 120,
    good: int = 40,
    defective: int = 60,
    size: int = 256,
    progress: Progress | None = None,
    part: str = "housing",
) -> Path:
    """Write a category in MVTec AD's layout, with the outline of every part in `foreground/`; return `root`.

    normals: pictures in train/good; good, defective: in the test half, the kinds of defect in turn. The folder
    appears as a whole. An earlier example at `root` is replaced, anything else there raises OutputError.
    """
    root, progress = Path(root), progress or Silence()
    _design(part)
    if min(normals, good, defective) < 0 or size < 32:
        raise SettingError("The example needs counts of at least 0 and a size of at least 32 px.")
    if root.is_file() or (root.is_dir() and any(root.iterdir()) and not (root / ABOUT_FILE).exists()):
        raise OutputError(f"{root} is in use by other files: choose an empty or new folder for the example.")
    about = {"part": part, "seed": seed, "normals": normals, "good": good, "defective": defective, "size": size}
    with replacing(root) as folder, progress.task("drawing the example", normals + good + defective) as task:
        folder.mkdir(parents=True)
        for split, kind, index, stem in _plan(normals, good, defective):
            rng = np.random.default_rng([seed, 0 if split == "train" else 1, index])
            unseen = split == "test" and float(rng.uniform()) < STRONG_SHARE
            _save(folder, split, kind, stem, draw_scene(rng, kind, part, size, unseen))
            task.advance()
        (folder / ABOUT_FILE).write_text(json.dumps(about, indent=1) + "\n")
    return root


def _design(part: str) -> Design:
    if part not in DESIGNS:
        raise SettingError(f"The example has no part {part!r}: choose one of {', '.join(DESIGNS)}.")
    return DESIGNS[part]


def _plan(normals: int, good: int, defective: int) -> Iterator[tuple[str, str, int, str]]:
    """(split, kind, number within the split, file stem) of every picture."""
    for index in range(normals):
        yield "train", "good", index, f"{index:03d}"
    for index in range(good):
        yield "test", "good", index, f"{index:03d}"
    for index in range(defective):
        yield "test", KINDS[index % len(KINDS)], 100_000 + index, f"{index // len(KINDS):03d}"


def _draw_pose(design: Design, rng: np.random.Generator) -> Pose:
    shift = (float(rng.uniform(-0.09, 0.09)), float(rng.uniform(-0.09, 0.09)))
    return Pose(shift, float(np.deg2rad(rng.uniform(-25, 25))), float(1.13 * design.scale * rng.uniform(0.93, 1.07)))


def _draw_light(rng: np.random.Generator) -> Light:
    warmth = float(rng.normal(0, 0.05))
    return Light(
        azimuth=float(-2.2 + rng.uniform(-1.1, 1.1)),
        elevation=float(rng.uniform(0.6, 0.95)),
        strength=float(rng.uniform(0.95, 1.3)),
        ambient=float(rng.uniform(0.25, 0.5)),
        tint=(1 + warmth, 1.0, 1 - warmth),
        phases=(float(rng.uniform(0, 6.3)), float(rng.uniform(0, 6.3))),
    )


def _draw_part(
    design: Design, kind: str, size: int, pose: Pose, making: np.random.Generator, harm: np.random.Generator
) -> Canvas:
    """Paint the part's relief, with the defect if there is one. making: the piece itself; harm: what befell it."""
    canvas = Canvas(size, pose, design.center)
    distance = design.outline(canvas.x, canvas.y)
    canvas.inside = coverage(distance, canvas.pixel)
    design.body(canvas, distance, making)
    details, changed = change_details(kind, design, harm) if kind in LOGICAL else (design.details, ())
    for detail in details:
        draw_detail(canvas, detail, float(making.uniform(0, np.pi)))
    mark_details(canvas, changed)
    if kind in SURFACE:
        damage(kind, canvas, distance, harm)
    return canvas


def _save(folder: Path, split: str, kind: str, stem: str, scene: Scene) -> None:
    _write_png(folder / split / kind / f"{stem}.png", scene.image)
    _write_png(folder / "foreground" / split / kind / f"{stem}.png", scene.foreground.astype(np.uint8) * 255)
    if kind != "good":
        mask = scene.defect.astype(np.uint8) * 255
        _write_png(folder / "ground_truth" / kind / f"{stem}_mask.png", mask)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, compress_level=3)
