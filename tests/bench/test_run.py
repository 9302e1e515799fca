import json
from dataclasses import replace

import pytest

from baad.bench.job import Part, Workshop, describe_settings
from baad.bench.run import run_benchmark
from baad.errors import DataError
from baad.progress import Silence
from baad.settings import TrainSettings
from tests.factory import write_category, write_folder

SETTINGS = TrainSettings(image_size=64, batch_size=2, threads=1, held_out=0.25, device="cpu", steps=1)


class Heard(Silence):
    def __init__(self):
        self.said, self.warned = [], []

    def say(self, text):
        self.said.append(text)

    def warn(self, text):
        self.warned.append(text)


@pytest.fixture(scope="module")
def category(tmp_path_factory):
    return write_category(tmp_path_factory.mktemp("d") / "disc", normals=6, good=2, defective=2, foreground=True)


@pytest.fixture(scope="module")
def finished(category, tmp_path_factory):
    """BAAD, two switches of its scoring, a baseline without training, one multiplied by a mask; one with stress."""
    root = tmp_path_factory.mktemp("bench")
    part = Part(
        (category,), ("baad", "no_suppression", "mask_ones", "nearest", "draem+mask"), 1, SETTINGS, ("nearest",)
    )
    return run_benchmark([part], root / "out", Silence(), "command", root / "runs"), part, root


def test_all_methods_get_rows_with_the_same_flat_keys(finished):
    rows, part, _ = finished
    assert [row["method"] for row in rows] == list(part.methods)
    assert all(list(row) == list(rows[0]) for row in rows)
    assert all(isinstance(value, (str, int, float, type(None))) for row in rows for value in row.values())


def test_rows_tell_steps_cost_and_both_tasks(finished):
    baad, unsuppressed, blind, nearest, draem = finished[0]
    assert [row["steps"] for row in finished[0]] == [1, 1, 1, None, 1]
    assert baad["parameters"] == unsuppressed["parameters"] > 0 and nearest["macs"] > 0
    assert baad["mask_iou"] == unsuppressed["mask_iou"] is not None and draem["mask_iou"] is not None
    assert blind["mask_iou"] is None
    assert nearest["mask_iou"] is nearest["psnr"] is None
    assert baad["psnr"] is not None and draem["psnr"] is not None
    assert baad["settings"] == "image_size=64 steps=1 batch_size=2 held_out=0.25 threads=1 device=cpu"


def test_a_switch_of_scoring_uses_the_model_that_is_there(finished):
    assert len(list((finished[2] / "runs").glob("*.baad"))) == 1


def test_finished_rows_are_not_run_again_and_other_settings_are_told(finished, monkeypatch):
    rows, part, root = finished
    monkeypatch.setattr(Workshop, "make", lambda *_: pytest.fail("run again"))
    heard = Heard()
    assert run_benchmark([part], root / "out", heard, "command", root / "runs") == rows
    assert len(heard.said) == 5 and not heard.warned
    other = replace(part, settings=replace(SETTINGS, steps=2))
    assert run_benchmark([other], root / "out", heard, "command", root / "runs") == rows
    assert len(heard.warned) == 5 and "steps=1" in heard.warned[0]


def test_the_files_hold_the_rows_and_the_table(finished):
    rows, _, root = finished
    assert [json.loads(line) for line in (root / "out" / "results.jsonl").read_text().splitlines()] == rows
    assert "| draem+mask |" in (root / "out" / "README.md").read_text()


def test_stressed_methods_have_rows_of_changed_backgrounds_and_others_have_none(finished):
    rows = [json.loads(line) for line in (finished[2] / "out" / "stress.jsonl").read_text().splitlines()]
    assert [name for name in dict.fromkeys(row["method"] for row in rows)] == ["nearest"]
    assert {"clean", "all"} < {row["family"] for row in rows} and {row["seed"] for row in rows} == {0}
    assert "## Changed backgrounds" in (finished[2] / "out" / "README.md").read_text()


def test_a_category_without_test_pictures_is_refused(tmp_path):
    folder = write_folder(tmp_path / "plain", normals=4)
    with pytest.raises(DataError, match="no test pictures"):
        run_benchmark([Part((folder,), ("baad",), 1, SETTINGS)], tmp_path / "out", Silence(), "command")


def test_settings_are_told_by_what_differs_from_the_defaults():
    assert describe_settings(TrainSettings(seed=3)) == ""
    assert describe_settings(TrainSettings(minutes=5, threads=2)) == "minutes=5.0 threads=2"
