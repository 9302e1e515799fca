import json
import os
import re
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from baad.baselines.baseline import Fitted
from baad.bench import run
from baad.bench.job import Fit, Job, Part, Workshop, describe_settings, require_names, train_once
from baad.bench.made_with import fingerprint
from baad.bench.methods import METHODS, Method
from baad.bench.rows import read_rows, write_rows
from baad.bench.run import KEYS, RESULTS, STRESS, is_done, put_rows, run_benchmark, write_results
from baad.data.decode import read_image
from baad.data.reading import read_category
from baad.data.sample import Category, GoodImage
from baad.data.split import split_held_out
from baad.errors import BundleError, DataError, SettingError, TrainingError
from baad.learn import loop
from baad.progress import Silence
from baad.runtime.session import RawMaps
from baad.settings import TrainSettings
from tests.factory import save_picture, write_category, write_folder
from tests.fake_model import brightness_graph, fake_certificate

SETTINGS = TrainSettings(image_size=64, batch_size=2, threads=1, held_out=0.25, device="cpu", steps=1)

TINY = replace(SETTINGS, size="tiny", pdn="random", foreground="off")


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
    assert [row["steps"] for row in finished[0]] == [1, 1, 1, 0, 1]
    assert {row["device"] for row in finished[0]} == {"cpu"}
    assert baad["parameters"] == unsuppressed["parameters"] > 0 and nearest["macs"] > 0
    assert baad["mask_iou"] == unsuppressed["mask_iou"] is not None and draem["mask_iou"] is not None
    assert blind["mask_iou"] is None
    assert nearest["mask_iou"] is nearest["psnr"] is None
    assert baad["psnr"] is not None and draem["psnr"] is not None
    assert baad["settings"] == "image_size=64 steps=1 batch_size=2 held_out=0.25 threads=1 device=cpu"


def test_a_switch_of_scoring_uses_the_model_that_is_there(finished):
    assert len(list((finished[2] / "runs").glob("*.baad"))) == 1


def test_true_outlines_teach_a_model_of_their_own_and_must_be_there(category, tmp_path, monkeypatch):
    taught = []
    monkeypatch.setattr("baad.bench.job.train", lambda *_, fg_masks, **__: taught.append(fg_masks))
    read = Category("disc", category, (GoodImage(category / "train" / "good" / "000.png"),), ())
    model = train_once(read, SETTINGS, tmp_path, Silence(), outlined=True)
    assert taught == [category / "foreground"] and model != train_once(read, SETTINGS, tmp_path, Silence())
    assert taught[1] is None
    bare = Category("disc", write_folder(tmp_path / "bare", normals=1), (), ())
    with pytest.raises(DataError, match="no true outlines"):
        train_once(bare, SETTINGS, tmp_path, Silence(), outlined=True)


def stop_at(monkeypatch, wanted):
    """Ctrl-C in the middle of a step, the first time that it comes -> a list that gets every step."""
    seen, check = [], loop.check_loss

    def check_and_stop(total, step):
        check(total, step)
        seen.append(step)
        if step == wanted:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(loop, "check_loss", check_and_stop)
    return seen


def test_a_training_that_was_stopped_is_gone_on_with_by_the_same_command(category, tmp_path, monkeypatch):
    settings, read, models = replace(TINY, steps=8), read_category(category), tmp_path / "models"
    monkeypatch.setattr("baad.learn.train.export_onnx", lambda graph: brightness_graph())
    monkeypatch.setattr("baad.learn.train.certify", lambda *given: fake_certificate())
    seen = stop_at(monkeypatch, 6)  # beyond the five steps that are timed beforehand
    with pytest.raises(KeyboardInterrupt) as stopped:
        train_once(read, settings, models, Silence())
    assert re.search(r"^7 of 8 steps are saved in \S+: go on with the same command\.$", stopped.value.__notes__[0])
    del seen[:]
    heard = Heard()
    assert train_once(read, settings, models, heard).exists()
    assert seen == [7] and any("going on after step 7 of 8" in said for said in heard.said) and not heard.warned


def test_finished_rows_are_not_run_again(finished, monkeypatch):
    rows, part, root = finished
    monkeypatch.setattr(Workshop, "make", lambda *_: pytest.fail("run again"))
    heard = Heard()
    assert run_benchmark([part], root / "out", heard, "command", root / "runs") == rows
    assert len(heard.said) == 6 and not heard.warned  # five rows, and the stressed ones of one


