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
