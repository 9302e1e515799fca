"""The embedded example: layout, reproducibility, exact masks, and no shortcut through raw colour."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import baad.data
from baad.data.example import KINDS, draw_scene, write_example
from baad.data.example_bodies import DESIGNS
from baad.errors import OutputError, SettingError
from tests.imports import imported_modules


@functools.cache
def draw(seed: int, kind: str = "good", part: str = "cover", size: int = 64, unseen: bool = False):
    return draw_scene(np.random.default_rng(seed), kind, part, size, unseen)


def grow(mask: np.ndarray, by: int) -> np.ndarray:
    for _ in range(by):
        mask = mask | np.roll(mask, 1, 0) | np.roll(mask, -1, 0) | np.roll(mask, 1, 1) | np.roll(mask, -1, 1)
    return mask


def largest_change(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.abs(first.astype(int) - second.astype(int)).max(axis=2)


# ---- one picture


def test_a_good_picture_shows_a_part_and_no_defect():
    scene = draw(1)
    assert scene.image.shape == (64, 64, 3) and scene.image.dtype == np.uint8
    assert scene.foreground.shape == (64, 64) and scene.foreground.dtype == bool
    assert 0.1 < scene.foreground.mean() < 0.6
    assert not scene.defect.any()


def test_the_same_seed_draws_the_same_picture_and_another_seed_another():
    again = draw_scene(np.random.default_rng(3), "stain", "cover", 64)
    assert np.array_equal(draw(3, "stain").image, again.image)
    assert not np.array_equal(draw(3).image, draw(4).image)


@pytest.mark.parametrize("part", DESIGNS)
def test_every_part_lies_whole_in_the_picture(part):
    for seed in range(6):
        foreground = draw(seed, part=part, size=64).foreground
        border = np.concatenate([foreground[0], foreground[-1], foreground[:, 0], foreground[:, -1]])
        assert foreground.any() and not border.any()


@pytest.mark.parametrize("part", DESIGNS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_defect_mask_marks_what_differs_from_the_sound_part(part, kind):
    # The same seed draws the same picture with and without the defect; a little shade may fall beside the defect.
    sound, harmed = draw(7, "good", part, 128), draw(7, kind, part, 128)
    changed = (largest_change(sound.image, harmed.image) >= 12) & sound.foreground
    assert harmed.defect.sum() >= 12
    assert not (harmed.defect & ~harmed.foreground).any()
    assert changed[harmed.defect].mean() > 0.4
    assert changed[grow(harmed.defect, 4)].sum() > 0.8 * changed.sum()
    assert np.array_equal(sound.foreground, harmed.foreground)


def test_the_background_differs_from_picture_to_picture():
    pictures = [draw(seed, size=64) for seed in range(8)]
    beside_all = ~np.any([picture.foreground for picture in pictures], axis=0)
    colors = np.array([picture.image[beside_all].mean(axis=0) for picture in pictures])
    assert colors.std(axis=0).min() > 15


def test_the_test_half_has_surfaces_that_training_never_shows():
    assert not np.array_equal(draw(2).image, draw(2, unseen=True).image)
    seen, unseen = draw(2, size=128), draw(2, size=128, unseen=True)
    assert np.array_equal(seen.foreground, unseen.foreground)
    inner = ~grow(~seen.foreground, 2)
    assert np.percentile(largest_change(seen.image, unseen.image)[inner], 99) <= 12  # sensor noise at most


def test_unknown_part_or_defect_is_an_error_that_names_the_choices():
    with pytest.raises(SettingError, match="cover"):
        draw(0, part="teapot")
    with pytest.raises(SettingError, match="scratch"):
        draw(0, kind="haunted")


# ---- the category on disk


@pytest.fixture(scope="module")
def category(tmp_path_factory) -> Path:
    return write_example(tmp_path_factory.mktemp("example") / "cover", 5, normals=20, good=16, defective=24, size=64)


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_the_folder_has_the_mvtec_layout_with_outlines(category):
    assert len(list((category / "train/good").glob("*.png"))) == 20
    assert len(list((category / "test/good").glob("*.png"))) == 16
    assert {folder.name for folder in (category / "test").iterdir()} == {"good", *KINDS}
    for picture in sorted(category.glob("test/*/*.png")):
        kind = picture.parent.name
        foreground = read(category / "foreground/test" / kind / picture.name)
        assert foreground.shape == (64, 64) and set(np.unique(foreground)) == {0, 255}
        mask = category / "ground_truth" / kind / f"{picture.stem}_mask.png"
        assert mask.exists() == (kind != "good")
        if kind != "good":
            assert set(np.unique(read(mask))) == {0, 255}
    assert {path.name for path in (category / "train").iterdir()} == {"good"}
    assert json.loads((category / "example.json").read_text())["seed"] == 5


def test_a_picture_does_not_depend_on_how_many_are_written(category, tmp_path):
    few = write_example(tmp_path / "few", 5, normals=2, good=1, defective=1, size=64)
    for name in ("train/good/001.png", "test/good/000.png", "test/scratch/000.png"):
        assert (few / name).read_bytes() == (category / name).read_bytes()


def test_no_picture_of_one_half_appears_in_the_other(category):
    train = {path.read_bytes() for path in category.glob("train/good/*.png")}
    test = {path.read_bytes() for path in category.glob("test/*/*.png")}
    assert len(train) == 20 and len(test) == 40 and not train & test


def test_an_earlier_example_is_replaced_but_nothing_else_is(tmp_path):
    write_example(tmp_path / "example", normals=2, good=0, defective=0, size=32)
    write_example(tmp_path / "example", normals=1, good=0, defective=0, size=32)
    assert len(list((tmp_path / "example/train/good").iterdir())) == 1
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/holiday.txt").write_text("precious")
    with pytest.raises(OutputError, match="mine"):
        write_example(tmp_path / "mine", normals=1, good=0, defective=0, size=32)
    assert (tmp_path / "mine/holiday.txt").read_text() == "precious"
    with pytest.raises(OutputError, match=r"holiday\.txt"):
        write_example(tmp_path / "mine/holiday.txt", normals=1, good=0, defective=0, size=32)


def test_negative_counts_and_tiny_pictures_are_refused(tmp_path):
    with pytest.raises(SettingError):
        write_example(tmp_path / "a", normals=-1)
    with pytest.raises(SettingError):
        write_example(tmp_path / "a", size=8)


# ---- it must not be solvable without understanding


def color_patches(path: Path) -> np.ndarray:
    """All 8 x 8 patches at 64 px, every 4 px, as vectors. [225, 192] in 0..1."""
    image = np.asarray(Image.open(path).resize((64, 64), Image.Resampling.BILINEAR), np.float32) / 255
    windows = np.lib.stride_tricks.sliding_window_view(image, (8, 8), axis=(0, 1))[::4, ::4]
    return windows.reshape(-1, 192)


def nearest_distance(patches: np.ndarray, memory: np.ndarray) -> np.ndarray:
    squared = (patches**2).sum(1)[:, None] + (memory**2).sum(1)[None] - 2 * patches @ memory.T
    return np.sqrt(np.maximum(squared.min(axis=1), 0))


def ranking(good: list[float], defective: list[float]) -> float:
    """Chance that a defective picture scores above a good one (AUROC)."""
    pairs = np.subtract.outer(np.array(defective), np.array(good))
    return float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def test_nearest_neighbours_on_raw_colour_do_not_solve_it(category):
    memory = np.concatenate([color_patches(path) for path in sorted(category.glob("train/good/*.png"))])
    scores: dict[bool, list[float]] = {False: [], True: []}
    for path in sorted(category.glob("test/*/*.png")):
        scores[path.parent.name != "good"].append(float(nearest_distance(color_patches(path), memory).max()))
    assert ranking(scores[False], scores[True]) < 0.8


def test_the_same_detector_does_find_a_gross_defect_on_a_plain_scene():
    # The detector of the test above is not blind: a black square on one of many equal pictures is found.
    rng = np.random.default_rng(0)
    plain = [rng.normal(0.5, 0.02, (225, 192)).astype(np.float32) for _ in range(4)]
    memory = np.concatenate(plain[:2])
    struck = plain[3].copy()
    struck[100] = 0
    assert nearest_distance(struck, memory).max() > 2 * nearest_distance(plain[2], memory).max()


def test_the_example_shares_nothing_with_the_training_synthesis():
    for file in Path(baad.data.__file__).parent.glob("example*.py"):
        assert not [name for name in imported_modules(file) if "synthesis" in name], file.name