def job_of(category):
    pictures = (GoodImage(category / "train" / "good" / "000.png"),)
    return Job(Category("disc", category, "plain", pictures), "baad", SETTINGS)


@pytest.mark.parametrize(
    "change, told",
    [
        ({}, None),
        ({"fingerprint": "0", "settings": "steps=9"}, "steps=9"),
        ({"fingerprint": "0", "pdn_sha256": "random"}, "PDN random in place of"),
        ({"fingerprint": "0"}, "other defaults or other training pictures"),
        ({"tested_on": "0"}, "judged on other pictures, masks, outlines or drawn defects"),
    ],
)
def test_a_row_made_with_something_else_is_no_longer_done_and_told(category, change, told):
    job, heard = job_of(category), Heard()
    wanted = job.judged_with()
    row = {"category": "disc", "method": "baad", "seed": 0, "settings": describe_settings(SETTINGS), **wanted}
    assert is_done(job, wanted, [{**row, **change}], "told", heard) == (told is None)
    assert told is None or told in heard.warned[0]


def test_a_row_of_changed_backgrounds_is_not_said_to_have_other_settings(category):
    job, heard = job_of(category), Heard()
    row = {"category": "disc", "method": "baad", "seed": 0, **job.judged_with(), "fingerprint": "0"}
    assert not is_done(job, job.judged_with(), [row], "told", heard)
    assert "other defaults" in heard.warned[0] and "settings" not in heard.warned[0]


def test_a_row_that_does_not_say_what_it_was_made_with_is_not_done(category):
    row = {"category": "disc", "method": "baad", "seed": 0, "settings": describe_settings(SETTINGS)}
    job = job_of(category)
    assert not is_done(job, job.judged_with(), [row], "told", Heard())
    assert not is_done(job, job.judged_with(), [], "told", Heard())


def test_new_rows_stand_where_the_old_ones_stood(category):
    old = [{"category": name, "method": "baad", "seed": 0, "old": True} for name in ("a", "disc", "disc", "b")]
    new = [{"category": "disc", "method": "baad", "seed": 0}]
    assert put_rows(job_of(category), new, old) == [old[0], *new, old[3]]
    assert put_rows(job_of(category), new, old[:1]) == [old[0], *new]


def test_the_fingerprint_tells_settings_pictures_and_switches_apart(category, tmp_path):
    job = job_of(category)
    same = replace(job, category=replace(job.category, name="other"))
    assert fingerprint(same.category, SETTINGS) == fingerprint(job.category, SETTINGS)
    picture = tmp_path / "train" / "good" / "000.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"another picture of the same name")
    others = [
        job_of(tmp_path),
        replace(job, settings=replace(SETTINGS, steps=2)),
        replace(job, settings=replace(SETTINGS, pdn="random")),
        replace(job, method="no_suppression"),
        replace(job, method="no_image_head"),
    ]
    made = {each.made_with()["fingerprint"] for each in [job, *others]}
    assert len(made) == 6
    assert others[2].made_with()["pdn_sha256"].startswith("random+")


def test_two_categories_of_one_name_are_refused_and_one_row_with_two_settings(category, tmp_path):
    twin = write_category(tmp_path / "disc", normals=4, good=1, defective=1)
    with pytest.raises(DataError, match="both called disc"):
        run_benchmark([Part((category, twin), ("baad",), 1, SETTINGS)], tmp_path / "out", Silence(), "command")
    parts = [Part((category,), ("baad",), 1, replace(SETTINGS, steps=steps)) for steps in (1, 2)]
    with pytest.raises(SettingError, match="asked for twice"):
        run_benchmark(parts, tmp_path / "out", Silence(), "command")


def write_lists(folder, *names):
    """Lists of pictures in one folder, each of other pictures."""
    for index, name in enumerate(names):
        part = write_category(folder / f"part {index}", normals=4, good=1, defective=1, seed=index)
        files = sorted((part / "train").rglob("*.png"))
        listed = [f"{file.relative_to(folder).as_posix()},good,train" for file in files]
        listed += [f"part {index}/test/good/000.png,good,test", f"part {index}/test/spot/000.png,spot,test"]
        (folder / name).write_text("path,label,split\n" + "\n".join(listed) + "\n")
    return [folder / name for name in names]


