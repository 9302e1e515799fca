from dataclasses import replace

import numpy as np
import pytest

from baad.baselines.baseline import Fitted
from baad.bench import validate
from baad.bench.job import Fit, Job, Workshop
from baad.bench.rows import read_rows, write_rows
from baad.bench.run import KEYS
from baad.bench.run import RESULTS as TESTED
from baad.bench.validate import (
    DRAWS,
    RESULTS,
    HeldOut,
    describe_figures,
    draw_defects,
    find_held_out,
    find_parts,
    run_validation,
    validate_detector,
)
from baad.data.decode import read_image
from baad.data.reading import read_category
from baad.errors import BundleError, DataError, TrainingError
from baad.foreground.gate import Gate
from baad.progress import Silence
from baad.runtime.session import RawMaps
from baad.settings import TrainSettings
from baad.synthesis.heldback import KINDS
from tests.factory import write_category

SETTINGS = TrainSettings(image_size=64, steps=3, batch_size=2, held_out=0.25, device="cpu")


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


def test_all_methods_are_judged_on_the_same_pictures(tmp_path, monkeypatch):
    category, shown = write_category(tmp_path / "disc", normals=8, good=0, defective=0), {"padim": [], "baad": []}

    def make(workshop, job):
        def judge(picture):
            shown[job.method].append(picture)
            return RawMaps(np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32), 0.0)

        return Fit(judge, Fitted(steps=0, parameters=0, macs=0), minutes=0.0)

    monkeypatch.setattr(Workshop, "make", make)
    rows = run_validation([category], tmp_path / "out", SETTINGS, Silence(), methods=tuple(shown))
    assert [row["method"] for row in rows] == ["padim", "baad"]
    assert len(shown["padim"]) == rows[0]["n_normal"] + rows[0]["n_defective"]
    assert all(np.array_equal(*pair) for pair in zip(shown["padim"], shown["baad"], strict=True))


def test_pixels_are_weighed_as_if_every_normal_one_were_kept(tmp_path, monkeypatch):
    category = read_category(write_category(tmp_path / "disc", normals=8, good=0, defective=0))
    blind = RawMaps(np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32), 0.0)  # its AP is the defects' share
    detector, job = Fit(lambda picture: blind, Fitted(0, 0, 0), minutes=0.0), Job(category, "padim", SETTINGS)
    held_out, found = find_held_out(category, SETTINGS, Silence()), []
    for each in (7, 1):
        monkeypatch.setattr(validate, "EACH", each)
        found.append(validate_detector(detector, job, held_out, Silence())["pixel_ap"])
    assert found[0] == pytest.approx(found[1], rel=0.02) and 0 < found[1] < 0.5


def test_a_training_that_fails_is_told_at_the_end_and_the_others_are_judged(tmp_path, monkeypatch):
    category, make = write_category(tmp_path / "disc", normals=8, good=0, defective=0), Workshop.make

    def fail_first(workshop, job):
        if job.method == "draem":
            raise TrainingError("The loss is not a number.")
        return make(workshop, job)

    monkeypatch.setattr(Workshop, "make", fail_first)
    with pytest.raises(TrainingError, match=r"disc, seed 0, draem \(The loss is not a number.\)"):
        run_validation([category], tmp_path / "out", SETTINGS, Silence(), methods=("draem", "padim"))
    assert [row["method"] for row in read_rows(tmp_path / "out" / RESULTS, KEYS)] == ["padim"]


def test_a_training_that_fails_leaves_no_row_that_was_made_otherwise(tmp_path, monkeypatch):
    category, out = write_category(tmp_path / "disc", normals=8, good=0, defective=0), tmp_path / "out"
    stale = {"category": "disc", "method": "padim", "seed": 0, "image_auroc": 0.9, "pixel_ap": 0.9, "fingerprint": "x"}
    write_rows(out / RESULTS, [stale])
    monkeypatch.setattr(Workshop, "make", lambda *_: raise_error(TrainingError("The loss is not a number.")))
    monkeypatch.setattr(validate, "find_held_out", lambda *_: None)
    with pytest.raises(TrainingError, match=r"All other rows are in"):
        run_validation([category], out, SETTINGS, Silence(), methods=("padim",))
    assert read_rows(out / RESULTS, KEYS) == []


def raise_error(error):
    raise error


def test_a_model_that_gives_no_numbers_costs_its_own_row_alone(tmp_path, monkeypatch):
    category, out = write_category(tmp_path / "disc", normals=8, good=0, defective=0), tmp_path / "out"
    zeros = np.zeros((64, 64), np.float32)

    def make(workshop, job):
        def judge(picture):
            if job.method == "draem":
                raise BundleError("The network gave a score that is no number.")
            return RawMaps(zeros, zeros + 1, 0.0)

        return Fit(judge, Fitted(steps=0, parameters=0, macs=0), minutes=0.0)

    monkeypatch.setattr(Workshop, "make", make)
    with pytest.raises(TrainingError, match=r"disc, seed 0, draem \(The network gave"):
        run_validation([category], out, SETTINGS, Silence(), methods=("draem", "padim"))
    assert [row["method"] for row in read_rows(out / RESULTS, KEYS)] == ["padim"]


def test_pictures_on_which_no_defect_can_be_drawn_are_said_to_be_such(tmp_path, monkeypatch):
    category = read_category(write_category(tmp_path / "disc", normals=8, good=0, defective=0))
    blind = RawMaps(np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32), 0.0)
    detector, job = Fit(lambda picture: blind, Fitted(0, 0, 0), minutes=0.0), Job(category, "padim", SETTINGS)
    monkeypatch.setattr(validate, "draw_defect", lambda small, part, *_: (small, np.zeros(part.shape, bool)))
    with pytest.raises(DataError, match="no held-back defect could be drawn"):
        validate_detector(detector, job, find_held_out(category, SETTINGS, Silence()), Silence())


