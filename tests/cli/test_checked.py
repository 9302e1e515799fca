from baad.cli.checked import open_for_training
from baad.progress import Silence
from baad.settings import TrainSettings
from tests.factory import write_bursts, write_folder


def test_too_few_pictures_for_the_rate_are_said_only_where_a_threshold_comes_of_them(tmp_path):
    parts = write_folder(tmp_path / "parts", normals=6)
    (warning,) = open_for_training(parts, TrainSettings(), Silence())[1]
    assert "1 % needs 299 held out" in warning
    assert open_for_training(parts, None, Silence())[1] == []  # as for masks, and for the example of the demo


def test_the_settings_say_the_rate_and_the_share(tmp_path):
    parts = write_folder(tmp_path / "parts", normals=6)
    assert open_for_training(parts, TrainSettings(false_alarms=0.7, held_out=0.5), Silence())[1] == []


def test_shots_of_one_part_count_once_before_training(tmp_path):
    write_bursts(tmp_path, 10)
    (warning,) = open_for_training(tmp_path, TrainSettings(held_out=0.3), Silence())[1]
    assert "of 40 normal pictures in 10 groups of near copies 3 groups are held out" in warning