class Fake:
    """Fittings that take no time."""

    def plain(self, name):
        return None, None, 0.0


def test_two_lists_of_one_folder_are_two_categories(tmp_path, monkeypatch):
    """A fit of the one is no fit of the other, and what fails with the one may succeed with the other."""

    def train_first(category, *_):
        raise TrainingError(f"{category.name} failed.")

    fitted = []
    monkeypatch.setattr("baad.bench.job.train_once", train_first)
    monkeypatch.setattr("baad.bench.job.Fittings", lambda category, *_: fitted.append(category.name) or Fake())
    first, second = map(read_category, write_lists(tmp_path, "a.csv", "b.csv"))
    workshop = Workshop(tmp_path / "models", Silence())
    for category in (first, second, second):
        workshop.make(Job(category, "nearest", SETTINGS))
        with pytest.raises(TrainingError, match=f"^{category.name} failed"):
            workshop.make(Job(category, "baad", SETTINGS))
    assert fitted == ["a", "b"]


def test_two_lists_of_one_name_in_one_folder_are_refused(tmp_path):
    write_lists(tmp_path, "a.csv", "b.csv")
    rows = [{"path": f"part 1/train/good/{index:03d}.png"} for index in range(4)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first, second = (read_category(tmp_path / name) for name in ("a.csv", "a.jsonl"))
    require_names([first, first, read_category(tmp_path / "a.csv")])
    with pytest.raises(DataError, match=f"Two sets in {tmp_path} are both called a"):
        require_names([first, second])


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


def test_an_outline_that_does_not_fit_is_named_before_anything_is_trained(tmp_path):
    folder = write_category(tmp_path / "disc", normals=4, good=1, defective=1, foreground=True)
    outline = next((folder / "foreground" / "test").rglob("*.png"))
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(outline)
    with pytest.raises(DataError, match=outline.name) as told:
        run_benchmark([Part((folder,), ("baad",), 1, SETTINGS)], tmp_path / "out", Silence(), "command")
    assert "foreground" in str(told.value) and not (tmp_path / "out").exists()


def test_settings_are_told_by_what_differs_from_the_defaults():
    assert describe_settings(TrainSettings(seed=3)) == ""
    assert describe_settings(TrainSettings(minutes=5, threads=2)) == "minutes=5.0 threads=2"


def test_what_is_usual_at_each_place_is_learnt_anew_for_a_map_that_is_scored_otherwise(tmp_path, monkeypatch):
    category = read_category(write_category(tmp_path / "disc", normals=16, good=1, defective=1))
    bare = Method("neither novelty nor places", scoring={"novelty": 0.0, "by_place": False})
    monkeypatch.setitem(METHODS, "bare", bare)
    job = Job(category, "no_novelty", TINY)
    workshop = Workshop(tmp_path / "models", Silence())
    pictures = [read_image(image.path) for image in split_held_out(category.train, 0.25, 0).fit]
    usual = {}
    for method in ("no_novelty", "bare"):
        score = workshop.make(replace(job, method=method)).score
        usual[method] = np.mean([score(picture).anomaly for picture in pictures], axis=0)  # of normal pictures
    assert np.abs(usual["no_novelty"]).mean() < 0.2 * np.abs(usual["bare"]).mean()


@pytest.mark.parametrize("kind", [TrainingError, BundleError], ids=["the loss is no number", "the answer is no number"])
def test_a_training_that_fails_costs_its_own_rows_and_no_others(category, tmp_path, monkeypatch, kind):
    def row_of(method):
        return {"category": "disc", "method": method, "seed": 0, "image_auroc": 0.9}

    def fail(data, settings, *_, **__):
        tried.append(settings.image_head)
        raise kind("The loss is not a number at step 3.")

    def told_of(job, detector, progress):
        return row_of(job.method) | job.judged_with()

    tried, heard = [], Heard()
    monkeypatch.setattr("baad.bench.job.train_once", fail)
    monkeypatch.setattr("baad.bench.job.Workshop._fit", lambda *_: None)
    monkeypatch.setattr("baad.bench.run.measure", told_of)
    out, part = tmp_path / "out", Part((category,), ("baad", "mask_ones", "nearest"), 1, SETTINGS, ("baad",))
    write_results(
        out, [row_of("baad"), row_of("padim")], [], "command"
    )  # of another program: the first is to be replaced
    with pytest.raises(TrainingError) as told:
        run_benchmark([part], out, heard, "command")
    assert str(told.value).count("(The loss is not a number at step 3.)") == 3
    for what in ("disc, seed 0, baad (", "disc, seed 0, baad, changed backgrounds (", "disc, seed 0, mask_ones ("):
        assert what in str(told.value)
    assert tried == [True]  # once for all that stands on it
    assert "not a number at step 3. Going on" in heard.warned[1]
    assert {row["method"] for row in read_rows(out / "results.jsonl", KEYS)} == {"nearest", "padim"}


@pytest.mark.parametrize("lacking", ["good", "defective", "background", "outlines"])
def test_what_a_category_lacks_is_told_before_anything_is_trained(tmp_path, monkeypatch, lacking):
    monkeypatch.setattr(Workshop, "make", lambda *_: pytest.fail("the work began"))
    counts = {"good": 1, "defective": 1} | ({lacking: 0} if lacking in ("good", "defective") else {})
    folder = write_category(tmp_path / "disc", normals=4, foreground=lacking == "background", **counts)
    for outline in (folder / "foreground").rglob("*.png"):
        save_picture(outline, np.ones((64, 64), bool))
    method, stress = ("true_outlines", ()) if lacking == "outlines" else ("nearest", ("nearest",))
    told = {"background": "no background to change", "outlines": "no true outlines"}
    with pytest.raises(DataError, match=told.get(lacking, "needs normal and defective test pictures")):
        run_benchmark([Part((folder,), (method,), 1, SETTINGS, stress)], tmp_path / "out", Silence(), "command")


def test_a_background_that_no_model_finds_costs_the_rows_of_changed_backgrounds_alone(category, tmp_path, monkeypatch):
    def judge(picture):
        level = picture.max(axis=2).astype(np.float32)
        return RawMaps(level, np.ones_like(level), float(level.max()))  # all is part

    bare = write_category(tmp_path / "bare", normals=4, good=1, defective=1)
    monkeypatch.setattr(Workshop, "make", lambda *_: Fit(judge, Fitted(steps=0, parameters=0, macs=0), 0.0))
    out, part = tmp_path / "out", Part((bare, category), ("nearest",), 1, SETTINGS, ("nearest",))
    with pytest.raises(TrainingError, match=r"bare, seed 0, nearest, changed backgrounds \(bare has no background"):
        run_benchmark([part], out, Silence(), "command")
    assert [row["category"] for row in read_rows(out / "results.jsonl", KEYS)] == ["bare", "disc"]
    assert {row["category"] for row in read_rows(out / "stress.jsonl", KEYS)} == {"disc"}


def test_rows_that_do_not_tell_what_they_are_alike_to_come_to_tell_it(finished, tmp_path, monkeypatch):
    rows, part, root = finished
    out = tmp_path / "out"
    shutil.copytree(root / "out", out)
    for name in (RESULTS, STRESS):
        write_rows(out / name, [{key: row[key] for key in row if key != "alike"} for row in read_rows(out / name, ())])
    monkeypatch.setattr(Workshop, "make", lambda *_: pytest.fail("run again"))
    assert run_benchmark([part], out, Silence(), "command", root / "runs") == rows
    assert all(row["alike"] for row in read_rows(out / STRESS, ()))


def test_a_row_of_changed_backgrounds_that_was_removed_is_made_anew(finished, tmp_path):
    _, part, root = finished
    out = tmp_path / "out"
    shutil.copytree(root / "out", out)
    whole = read_rows(out / STRESS, ())
    write_rows(out / STRESS, whole[:3] + whole[4:])
    run_benchmark([part], out, Silence(), "command", root / "runs")
    assert read_rows(out / STRESS, ()) == whole


def test_a_seed_among_the_settings_is_refused(category, tmp_path):
    with pytest.raises(SettingError, match="seed is 7: a benchmark counts seeds from 0"):
        run_benchmark([Part((category,), ("padim",), 1, replace(SETTINGS, seed=7))], tmp_path, Silence(), "command")


def test_a_result_is_written_before_a_table_that_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "format_table", lambda *_: raise_fault())
    row = {"category": "disc", "method": "baad", "seed": 0, "image_auroc": 0.9}
    with pytest.raises(KeyError):
        write_results(tmp_path, [row], [], "command")
    assert read_rows(tmp_path / RESULTS, KEYS) == [row]


def raise_fault():
    raise KeyError("fault")
