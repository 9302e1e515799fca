import json
import shlex

import numpy as np
import pytest

from baad.bundle import read_bundle
from baad.cli.train import _quote
from baad.learn.parity import InPyTorch
from baad.verdict.drawn import parse_zones
from tests.factory import save_picture, write_category, write_folder, write_truncated
from tests.fake_model import brightness_graph
from tests.inputs.case import QUICK, quickly

TINY = (
    *("image_size=64", "size=tiny", "batch_size=2", "threads=1", "held_out=0.25", "pdn=random", "steps=2"),
    "device=cpu",
)


def test_all_that_is_wrong_with_the_pictures_comes_at_once_and_nothing_is_written(baad, tmp_path):
    parts = write_folder(tmp_path / "parts", normals=6)
    write_truncated(parts / "001.png")
    (parts / "003.png").write_bytes(b"")
    told = baad("train", parts, "-o", tmp_path / "out" / "model.baad")
    assert (told.code, told.out) == (2, "")
    assert "001.png" in told.err and "003.png" in told.err
    assert not (tmp_path / "out").exists()


def test_a_mask_of_another_size_stops_training(baad, tmp_path):
    category = write_category(tmp_path / "disc")
    save_picture(category / "ground_truth" / "spot" / "000_mask.png", np.ones((32, 32), bool))
    told = baad("train", category, "-o", tmp_path / "model.baad")
    assert told.code == 2
    assert "000_mask.png" in told.err
    assert not (tmp_path / "model.baad").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--set", "stepps=3"), "Did you mean steps?"),
        (("--set", "steps=0"), "a whole number from 1"),
        (("--steps", "3", "--minutes", "1"), "Give one of them"),
        (("--minutes", "-1"), "minutes is -1.0"),
        (("--device", "abacus"), "auto, cpu, cuda"),
        (("--config", "absent.toml"), "absent.toml"),
        (("--fg-masks", "absent"), "Check the name after --fg-masks"),
        (("--empty-scene", "absent.png"), "Check the name after --empty-scene"),
        (("--zones", "absent.json"), "absent.json cannot be opened"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_2(baad, tmp_path, words, problem):
    parts = write_folder(tmp_path / "parts", normals=6)
    told = baad("train", parts, "-o", tmp_path / "model.baad", *words)
    assert (told.code, told.out) == (2, "")
    assert problem in told.err
    assert not (tmp_path / "model.baad").exists()


def test_a_folder_that_is_not_there_or_holds_nothing_is_exit_2(baad, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in ("absent", "empty"):
        told = baad("train", tmp_path / folder, "-o", tmp_path / "model.baad")
        assert (told.code, told.out, told.err.count("\n")) == (2, "", 1)


def test_the_place_of_the_model_is_checked_before_any_work(baad, tmp_path):
    parts = write_folder(tmp_path / "parts", normals=6)
    told = baad("train", parts, "-o", parts)
    assert told.code == 2
    assert "is a folder" in told.err


def test_a_model_is_trained_calibrated_proven_and_used_in_the_same_tiles(baad, tmp_path, monkeypatch):
    monkeypatch.setattr("baad.learn.train.export_onnx", lambda graph: brightness_graph())
    seen, run = set(), InPyTorch.run
    monkeypatch.setattr(InPyTorch, "run", lambda self, image: seen.add(image.shape) or run(self, image))
    monkeypatch.setattr("baad.learn.train.require_parity", lambda found: None)
    parts, model = write_folder(tmp_path / "parts", normals=8, size=(64, 200)), tmp_path / "m.baad"
    words = [word for change in (*TINY, "foreground=off", "tile_px=64") for word in ("--set", change)]
    told = baad("train", parts, "-o", model, *words)
    assert told.code == 0, told.err
    assert "2 steps on 24 pictures" in told.err  # six to learn from, four tiles each
    assert seen == {(64, 64, 3)}  # not 64 x 200, as the pictures are
    known = json.loads(baad("info", model, "--json").out)
    assert (known["tile_px"], known["input_shape"], known["chosen"]) == (64, [64, 64], [])
    notes = [
        json.loads(baad("predict", model, parts / "000.png", "--json", "-", *more).out)["notes"]
        for more in ((), ("--tiles", 0))
    ]
    assert [any("threshold promises nothing" in note for note in each) for each in notes] == [False, True]


def test_pictures_of_many_aspects_train_a_model_that_judges_in_tiles(baad, tmp_path):
    parts, model = write_folder(tmp_path / "parts", normals=4, size=(100, 150)), tmp_path / "m.baad"
    for number, picture in enumerate(write_folder(tmp_path / "more", normals=4, size=(150, 100)).glob("*.png")):
        picture.rename(parts / f"1{number}.png")
    words = [word for change in (*TINY, "foreground=off") for word in ("--set", change)]
    told = baad("train", parts, "-o", model, *words)
    assert told.code == 0, told.err
    assert "in tiles of 98 px" in told.err  # .8 of the root of 100 x 150
    known = json.loads(baad("info", model, "--json").out)
    assert (known["tile_px"], known["settings"]["tile_px"], known["input_shape"]) == (98, 98, [64, 64])
    assert known["chosen"] == ["tile_px"] and "tile_px=98 (chosen)" in baad("info", model).out


def test_the_command_that_goes_on_is_quoted_for_the_shell_at_hand():
    words = ["baad", "train", r"C:\R&D\my parts", "--set", "steps=3"]
    assert _quote(words, windows=True) == r'baad train "C:\R&D\my parts" --set steps=3'
    assert _quote(["C:\\my parts\\", "D:\\parts\\"], windows=True) == r'"C:\my parts\\" D:\parts' + "\\"
    assert shlex.split(_quote(words, windows=False)) == words


def test_zones_go_into_the_model(baad, tmp_path):
    parts = write_folder(tmp_path / "parts", normals=4)
    zones = {"elsewhere": "reject", "zones": [{"rule": "warn", "frame": "part", "polygon": [[0, 0], [1, 0], [1, 1]]}]}
    (tmp_path / "zones.json").write_text(json.dumps(zones))
    with quickly(tmp_path):
        told = baad("train", parts, "-o", tmp_path / "m.baad", "--zones", tmp_path / "zones.json", *QUICK)
    assert told.code == 0, told.err
    assert parse_zones(read_bundle(tmp_path / "m.baad").manifest["zones"], tmp_path).to_json() == zones