def test_figures_of_test_pictures_in_the_same_folder_are_neither_read_nor_lost(tmp_path, monkeypatch):
    category, out = write_category(tmp_path / "disc", normals=8, good=0, defective=0), tmp_path / "out"
    job = Job(read_category(category), "padim", SETTINGS)
    tested = {"category": "disc", "method": "padim", "seed": 0, "image_auroc": None, **job.made_with()}
    write_rows(out / TESTED, [tested])
    judged = {**tested, "image_auroc": 0.5, "pixel_ap": 0.25}
    monkeypatch.setattr(Workshop, "make", lambda *_: None)
    monkeypatch.setattr(validate, "find_held_out", lambda *_: None)
    monkeypatch.setattr(validate, "validate_detector", lambda *_: judged)
    assert run_validation([category], out, SETTINGS, Silence(), methods=("padim",)) == [judged]
    assert read_rows(out / TESTED, KEYS) == [tested] and read_rows(out / RESULTS, KEYS) == [judged]


def test_a_figure_that_there_is_not_is_a_dash():
    assert describe_figures({"image_auroc": None, "pixel_ap": 0.25}) == "image AUROC –, pixel AP 0.250"


@pytest.mark.parametrize(("knowing", "figure"), [(True, 1.0), (False, 0.5)])
def test_who_knows_the_normals_finds_all_and_who_sees_nothing_guesses(tmp_path, knowing, figure):
    category = read_category(write_category(tmp_path / "disc", normals=8, good=0, defective=0))
    normals = [read_image(image.path).astype(int) for image in category.train]

    def judge(picture):
        change = min((np.abs(picture - each).max(axis=2) for each in normals), key=np.sum) * float(knowing)
        return RawMaps(change.astype(np.float32), np.ones_like(change, np.float32), float(change.max()))

    detector = Fit(judge, Fitted(steps=3, parameters=0, macs=0), minutes=0.0)
    held_out = find_held_out(category, SETTINGS, Silence())
    row = validate_detector(detector, Job(category, "baad", SETTINGS), held_out, Silence())
    assert row["image_auroc"] == figure and set(row["kinds"].values()) == {figure}
    assert row["pixel_ap"] > 0.9 if knowing else row["pixel_ap"] < 0.5
    assert (row["n_normal"], row["steps"]) == (2, 3)


def test_a_defect_leaves_the_grain_of_the_picture_and_is_the_same_for_all_recipes():
    grain = np.random.default_rng(0).integers(96, 160, (512, 512, 1), np.uint8).repeat(3, axis=2)
    held_out = HeldOut([grain, grain], np.ones((2, 64, 64), np.float32))
    found = list(draw_defects(held_out, 0))
    assert {kind for kind, _, _ in found} == set(KINDS) and {defect.shape for *_, defect in found} == {(256, 256)}
    for _, drawn, _ in found:
        change = drawn.astype(float) - grain
        touched = (change != 0).any(axis=2) & ((drawn > 0) & (drawn < 255)).all(axis=2)
        rough = np.abs(np.diff(change[..., 0], axis=1))[touched[:, 1:] & touched[:, :-1]]
        assert touched.any() and np.median(rough) <= 8  # levels; the grain's own steps are of 21 in the mean


def test_rows_of_other_held_back_defects_are_made_anew(tmp_path, monkeypatch):
    category = write_category(tmp_path / "disc", normals=8, good=0, defective=0)
    blind, asked = RawMaps(np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32), 0.0), []
    fit = Fit(lambda picture: blind, Fitted(0, 0, 0), minutes=0.0)
    monkeypatch.setattr(Workshop, "make", lambda workshop, job: asked.append(job) or fit)
    grain = np.random.default_rng(0).integers(96, 160, (64, 64, 3), np.uint8)
    monkeypatch.setattr(validate, "find_held_out", lambda *_: HeldOut([grain, grain], np.ones((2, 64, 64), np.float32)))
    for version in (1, 1, 2):
        monkeypatch.setattr(validate, "HELDBACK", version)
        run_validation([category], tmp_path / "out", SETTINGS, Silence(), methods=("padim",))
    assert len(asked) == 2


def test_where_the_part_is_comes_from_the_pictures_of_the_set(tmp_path, monkeypatch):
    files = sorted((write_category(tmp_path / "disc", normals=4, good=0, defective=0) / "train").rglob("*.png"))
    held_out, asked = [np.zeros((64, 64, 3), np.uint8)] * 2, []

    def find(masks):
        def found(seen, progress):
            asked.append(len(seen))
            return Gate(masks is not None, "border", 0.9, "", masks)

        monkeypatch.setattr(validate, "find_foreground", found)

    find(np.arange(6, dtype=np.float32)[:, None, None] * np.ones((6, 64, 64), np.float32))
    assert find_parts(held_out, files, Silence())[:, 0, 0].tolist() == [0.0, 1.0]
    find(None)
    assert (find_parts(held_out, files, Silence()) == 1.0).all() and asked == [6, 6]


def test_a_category_that_cannot_be_used_is_named_before_any_training(tmp_path, monkeypatch):
    good = write_category(tmp_path / "good", normals=8, good=0, defective=0)
    one = write_category(tmp_path / "one", normals=1, good=0, defective=0)
    monkeypatch.setattr(Workshop, "make", lambda *_: pytest.fail("trained"))
    with pytest.raises(DataError, match="one: there is only one normal picture"):
        run_validation([good, one], tmp_path / "out", SETTINGS, Silence())
