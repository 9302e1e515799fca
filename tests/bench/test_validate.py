from dataclasses import replace

import numpy as np
import pytest

from baad.baselines.baseline import Fitted
from baad.bench import validate
from baad.bench.job import Detector, Job
from baad.bench.validate import DRAWS, find_parts, run_validation, validate_detector
from baad.data.decode import read_image
from baad.data.reading import read_category
from baad.foreground.gate import Gate
from baad.progress import Silence
from baad.runtime.session import RawMaps
from baad.settings import TrainSettings
from baad.synthesis.heldback import KINDS
from tests.factory import write_category

SETTINGS = TrainSettings(image_size=64, steps=3, batch_size=2, held_out=0.25)


def test_a_recipe_is_judged_on_held_out_normals_alone_and_not_again(tmp_path, monkeypatch):
    category = write_category(tmp_path / "disc", normals=8, good=1, defective=1)
    for picture in (category / "test").rglob("*.png"):
        picture.write_bytes(b"nobody may read this")
    rows = run_validation([category], tmp_path / "out", SETTINGS, Silence(), tmp_path / "models")
    assert [row["category"] for row in rows] == ["disc"]
    assert rows[0]["n_normal"] == 2 and rows[0]["n_defective"] <= 2 * DRAWS * len(KINDS)
    assert set(rows[0]["kinds"]) <= set(KINDS)
    with monkeypatch.context() as patched:
        patched.setattr("baad.bench.job.train_once", lambda *_: pytest.fail("run again"))
        assert run_validation([category], tmp_path / "out", SETTINGS, Silence(), tmp_path / "models") == rows
    other = run_validation([category], tmp_path / "out", replace(SETTINGS, steps=4), Silence(), tmp_path / "models")
    assert [row["steps"] for row in other] == [4]


def test_a_baseline_is_judged_on_the_same_defects(tmp_path):
    category, out = write_category(tmp_path / "disc", normals=8, good=0, defective=0), tmp_path / "out"
    rows = run_validation([category], out, SETTINGS, Silence(), tmp_path / "models", methods=("padim", "baad"))
    assert [row["method"] for row in rows] == ["padim", "baad"]
    assert rows[0]["n_defective"] == rows[1]["n_defective"] and rows[0]["kinds"] != rows[1]["kinds"]


@pytest.mark.parametrize(("knowing", "figure"), [(True, 1.0), (False, 0.5)])
def test_who_knows_the_normals_finds_all_and_who_sees_nothing_guesses(tmp_path, knowing, figure):
    category = read_category(write_category(tmp_path / "disc", normals=8, good=0, defective=0))
    normals = [read_image(image.path).astype(int) for image in category.train]

    def judge(picture):
        change = min((np.abs(picture - each).max(axis=2) for each in normals), key=np.sum) * float(knowing)
        return RawMaps(change.astype(np.float32), np.ones_like(change, np.float32), float(change.max()))

    detector = Detector(judge, Fitted(steps=3, parameters=0, macs=0), minutes=0.0)
    row = validate_detector(detector, Job(category, "baad", SETTINGS), Silence())
    assert row["image_auroc"] == figure and set(row["kinds"].values()) == {figure}
    assert row["pixel_ap"] > 0.9 if knowing else row["pixel_ap"] < 0.5
    assert (row["n_normal"], row["steps"]) == (2, 3)


def test_where_the_part_is_comes_from_the_pictures_of_the_set(tmp_path, monkeypatch):
    files = sorted((write_category(tmp_path / "disc", normals=4, good=0, defective=0) / "train").rglob("*.png"))
    held_out, asked = [np.zeros((64, 64, 3), np.uint8)] * 2, []

    def find(masks):
        def found(seen, progress):
            asked.append(len(seen))
            return Gate(masks is not None, "border", 0.9, "", masks)

        monkeypatch.setattr(validate, "find_foreground", found)

    find(np.arange(6, dtype=np.float32)[:, None, None] * np.ones((6, 64, 64), np.float32))
    assert find_parts(held_out, files, SETTINGS, Silence())[:, 0, 0].tolist() == [0.0, 1.0]
    find(None)
    assert (find_parts(held_out, files, SETTINGS, Silence()) == 1.0).all() and asked == [6, 6]
