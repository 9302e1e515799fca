import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from baad.data.folder import read_folder
from baad.errors import BundleError, DataError, SettingError, TrainingError
from baad.foreground.gate import Gate
from baad.learn.checkpoint import CHECKPOINT, save_checkpoint
from baad.learn.resume import (
    Past,
    can_go_on,
    claimed,
    discard_run,
    find_run,
    keep_masks,
    keep_zones,
    note_run,
    place_run,
    read_masks,
    remove_leftovers,
    require_same_masks,
    require_same_pictures,
    saying_what_is_saved,
    were_shown,
)
from baad.learn.took import Took
from baad.learn.train import train
from baad.progress import Silence
from baad.settings import TrainSettings
from baad.verdict.drawn import DrawnZone, DrawnZones
from tests.factory import save_picture, write_folder
from tests.fake_model import brightness_graph, fake_certificate

PROGRAM = Path(__file__).with_name("killed_runs.py")
STEPS = 20
SETTINGS = TrainSettings()
ZONES = DrawnZones((DrawnZone("ignore", ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))),))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A run that was never stopped, and one that was stopped in every way; see killed_runs.py."""
    folder = tmp_path_factory.mktemp("runs")
    parts = write_folder(folder / "parts", normals=8)
    seed = int.from_bytes(os.urandom(2)) if "BAAD_KILL_SEED" not in os.environ else int(os.environ["BAAD_KILL_SEED"])
    command = [sys.executable, str(PROGRAM), str(parts), str(folder), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    print(f"BAAD_KILL_SEED={seed}")  # shown where a test fails
    return {"folder": folder, **json.loads(done.stdout)}


def member(model, name):
    with zipfile.ZipFile(model) as archive:
        return archive.read(name)


def test_a_run_killed_at_five_random_steps_and_inside_a_write_ends_with_the_very_weights(told):
    assert told["killed"] == [-9] * 6
    assert (told["whole"][0], told["cut"][0]) == (0, 0)
    whole, cut = told["folder"] / "whole.baad", told["folder"] / "cut.baad"
    for name in ("weights.safetensors", "calibration.json", "model.onnx"):
        assert member(whole, name) == member(cut, name), name


def test_the_log_of_a_stopped_run_is_that_of_one_that_was_never_stopped(told):
    whole, cut = (told["folder"] / f"{name}.baad.run" / "losses.jsonl" for name in ("whole", "cut"))
    assert [json.loads(line)["step"] for line in whole.read_text().splitlines()] == list(range(STEPS))
    assert whole.read_text() == cut.read_text()


def test_ctrl_c_lets_the_step_end_saves_it_and_says_how_to_go_on(told):
    code, said = told["ctrl_c"]
    assert (code, told["lines"]) == (130, 6)
    assert "6 of 20 steps are saved" in said
    assert re.search(r"baad train \S+parts -o \S+cut\.baad .*--steps 20 --resume$", said.strip())


def test_sigterm_does_the_same_with_its_own_exit_code(told):
    code, said = told["sigterm"]
    assert code == 143
    assert "19 of 20 steps are saved" in said
    assert "going on after step 19 of 20" in told["cut"][1]


def test_a_half_written_checkpoint_is_never_taken_for_one_and_is_cleared_away(told):
    assert len(told["left"]) == 1
    assert sorted(file.name for file in (told["folder"] / "cut.baad.run").iterdir()) == ["losses.jsonl"]
    assert not list(told["folder"].glob("*.partial"))


def test_other_settings_are_refused_by_name(told):
    code, said = told["other_settings"]
    assert code == 2
    assert "steps was 20 and is 21" in said


def test_a_finished_run_is_not_gone_on_with(told):
    assert told["finished"][0] == 2
    assert "is finished" in told["finished"][1]


def test_the_number_of_steps_that_minutes_came_to_is_remembered(told):
    assert (told["minutes"][0], told["minutes_on"][0]) == (143, 143)
    assert "27 of 30 steps are saved" in told["minutes"][1]
    assert "going on after step 27 of 30" in told["minutes_on"][1]
    assert "29 of 30 steps are saved" in told["minutes_on"][1]


@pytest.mark.parametrize("accepted", [True, False])
def test_masks_are_kept_with_what_the_gate_said(tmp_path, accepted):
    masks = np.random.default_rng(0).random((3, 5, 7)) > 0.5
    keep_masks(tmp_path, Gate(accepted, "border", 0.4, "why", masks.astype(np.float32)), masks)
    gate = read_masks(tmp_path)
    assert (gate.accepted, gate.recipe, gate.quality, gate.reason) == (accepted, "border", 0.4, "why")
    if accepted:
        assert np.array_equal(gate.masks, masks)
    else:
        assert gate.masks is None


@pytest.mark.parametrize("content", [None, b"", b"\x08\0\0\0\0\0\0\0{}      "])
def test_masks_that_are_gone_or_damaged_are_said_so(tmp_path, content):
    if content is not None:
        (tmp_path / "foreground.safetensors").write_bytes(content)
    with pytest.raises(BundleError, match="absent or damaged"):
        read_masks(tmp_path)


def test_other_pictures_or_masks_are_refused(tmp_path):
    masks = np.zeros((2, 4, 4), bool)
    past = Past(note_run(SETTINGS, 800, "pictures", masks), 200)
    require_same_pictures(past, "pictures", tmp_path)
    require_same_masks(past, masks, tmp_path)
    with pytest.raises(DataError, match="other training pictures"):
        require_same_pictures(past, "others", tmp_path)
    with pytest.raises(DataError, match="other masks"):
        require_same_masks(past, ~masks, tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0{}"])
def test_a_damaged_checkpoint_is_said_so(tmp_path, content):
    (tmp_path / "checkpoint.safetensors").write_bytes(content)
    with pytest.raises(BundleError, match="Delete it to start over"):
        find_run(tmp_path / "m.baad", tmp_path, SETTINGS, Silence())


def test_settings_are_compared_as_they_were_asked_for(tmp_path, monkeypatch):
    asked = TrainSettings(minutes=5.0)
    past = Past(note_run(asked, 123, "", np.zeros((1, 4, 4), bool)), 7)
    (tmp_path / "checkpoint.safetensors").touch()
    monkeypatch.setattr("baad.learn.resume.read_run", lambda file: past)
    assert find_run(tmp_path / "m.baad", tmp_path, asked, Silence()) == past
    with pytest.raises(SettingError, match=r"minutes was 5\.0 and is 6\.0"):
        find_run(tmp_path / "m.baad", tmp_path, TrainSettings(minutes=6.0), Silence())


def test_a_run_can_be_gone_on_with_where_it_is_whole_and_of_the_same_settings(tmp_path):
    model, masks = tmp_path / "m.baad", np.zeros((2, 4, 4), bool)
    run_dir = place_run(model)
    assert not can_go_on(model, SETTINGS)
    part = torch.nn.Linear(1, 1)
    optimizer, note = torch.optim.AdamW(part.parameters()), note_run(SETTINGS, 800, "pictures", masks).to_text()
    save_checkpoint(run_dir / CHECKPOINT, 200, {"part": part}, optimizer, note, Took())
    assert not can_go_on(model, SETTINGS)  # without the masks
    keep_masks(run_dir, Gate(False, "none", 0.0, "why", None), masks)
    assert can_go_on(model, SETTINGS) and not can_go_on(model, replace(SETTINGS, seed=1))
    (run_dir / CHECKPOINT).write_bytes(b"half")
    assert not can_go_on(model, SETTINGS)


@pytest.mark.parametrize(
    ("go_on", "told"),
    [("--resume", ": go on with --resume."), ("", "; the next call begins anew all the same.")],
)
def test_who_stops_a_training_is_told_what_goes_on_with_it(tmp_path, monkeypatch, go_on, told):
    past = Past(note_run(SETTINGS, 800, "", np.zeros((1, 4, 4), bool)), 200)
    monkeypatch.setattr("baad.learn.resume.read_run", lambda file: past)
    with pytest.raises(KeyboardInterrupt) as stopped, saying_what_is_saved(tmp_path, go_on):
        (tmp_path / CHECKPOINT).touch()
        raise KeyboardInterrupt
    assert stopped.value.__notes__ == [f"200 of 800 steps are saved in {tmp_path}{told}"]


def test_only_what_this_model_left_half_written_is_removed(tmp_path):
    run_dir = tmp_path / "m.baad.run"
    for name in ("m.baad.7.partial", "other.baad.7.partial", "m.baad.run/x.9.partial", "m.baad.run/trial/losses.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "m.baad", run_dir)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["m.baad.run", "other.baad.7.partial"]


def test_a_run_folder_is_claimed_by_one_training_at_a_time(tmp_path):
    with claimed(tmp_path), pytest.raises(TrainingError, match="Another training is at work"), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_kept_masks_serve_where_the_same_is_shown_or_nothing(tmp_path):
    assert were_shown(tmp_path, "") and not were_shown(tmp_path, "these")  # nothing is kept
    keep_masks(tmp_path, Gate(False, "none", 0.0, "why", None), np.ones((1, 4, 4), bool), "these")
    assert were_shown(tmp_path, "these") and were_shown(tmp_path, "") and not were_shown(tmp_path, "others")


def test_zones_are_kept_for_who_goes_on_and_for_nobody_else(tmp_path):
    others = DrawnZones(ZONES.zones, elsewhere="warn")
    assert keep_zones(tmp_path, None, True, Silence()) is None  # none were given before
    assert keep_zones(tmp_path, ZONES, False, Silence()) == ZONES
    discard_run(tmp_path, Silence())  # as where no step was saved
    assert keep_zones(tmp_path, None, True, Silence()) == ZONES
    assert keep_zones(tmp_path, others, True, Silence()) == others == keep_zones(tmp_path, None, True, Silence())
    assert keep_zones(tmp_path, None, False, Silence()) is None  # begun anew, without zones
    assert keep_zones(tmp_path, None, True, Silence()) is None


@pytest.mark.parametrize("shows", [False, True])
def test_a_run_with_a_foreground_goes_on_with_the_masks_it_found(tmp_path, monkeypatch, shows):
    """Stopped at its third step of four, and continued where nothing is proposed a second time."""
    found = []

    def find_once(seen, *given):
        found.append(len(seen.files))
        masks = np.zeros(seen.resized.shape[:3], np.float32)
        masks[:, 8:-8, 8:-8] = 1.0
        return Gate(True, "border", 0.9, "drawn", masks)

    def export(graph):
        weights.append({name: value.clone() for name, value in graph.state_dict().items()})
        return brightness_graph()

    def strike(total, step):
        if step == 2:
            steps.append(step)
            if len(steps) == 2:  # the first time is on trial
                os.kill(os.getpid(), signal.SIGTERM)

    weights, steps = [], []
    monkeypatch.setattr("baad.learn.train.choose_foreground", find_once)
    monkeypatch.setattr("baad.learn.train.export_onnx", export)
    monkeypatch.setattr("baad.learn.train.certify", lambda *given: fake_certificate())
    images = read_folder(write_folder(tmp_path / "parts", normals=4)).train
    settings = TrainSettings(
        size="tiny", image_size=64, steps=4, batch_size=2, threads=1, held_out=0.25, pdn="random", device="cpu"
    )
    scene = save_picture(tmp_path / "scene.png", np.zeros((64, 64, 3), np.uint8)) if shows else None
    train(images, settings, tmp_path / "whole.baad", empty_scene=scene)
    with monkeypatch.context() as striking, pytest.raises(KeyboardInterrupt):
        striking.setattr("baad.learn.loop.check_loss", strike)
        train(images, settings, tmp_path / "cut.baad", empty_scene=scene, zones=ZONES)
    train(images, settings, tmp_path / "cut.baad", empty_scene=scene, resume=True)
    assert found == [3, 3]  # pictures, in the first two trainings
    assert json.loads(member(tmp_path / "cut.baad", "manifest.json"))["zones"] == ZONES.to_json()
    assert sorted(file.name for file in (tmp_path / "cut.baad.run").iterdir()) == ["losses.jsonl"]
    whole, cut = weights
    assert whole.keys() == cut.keys() and all(torch.equal(whole[name], cut[name]) for name in whole)
