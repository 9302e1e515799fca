import json
import shutil

import pytest

from tests.factory import write_category
from tests.learn.small_model import write_small_model


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the category disc, and a model of it."""
    from baad.data.reading import read_category

    root = tmp_path_factory.mktemp("data")
    category = read_category(write_category(root / "disc", normals=8, good=2, defective=3, size=(72, 96)))
    write_small_model(root / "disc.baad", category.train)
    return root


def test_every_test_picture_goes_through_every_runtime(baad, place, tmp_path):
    told = baad("bench", "parity", place / "disc.baad", "--data", place, "--out", tmp_path / "out", "--threads", 1)
    assert told.code == 0, told.err
    rows = [json.loads(line) for line in (tmp_path / "out" / "parity.jsonl").read_text().splitlines()]
    assert [row["runtime"].split()[0] for row in rows] == ["ONNX", "OpenVINO"]
    assert {(row["category"], row["pictures"], row["defective"]) for row in rows} == {("disc", 5, 3)}
    assert all(
        row["holds"] and row["flips"] == 0 and row["map_error"] < 1e-3 and row["foreground_error"] < 1e-3
        for row in rows
    )
    assert "| disc | 5 | OpenVINO" in (tmp_path / "out" / "README.md").read_text()


def test_rows_of_other_categories_stay_and_those_of_this_one_are_made_anew(baad, place, tmp_path):
    """Two models of one category have rows of their own; those of another release of a runtime are out of date."""
    (tmp_path / "out").mkdir()
    rows = tmp_path / "out" / "parity.jsonl"
    twin = shutil.copy(place / "disc.baad", tmp_path / "twin.baad")
    call = ("bench", "parity", place / "disc.baad", twin, "--data", place, "--out", tmp_path / "out", "--threads", 1)
    assert baad(*call).code == 0
    made = rows.read_text()
    assert [json.loads(line)["pictures"] for line in made.splitlines()] == [5, 5, 5, 5]
    other = made.replace('"disc"', '"ring"').replace('"system": "', '"system": "Old ')
    rows.write_text(other + made.replace('"ONNX Runtime ', '"ONNX Runtime 0.'))
    assert baad(*call).code == 0
    assert rows.read_text() == other + made
    page = (tmp_path / "out" / "README.md").read_text()
    assert "ring: " in page and "disc: " in page and "Old " in page


def test_a_model_whose_category_is_elsewhere_is_named(baad, place, tmp_path):
    told = baad("bench", "parity", place / "disc.baad", "--data", tmp_path, "--out", tmp_path / "out")
    assert told.code == 2
    assert "of the category 'disc'" in told.err and "--data" in told.err


@pytest.mark.parametrize("damage", ["no test half", "no picture"])
def test_a_test_half_that_cannot_be_used_is_refused_before_any_picture_is_run(
    baad, place, tmp_path, monkeypatch, damage
):
    monkeypatch.setattr("baad.bench.parity.measure", lambda *_: pytest.fail("a picture was run"))
    shutil.copytree(place / "disc", tmp_path / "disc")
    if damage == "no picture":
        next((tmp_path / "disc" / "test" / "good").glob("*.png")).write_bytes(b"no picture")
    else:
        shutil.rmtree(tmp_path / "disc" / "test")
    told = baad("bench", "parity", place / "disc.baad", "--data", tmp_path, "--out", tmp_path / "out")
    assert told.code == 2 and {"no picture": "good", "no test half": "it has no test pictures"}[damage] in told.err
