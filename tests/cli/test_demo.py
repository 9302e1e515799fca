import sys
from functools import partial

import pytest

from baad.cli import demo
from baad.data.example import write_example
from tests.factory import write_category


class Asked(Exception):
    """Training would begin."""


@pytest.fixture
def category(tmp_path):
    return write_category(tmp_path / "disc", normals=6, good=1, defective=1)


@pytest.fixture(autouse=True)
def no_training(monkeypatch):
    def train(images, settings, *rest, **others):
        raise Asked(settings.steps, settings.minutes)

    monkeypatch.setattr("baad.learn.train.train", train)


@pytest.mark.parametrize(
    ("told", "steps", "minutes"),
    [
        ({}, 1200, 0.0),
        ({"steps": 7}, 7, 0.0),
        ({"minutes": 0.5}, 1200, 0.5),
        ({"changes": ["steps=9"]}, 9, 0.0),
        ({"config": "steps = 11"}, 11, 0.0),
        ({"config": "seed = 3"}, 1800, 0.0),  # as baad train has it
    ],
)
def test_it_trains_1200_steps_unless_told_otherwise(tmp_path, category, told, steps, minutes):
    if "config" in told:
        (tmp_path / "mine.toml").write_text(told["config"])
        told = {"config": tmp_path / "mine.toml"}
    with pytest.raises(Asked) as asked:
        demo.main(data=category, out=tmp_path / "out", quiet=True, **told)
    assert asked.value.args == (steps, minutes)


def test_without_data_it_draws_its_example_once_and_learns_from_that(tmp_path, monkeypatch):
    small = partial(write_example, normals=4, good=2, defective=2, size=64)
    monkeypatch.setattr("baad.data.example.write_example", small)
    for _ in range(2):
        with pytest.raises(Asked) as asked:
            demo.main(out=tmp_path / "out", quiet=True)
    assert asked.value.args == (1200, 0.0)
    assert len(list((tmp_path / "out" / "example" / "train" / "good").iterdir())) == 4


def test_files_that_no_earlier_demo_made_are_left_alone(tmp_path, category, baad):
    for name in ("index.html", "model.baad", "demo.txt"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text("mine")
        told = baad("demo", category, "--out", tmp_path / name)
        assert (told.code, f"{name} holds files that no earlier demo made" in told.err) == (2, True)
        assert [(file.name, file.read_text()) for file in (tmp_path / name).iterdir()] == [(name, "mine")]


def test_a_demo_goes_into_a_new_or_empty_folder_and_again_into_its_own(tmp_path, category):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new", tmp_path / "empty"):
        for _ in range(2):
            with pytest.raises(Asked):
                demo.main(data=category, out=folder, quiet=True)
            (folder / "index.html").write_text("the page of an earlier demo")


def test_data_that_cannot_be_used_leaves_no_folder_behind(tmp_path, baad):
    (tmp_path / "none").mkdir()
    assert baad("demo", tmp_path / "none", "--out", tmp_path / "new").code == 2
    assert not (tmp_path / "new").exists()


def test_a_demonstration_that_is_stopped_does_not_speak_of_going_on(tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr("baad.learn.train.train", lambda *_, **named: asked.update(named) or sys.exit())
    category = write_category(tmp_path / "disc", normals=6, good=1, defective=1)
    with pytest.raises(SystemExit):
        demo.main(data=category, out=tmp_path / "out", quiet=True)
    assert asked["go_on"] == ""
