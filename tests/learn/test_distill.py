import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

from baad.errors import DataError
from baad.learn import distill as room
from baad.learn.distill import DistillSettings, distill, distillation_loss
from baad.learn.teacher import Teacher
from baad.progress import Silence

SETTINGS = DistillSettings(size="tiny", steps=4, batch_size=4, image_size=64, crop_size=32, held_out_share=0.2)


def pool_teacher(*_: object) -> Teacher:
    """Stands for a network: local colour statistics, at least as many channels as the student has."""
    torch.manual_seed(0)
    fine, coarse = torch.randn(60, 3, 1, 1), torch.randn(60, 3, 1, 1)

    def maps(x):
        return [torch.tanh(F.conv2d(F.avg_pool2d(x, 8), fine)), torch.tanh(F.conv2d(F.avg_pool2d(x, 16), coarse))]

    return Teacher("pool", "none", (0.5,) * 3, (0.25,) * 3, maps)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "load_teacher", pool_teacher)
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(10):
        coarse = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((90, 80), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return folder


def test_distillation_writes_weights_and_a_card_whose_hash_fits(photos, tmp_path):
    card = distill([photos], tmp_path / "out", tmp_path / "work", SETTINGS, Silence())
    assert card["images"] == {"photos": 10}
    assert card == json.loads((tmp_path / "out" / "pdn_tiny.json").read_text())
    room_for = room.Pdn(room.PDN_SHAPES["tiny"])
    room_for.load_state_dict(load_file(tmp_path / "out" / "pdn_tiny.safetensors"))


def test_a_stopped_distillation_goes_on_to_the_same_weights(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "SAVE_EVERY", 2)
    torch.set_num_threads(1)
    whole = distill([photos], tmp_path / "a", tmp_path / "work-a", SETTINGS, Silence())

    genuine = room.distillation_loss
    calls = []

    def stop_at_the_third(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return genuine(*args)

    monkeypatch.setattr(room, "distillation_loss", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        distill([photos], tmp_path / "b", tmp_path / "work-b", SETTINGS, Silence())
    monkeypatch.setattr(room, "distillation_loss", genuine)
    continued = distill([photos], tmp_path / "b", tmp_path / "work-b", SETTINGS, Silence())
    assert continued["sha256"] == whole["sha256"]


def test_the_loss_of_a_perfect_student_is_zero_and_grows_with_the_error():
    wanted = torch.randn(1, 8, 16, 16)
    assert float(distillation_loss(wanted, wanted, 0.5)) == pytest.approx(0.0, abs=1e-6)
    assert float(distillation_loss(wanted + 0.1, wanted, 0.5)) < float(distillation_loss(wanted + 1.0, wanted, 0.5))


def test_no_photos_is_a_clear_error(tmp_path):
    with pytest.raises(DataError, match="No photos"):
        distill([tmp_path], tmp_path / "out", tmp_path / "work", SETTINGS, Silence())
