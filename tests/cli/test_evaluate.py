import json
import re

import numpy as np
import pytest
import tifffile
from PIL import Image

from baad.bundle import rewrite_bundle
from tests.factory import draw_set, save_picture, write_category, write_layout, write_truncated

KEYS = [
    *("method", "category", "seed", "steps", "n_normal", "n_defective", "image_auroc", "image_ap", "image_f1_max"),
    *("pixel_auroc", "pixel_ap", "pixel_f1_max", "au_pro_30", "au_pro_05", "background_fpr", "part_fpr"),
    *("train_minutes", "ms_per_image", "threshold", "false_alarms", "missed"),
]


@pytest.fixture
def category(tmp_path):
    return write_category(tmp_path / "disc", normals=4, foreground=True)


def test_figures_are_printed_and_saved_as_one_flat_object(baad, model, category, tmp_path):
    told = baad("evaluate", model, category, "--json", tmp_path / "disc.json")
    assert told.code == 0
    assert "image AUROC" in told.out and "spot" in told.out
    assert "at the threshold of the model, 0.85: 0 of 4 defective pictures missed, 0 of 4 good" in told.out
    row = json.loads((tmp_path / "disc.json").read_text())
    assert list(row) == KEYS
    assert (row["method"], row["category"], row["seed"], row["steps"]) == ("baad", "disc", 0, 3)
    assert (row["n_normal"], row["n_defective"], row["train_minutes"]) == (4, 4, 0.5)
    assert row["image_auroc"] == 1.0  # the fake model sees brightness, and the defects are bright
    assert row["background_fpr"] is not None


@pytest.mark.parametrize("absent", ["seed", "steps", "train_minutes"])
def test_a_model_that_does_not_tell_how_it_was_trained_is_refused_before_any_picture(
    baad, model, category, tmp_path, absent
):
    other = rewrite_bundle(model, tmp_path / "other.baad", {absent: None})
    told = baad("evaluate", other, category)
    assert (told.code, told.out) == (2, "") and f"no '{absent}'" in told.err


def test_figures_go_to_standard_output_where_that_is_asked_for(baad, model, category, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert list(json.loads(baad("evaluate", model, category, "--json", "-").out)) == KEYS
    told = baad("evaluate", model, category, "--html", "-")
    assert (told.code, "--html: - is standard output" in told.err) == (2, True)
    assert sorted(tmp_path.rglob("*")) == before


def test_without_ground_truth_pixel_figures_are_null(baad, model, tmp_path):
    category = write_category(tmp_path / "disc", normals=4, masks=False)
    baad("evaluate", model, category, "--json", tmp_path / "disc.json", "-q")
    row = json.loads((tmp_path / "disc.json").read_text())
    assert [name for name in KEYS[6:16] if row[name] is None] == KEYS[9:16]


def test_the_page_needs_no_other_file(baad, model, category, tmp_path):
    assert baad("evaluate", model, category, "--html", tmp_path / "disc.html", "-q").code == 0
    page = (tmp_path / "disc.html").read_text()
    assert "data:image/" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and 'src="/' not in page


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_the_list_of_the_pictures_is_not_written_over(baad, model, category, tmp_path, option):
    listed = tmp_path / "list.csv"
    listed.write_text("path,split\n" + "".join(f"{path},test\n" for path in category.rglob("good/*.png")))
    before = listed.read_text()
    told = baad("evaluate", model, listed, option, listed)
    assert told.code == 2 and f"DATA and {option} both name" in told.err
    assert listed.read_text() == before


def test_all_that_is_wrong_with_the_test_half_comes_at_once_and_nothing_is_written(baad, model, category, tmp_path):
    save_picture(category / "ground_truth" / "spot" / "000_mask.png", np.ones((32, 32), bool))
    write_truncated(category / "test" / "good" / "001.png")
    out = tmp_path / "out"
    told = baad("evaluate", model, category, "--json", out / "disc.json", "--html", out / "disc.html")
    assert (told.code, told.out) == (2, "")
    assert "000_mask.png" in told.err and "001.png" in told.err
    assert not out.exists()


def test_without_test_pictures_there_is_nothing_to_evaluate(baad, model, tmp_path):
    told = baad("evaluate", model, write_category(tmp_path / "disc", good=0, defective=0))
    assert told.code == 2
    assert "no test pictures" in told.err


@pytest.mark.parametrize(("words", "dtype"), [((), "float32"), (("--half",), "float16")])
def test_maps_lie_where_mvtecs_scripts_look_for_them(baad, model, category, tmp_path, words, dtype):
    assert baad("evaluate", model, category, "--maps", tmp_path / "maps", *words).code == 0
    places = {file.relative_to(tmp_path / "maps").as_posix() for file in (tmp_path / "maps").rglob("*.*")}
    pictures = {file.relative_to(category).with_suffix(".tiff").as_posix() for file in category.glob("test/*/*")}
    assert places == {f"disc/{place}" for place in pictures}
    stored = tifffile.imread(tmp_path / "maps" / "disc" / "test" / "spot" / "000.tiff")
    assert (stored.shape, stored.dtype) == ((64, 64), dtype)
    truth = Image.open(category / "ground_truth" / "spot" / "000_mask.png")
    assert stored[np.asarray(truth) > 0].mean() > stored[np.asarray(truth) == 0].mean()


def test_how_maps_are_written_is_no_word_where_none_are(baad, model, category):
    said = baad("evaluate", model, category, "--half")
    assert said.code == 2 and "--maps" in said.err


def turn_into_tiff(category):
    """Write the pictures of a category anew, and in its manifest their names; masks stay as they are."""
    for file in [*category.glob("t*/*/*.png"), *category.glob("all/*.png")]:
        with Image.open(file) as picture:
            picture.save(file.with_suffix(".tiff"))
        file.unlink()
    for listed in category.glob("manifest.csv"):
        listed.write_text(re.sub(r"(all/\d+)\.png", r"\1.tiff", listed.read_text()))


@pytest.mark.parametrize(
    ("layout", "suffix", "place", "problem"),
    [
        ("mvtec", ".png", ".", "disc/test/good lies among the pictures"),  # the next call would take them for pictures
        ("mvtec", ".tiff", ".", "disc/test/good lies among the pictures"),  # each picture would become its map
        ("mvtec", ".png", "disc/test", "among the pictures"),
        ("mvtec", ".png", "link", "among the pictures"),
        ("labelme", ".png", "disc/maps", "among the pictures"),
        ("manifest", ".tiff", ".", "is no result of BAAD"),
        ("mvtec", ".png", "disc/maps", ""),
        ("manifest", ".png", "disc/maps", ""),
    ],
)
def test_maps_among_the_pictures_are_refused_before_any_work(
    baad, model, tmp_path, monkeypatch, layout, suffix, place, problem
):
    write_layout(layout, tmp_path / "disc", draw_set(normals=2, good=1, defective=1))
    if suffix == ".tiff":
        turn_into_tiff(tmp_path / "disc")
    (tmp_path / "link").symlink_to(".")
    monkeypatch.chdir(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*") if file.is_file()}
    for _ in range(2):
        told = baad("evaluate", model, "disc", "--maps", place)
        assert (told.code, problem in told.err) == (2 if problem else 0, True), told.err
        assert "2 test pictures (1 defective)" in told.err
    assert {file: file.read_bytes() for file in before} == before
    assert bool(problem) == (len([file for file in tmp_path.rglob("*.*") if file.is_file()]) == len(before))
