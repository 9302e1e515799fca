import json

import numpy as np
import onnx
import pytest
import tifffile

from baad.bench.stress import Examined, foreground_of, run_stress
from baad.data.decode import read_image
from baad.data.maps import write_map
from baad.data.reading import read_category
from baad.metrics.stress import score_area
from baad.progress import Silence
from baad.runtime.detector import Detector
from baad.runtime.session import RawMaps
from tests.factory import save_picture, write_category
from tests.fake_model import brightness_graph, write_fake_model


@pytest.fixture(scope="module")
def category(tmp_path_factory):
    return write_category(tmp_path_factory.mktemp("stress") / "disc", normals=4, good=2, defective=2, foreground=True)


def read_rows(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_figures_are_printed_and_saved(baad, model, category, tmp_path):
    told = baad("stress", model, category, "--json", tmp_path / "disc.jsonl")
    assert told.code == 0
    assert "unseen" in told.out and "where the model sees no part" in told.out
    rows = read_rows(tmp_path / "disc.jsonl")
    assert (rows[0]["family"], rows[0]["severity"], rows[-1]["family"]) == ("clean", 0, "all")


def brightness(place, picture):
    level = picture.max(axis=2).astype("float32")
    return RawMaps(level, np.ones_like(level), score_area(level, np.ones(level.shape, bool)))


def test_another_detector_is_examined_by_its_maps(baad, model, category, tmp_path):
    """Its maps of the written pictures tell of it what it tells itself where it is asked."""
    assert baad("stress", model, category, "--write", tmp_path / "pictures", "-q").code == 0
    pictures = [file for file in (tmp_path / "pictures").rglob("*.png") if "outline" not in file.parts]
    for file in pictures:
        place = file.relative_to(tmp_path / "pictures").with_suffix(".tiff")
        write_map(tmp_path / "maps" / place, brightness(place, read_image(file)).anomaly)
    theirs = tmp_path / "theirs.jsonl"
    told = baad("stress", model, category, "--maps", tmp_path / "maps", "--json", theirs, "--method", "brightness")
    assert told.code == 0
    see_part = foreground_of(Detector.load(model, 1).session)
    asked = Examined(brightness, see_part, see_part)
    rows = read_rows(theirs)
    assert rows == run_stress(asked, read_category(category), Silence(), "brightness")
    assert rows[0]["background_fpr_70"] < rows[-1]["background_fpr_70"]


def test_rows_go_to_standard_output_where_that_is_asked_for(baad, model, category, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [json.loads(line) for line in baad("stress", model, category, "--json", "-").out.splitlines()]
    assert len(rows) > 1 and not (tmp_path / "-").exists()


def test_outlines_may_come_from_another_model(baad, model, tmp_path, monkeypatch):
    graph = onnx.load_from_string(brightness_graph())
    next(node for node in graph.graph.node if "foreground" in node.output).op_type = "Add"  # part everywhere
    monkeypatch.setattr("tests.fake_model.brightness_graph", graph.SerializeToString)
    blind = write_fake_model(tmp_path / "blind.baad")
    bare = write_category(tmp_path / "disc", normals=4, good=2, defective=2)
    told = baad("stress", blind, bare, "--json", "-")
    assert told.code == 2 and "--outlines" in told.err
    told = baad("stress", blind, bare, "--outlines", model, "--json", "-")
    first = json.loads(told.out.splitlines()[0])
    assert first["true_outlines"] == 0.0 and first["background_pixels"] > 0


def test_a_missing_map_is_named(baad, model, category, tmp_path):
    told = baad("stress", model, category, "--maps", tmp_path)
    assert told.code == 2
    assert "there is no such map" in told.err


def test_a_map_with_a_value_that_is_no_number_is_named(baad, model, category, tmp_path):
    """NaN lies above no threshold, so that it would raise no false alarm."""
    place = tmp_path / "disc" / "test" / "scratch" / "000.tiff"
    place.parent.mkdir(parents=True)
    tifffile.imwrite(place, np.full((64, 64), np.nan, np.float32), photometric="minisblack")
    told = baad("stress", model, category, "--maps", tmp_path)
    assert told.code == 2 and "scratch/000.tiff: the map has values that are no finite numbers" in told.err


@pytest.mark.parametrize("option", ["--write", "--maps"])
def test_pictures_that_would_share_a_file_are_refused_before_any_is_changed(baad, model, tmp_path, option):
    category = write_category(tmp_path / "disc", normals=4, good=2, defective=2, foreground=True)
    good = category / "test" / "good"
    save_picture(good / "000.jpg", read_image(good / "001.png"))
    told = baad("stress", model, category, option, tmp_path / "out")
    assert told.code == 2 and not (tmp_path / "out").exists()
    assert all(name in told.err for name in ("000.jpg", "000.png", "would share the map", "Rename one of them"))


def test_writing_and_judging_at_once_is_refused(baad, model, category, tmp_path):
    told = baad("stress", model, category, "--write", tmp_path / "a", "--json", tmp_path / "b")
    assert told.code == 2 and "--write" in told.err


def test_the_list_of_the_pictures_is_not_written_over(baad, model, category, tmp_path):
    listed = tmp_path / "list.csv"
    listed.write_text("path,split\n" + "".join(f"{path},test\n" for path in category.rglob("good/*.png")))
    before = listed.read_text()
    told = baad("stress", model, listed, "--json", listed)
    assert told.code == 2 and "DATA and --json both name" in told.err
    assert listed.read_text() == before
