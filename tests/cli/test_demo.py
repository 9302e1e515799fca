import pytest

from baad.cli import demo
from tests.factory import write_category


class Asked(Exception):
    """Training would begin."""


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
def test_it_trains_1200_steps_unless_told_otherwise(tmp_path, monkeypatch, told, steps, minutes):
    def train(images, settings, *rest, **others):
        raise Asked(settings.steps, settings.minutes)

    monkeypatch.setattr("baad.learn.train.train", train)
    if "config" in told:
        (tmp_path / "mine.toml").write_text(told["config"])
        told = {"config": tmp_path / "mine.toml"}
    category = write_category(tmp_path / "disc", normals=6, good=1, defective=1)
    with pytest.raises(Asked) as asked:
        demo.main(data=category, out=tmp_path / "out", quiet=True, **told)
    assert asked.value.args == (steps, minutes)
