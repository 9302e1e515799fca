import json
from dataclasses import replace

import pytest

from tests.factory import write_category

pytest.importorskip("torch")
from baad.learn import targets
from baad.learn.pdn_designs import PDN_SHAPES
from tests.learn.photos import colour_teacher, write_photos

MACHINE = ("--threads", 1, "--device", "cpu")


@pytest.fixture
def distilled(baad, tmp_path, monkeypatch):
    """A folder of weights that the command wrote, and what it said."""
    monkeypatch.setattr(targets, "load_teacher", colour_teacher)
    monkeypatch.setitem(PDN_SHAPES, "tiny", replace(PDN_SHAPES["tiny"], start=""))  # needs no package
    photos, out = write_photos(tmp_path / "photos"), tmp_path / "weights"
    words = ("--images", photos, "--out", out, "--work", tmp_path / "work", "--teacher", "colours", "--size", "tiny")
    told = baad("distill", *words, "--steps", 2, "--batch", 3, "--crops", 2, "--reduction", "pooled", *MACHINE)
    assert told.code == 0, told.err
    return out


def test_every_option_reaches_the_card(distilled):
    card = json.loads((distilled / "pdn_tiny.json").read_text())
    told = {name: card["settings"][name] for name in ("steps", "batch_size", "crops", "reduction")}
    assert told == {"steps": 2, "batch_size": 3, "crops": 2, "reduction": "pooled"}
    assert (card["teacher"], card["pairs"], card["images"]) == (
        "colours",
        19,
        {"photos": 10},
    )  # the one held out is not cropped twice


def test_what_was_distilled_is_compared_with_what_is_shipped(baad, distilled, tmp_path):
    category = write_category(tmp_path / "disc", normals=4, good=2, defective=2)
    out = tmp_path / "results"
    words = ("--out", out, "--pdns", distilled, "--candidates", "tiny,random", "--seconds", 0, "--seed", 4)
    told = baad("bench", "features", category, *words)
    assert told.code == 0, told.err
    rows = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    card = json.loads((distilled / "pdn_tiny.json").read_text())
    assert [(row["candidate"], row["seed"], row["steps"]) for row in rows] == [("tiny", 4, 2), ("random", 4, None)]
    assert card["sha256"].startswith(rows[0]["pdn_sha256"]) and "seed 4" in (out / "README.md").read_text()
