import json
import os
import signal
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from baad.errors import TrainingError
from baad.foreground.gate import Gate
from baad.learn.batches import BatchPlan, Material, batches
from baad.learn.checkpoint import CHECKPOINT, read_header, read_took
from baad.learn.loop import (
    RECONSTRUCTION_ONLY,
    check_loss,
    learning_rate_at,
    run,
    seconds_of_a_step,
    stamped,
    tell_shared,
)
from baad.learn.mtrs import unfold
from baad.learn.network import SIZES, Baad
from baad.learn.pdn import new_pdn
from baad.learn.took import Took
from baad.learn.train import batch_plan
from baad.progress import Silence
from baad.settings import TrainSettings
from baad.stopping import Stopped
from baad.synthesis.banks import make_banks
from baad.synthesis.recipe import Plan

SETTINGS = TrainSettings(size="tiny", image_size=64, steps=160, batch_size=8, threads=1, ema=0.98)


def rings(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal pictures: a bright ring with a dark core on a grey ground, a little moved."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:64, :64]
    images, masks = [], []
    for _ in range(count):
        y, x = 32 + rng.uniform(-3, 3, 2)
        radius = np.hypot(rows - y, columns - x)
        grey = np.where(radius < 22, 190, 70) - np.where(radius < 10, 90, 0)
        images.append(np.clip(grey[..., None] + rng.normal(0, 4, (64, 64, 3)), 0, 255).astype(np.uint8))
        masks.append(radius < 22)
    return np.stack(images), np.stack(masks)


@pytest.fixture(scope="module")
def material():
    return Material(*rings(12), make_banks(np.random.default_rng(0)), False)


def train(material, settings, run_dir, start=0, stop=None, plan=None, progress=None):
    torch.set_num_threads(1)
    plan = plan or BatchPlan(settings.batch_size, settings.seed, Plan(background_share=0.0), "clean", 0)
    torch.manual_seed(settings.seed)
    model = Baad(new_pdn(settings.size, 0), SIZES[settings.size])
    stream = batches(material, plan, start, stop or settings.steps)
    return run(model, stream, start, settings, run_dir, progress or Silence()).model


def read_log(run_dir):
    return [json.loads(line) for line in (run_dir / "losses.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def trained(material, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("run")
    return train(material, SETTINGS, run_dir), run_dir


def test_inside_defects_the_reconstruction_is_nearer_to_the_clean_picture(trained, material):
    plan = BatchPlan(32, 9, Plan(anomaly_share=1.0, background_share=0.0), "clean", 0)
    batch = next(batches(material, plan, 0, 1))
    with torch.no_grad():
        rebuilt = unfold(trained[0](batch.corrupted).picture)
    inside = batch.defect.expand_as(rebuilt) > 0
    to_clean = (rebuilt - batch.clean)[inside].abs().mean()
    to_corrupted = (rebuilt - batch.corrupted)[inside].abs().mean()
    assert float(to_clean) < 0.8 * float(to_corrupted)


def test_the_log_has_a_line_a_step_and_the_loss_falls(trained):
    lines = read_log(trained[1])
    assert [line["step"] for line in lines] == list(range(SETTINGS.steps))
    assert np.mean([line["image"] for line in lines[-20:]]) < 0.5 * np.mean([line["image"] for line in lines[:20]])


def test_the_discriminator_rests_at_first(trained):
    lines = read_log(trained[1])
    assert [line["anomaly"] > 0 for line in lines] == [
        step >= RECONSTRUCTION_ONLY * SETTINGS.steps for step in range(SETTINGS.steps)
    ]


def test_where_a_background_was_found_training_asks_for_the_same_answer_on_another(material, tmp_path):
    gate = Gate(True, "user", 1.0, "given", material.foregrounds.astype(np.float32))
    settings = replace(SETTINGS, steps=3, batch_size=4, invariance=1.0)
    plan, weights = batch_plan(settings, gate), []
    for invariance in (1.0, 0.0):
        (tmp_path / str(invariance)).mkdir()
        model = train(material, replace(settings, invariance=invariance), tmp_path / str(invariance), plan=plan)
        weights.append(model.state_dict())
    log = read_log(tmp_path / "1.0")
    assert [line["invariance"] > 0 for line in log] == [False, True, True]  # it rests as the discriminator does
    assert any(not torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_of_a_pair_nothing_but_the_background_differs(material, tmp_path):
    """Without a background both are one picture, and answered alike: dropout, too, is the same."""
    filled = replace(material, foregrounds=np.ones_like(material.foregrounds))
    plan = BatchPlan(4, 0, Plan(background_share=0.0, paired=True), "clean", 0)
    train(filled, replace(SETTINGS, steps=3, batch_size=4, invariance=1.0), tmp_path, plan=plan)
    assert [line["invariance"] for line in read_log(tmp_path)] == [0.0, 0.0, 0.0]


def test_a_continued_run_ends_with_the_weights_of_an_uninterrupted_one(material, tmp_path, monkeypatch):
    monkeypatch.setattr("baad.learn.loop.SAVE_EVERY", 6)
    settings = replace(SETTINGS, steps=10)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = train(material, settings, tmp_path / "a")
    train(material, settings, tmp_path / "b", stop=6)
    continued = train(material, settings, tmp_path / "b", start=6)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, continued.state_dict()[name]), name


def test_the_learning_rate_rises_then_falls_to_nearly_nothing():
    rates = [learning_rate_at(step, SETTINGS) for step in range(SETTINGS.steps)]
    assert max(rates) == pytest.approx(SETTINGS.learning_rate)
    assert rates.index(max(rates)) == SETTINGS.steps // 10
    assert rates[-1] < 0.01 * max(rates)


class Stopping(Silence):
    """Ctrl-C while the fourth step is shown."""

    @contextmanager
    def task(self, name, total):
        yield self

    def advance(self, steps=1, told=""):
        self.steps = getattr(self, "steps", 0) + steps
        if self.steps == 4:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_stop_between_two_steps_waits_for_the_next_one_and_saves_it(material, tmp_path):
    with pytest.raises(Stopped):
        train(material, replace(SETTINGS, steps=8), tmp_path, progress=Stopping())
    assert len(read_log(tmp_path)) == 5 and int(read_header(tmp_path / CHECKPOINT)["step"]) == 5


def test_what_a_stopped_run_took_counts_for_the_one_that_goes_on(material, tmp_path, monkeypatch):
    settings = replace(SETTINGS, steps=8)
    monkeypatch.setattr("baad.learn.loop.SAVE_EVERY", 4)
    train(material, settings, tmp_path, stop=4)
    before = read_took(tmp_path / CHECKPOINT)
    assert before.minutes > 0 and before.busy > 0
    monkeypatch.setattr("baad.learn.loop.stopwatch", lambda: lambda: Took(1.0, 2.0))
    train(material, settings, tmp_path, start=4)
    assert read_took(tmp_path / CHECKPOINT) == before + Took(1.0, 2.0)


def test_a_loss_that_is_no_number_stops_training():
    with pytest.raises(TrainingError, match=r"step 7.*learning_rate"):
        check_loss(torch.tensor(float("nan")), 7)


def test_a_step_is_as_long_as_most_after_the_warm_up():
    slow_start, burst = [9.0] * 5, [30.0, 30.0]
    stamps = np.cumsum([0.0, *slow_start, *[0.3] * 8, *burst, *[0.3] * 5])
    assert seconds_of_a_step(stamps) == pytest.approx(0.3)


def test_a_single_step_is_timed_too():
    assert seconds_of_a_step([1.0, 1.5]) == 0.5


def test_other_programs_that_take_part_of_the_processor_are_told_of_where_threads_wait_for_each_other():
    stamps = np.cumsum([0.0, *[9.0] * 5, *[1.0] * 10])
    alone, shared = (np.cumsum([0.0, *[0.1] * 5, *[each] * 10]) for each in (1.9, 1.3))  # the warm-up does not count
    assert tell_shared(stamps, alone, 2) == tell_shared(stamps, shared, 1) == ""
    assert "2 threads of training get the time of 1.3 cores" in tell_shared(stamps, shared, 2)


def test_every_step_of_a_stream_is_stamped_and_its_end():
    clock = iter(range(10))
    stamps: list[float] = []
    assert list(stamped("abc", stamps, lambda: float(next(clock)))) == ["a", "b", "c"]
    assert stamps == [0, 1, 2, 3]
