import pytest
import torch

from baad.errors import SettingError
from baad.learn.machine import choose_device, using_machine
from baad.learn.train import train
from baad.settings import TrainSettings


def test_auto_is_a_gpu_or_the_cpu(monkeypatch):
    monkeypatch.setattr(torch, "empty", lambda *shape, device: None)
    for there, device in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert choose_device("auto") == device
    assert choose_device("cpu") == "cpu"


def test_a_device_that_is_not_there_is_said_before_any_picture_is_read(tmp_path):
    with pytest.raises(SettingError, match=r"cuda:99.*cannot be used here: .*Give auto or cpu"):
        train([], TrainSettings(device="cuda:99"), tmp_path / "out" / "m.baad")
    assert list(tmp_path.iterdir()) == []


def test_training_takes_no_more_threads_than_there_are_cores_and_gives_them_back(monkeypatch):
    monkeypatch.setattr("baad.runtime.session.usable_cores", lambda: 2)
    before = torch.get_num_threads()
    with using_machine(TrainSettings(threads=1000)):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before


def test_what_is_seeded_in_training_is_forgotten_afterwards():
    before = torch.get_rng_state()
    with using_machine(TrainSettings(threads=1)):
        torch.manual_seed(3)
    assert torch.equal(torch.get_rng_state(), before)
