import math

import pytest
import torch

from baad.baselines.training import Schedule, train_network
from baad.errors import TrainingError
from baad.learn.loop import TIMED_STEPS
from baad.progress import Silence


def line():
    torch.manual_seed(0)
    return torch.nn.Linear(1, 1)


def test_every_step_gets_its_own_batch_in_order():
    seen = []

    def loss_of(batch):
        seen.append(batch)
        return network(torch.ones(1, 1)).square().sum()

    network = line()
    assert train_network(network, lambda step: step, loss_of, Schedule(5, 0.0, 1e-3), Silence(), "line") == 5
    assert seen == [0, 1, 2, 3, 4] and not network.training


def test_minutes_fix_the_number_of_steps_from_the_first_ones(monkeypatch):
    timed, seen, network = [], [], line()

    def loss_of(batch):
        seen.append(batch)
        return network.weight.sum()

    monkeypatch.setattr("baad.baselines.training.seconds_of_a_step", lambda stamps: timed.append(len(stamps)) or 0.01)
    steps = train_network(network, lambda step: step, loss_of, Schedule(1, 0.02, 1e-3), Silence(), "line")
    assert steps == 60 * 0.02 / 0.01 and seen == list(range(120))
    assert timed == [TIMED_STEPS + 1]  # their beginnings, and the end of the last


def test_kernels_lie_channels_last():
    network, seen = torch.nn.Conv2d(2, 2, 3), []

    def loss_of(batch):
        seen.append(network.weight.stride())
        return network.weight.square().sum()

    train_network(network, lambda step: step, loss_of, Schedule(2, 0.0, 1e-3), Silence(), "kernels")
    assert seen == [(18, 1, 6, 2)] * 2  # the channel is the index that runs fastest


def test_the_rate_falls_to_a_tenth(monkeypatch):
    rates = []
    monkeypatch.setattr("baad.baselines.training.set_learning_rate", lambda optimizer, rate: rates.append(rate))
    network = line()
    schedule = Schedule(10, 0.0, 1.0, fall_at=0.8)
    train_network(network, lambda step: step, lambda _: network.weight.sum(), schedule, Silence(), "line")
    assert rates == [1.0] * 8 + [0.1] * 2


def test_a_loss_that_is_no_number_stops_the_training():
    network = line()
    with pytest.raises(TrainingError, match="step 0"):
        train_network(
            network, lambda step: step, lambda _: network.weight.sum() * math.nan, Schedule(3, 0, 1), Silence(), "line"
        )
