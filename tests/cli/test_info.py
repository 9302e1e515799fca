import json

from baad.settings import TrainSettings
from tests.fake_model import write_fake_model


def test_info_says_how_the_model_was_made_and_what_it_promises(baad, model):
    told = baad("info", model)
    assert told.code == 0
    for word in (
        "1,234,567 parameters",
        "1.50 GMAC",
        "all at their defaults",
        "20 held out",
        "of good parts",
        "two pictures are alike",
    ):
        assert word in told.out
    assert "brightness needs no part" in told.out


def test_info_names_the_settings_that_are_not_the_default(baad, tmp_path):
    settings = {**TrainSettings().to_dict(), "image_size": 384, "mask_head": False}
    told = baad("info", write_fake_model(tmp_path / "m.baad", settings=settings))
    assert "image_size=384, mask_head=False\n" in told.out


def test_info_tells_settings_that_training_chose_from_those_that_were_asked_for(baad, tmp_path):
    settings = {**TrainSettings().to_dict(), "tile_px": 0, "image_size": 384}
    whole = baad("info", write_fake_model(tmp_path / "a.baad", settings=settings, chosen=["tile_px"])).out
    assert "settings    image_size=384\n" in whole  # that tiles were not needed is no news
    asked = baad("info", write_fake_model(tmp_path / "b.baad", settings=settings, chosen=[])).out
    assert "image_size=384, tile_px=0\n" in asked
    settings |= {"tile_px": 98, "steps": 77}
    chosen = ["tile_px", "steps", "minutes"]
    tiled = baad("info", write_fake_model(tmp_path / "c.baad", settings=settings, chosen=chosen)).out
    assert (
        "tile_px=98 (chosen)" in tiled and "steps=77 (chosen)" in tiled and "minutes" not in tiled.split("settings")[1]
    )


def test_info_says_when_the_threshold_was_set_anew_and_with_what(baad, tmp_path):
    told = baad("info", write_fake_model(tmp_path / "m.baad", calibrated="2026-11-26T10:00:00+00:00")).out
    assert "calibrated  2026-11-26T10:00:00+00:00: the threshold comes from 20 good pictures given later\n" in told
    assert "pictures    10 to learn from\n" in told


def test_info_tells_of_zones_where_there_are_some(baad, model, tmp_path):
    zones = {"elsewhere": "reject", "zones": [{"rule": "warn", "frame": "part", "polygon": [[0, 0], [1, 0], [1, 1]]}]}
    told = baad("info", write_fake_model(tmp_path / "m.baad", zones=zones)).out
    assert "zones       1 that warns (1 move with the part); elsewhere: reject\n" in told
    assert "\nzones" not in baad("info", model).out
    assert "\nzones" not in baad("info", write_fake_model(tmp_path / "n.baad", zones=None)).out


def test_what_a_model_says_of_itself_does_not_steer_the_terminal(baad, tmp_path):
    told = baad("info", write_fake_model(tmp_path / "m.baad", category="part\x1b]0;owned\x07", findings=["\x1b[2J"]))
    assert told.code == 0 and "\x1b" not in told.out and "\\x1b[2J" in told.out


def test_info_of_a_sparse_manifest_is_no_fault(baad, tmp_path):
    told = baad("info", write_fake_model(tmp_path / "m.baad", gate={}, findings=[]))
    assert told.code == 0


def test_info_as_json_holds_settings_and_calibration(baad, model):
    content = json.loads(baad("info", model, "--json").out)
    assert TrainSettings(**content["settings"]) == TrainSettings()
    assert content["calibration"]["n"] == 20
    assert content["parameters"] == 1234567


def test_info_of_another_file_is_one_line_and_exit_2(baad, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("no model")
    told = baad("info", file)
    assert (told.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert told.err.startswith("baad: ")
