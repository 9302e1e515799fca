"""One training loop for all baselines that are trained: as many steps, or as many minutes, as BAAD itself is given."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from baad.learn.batches import draw_ahead
from baad.learn.loop import TIMED_STEPS, check_loss, seconds_of_a_step, set_learning_rate, stamped
from baad.progress import Progress

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Schedule:
    """How long to train: `steps`, or `minutes` where they are not 0. Adam's rate falls to a tenth at `fall_at`."""

    steps: int
    minutes: float
    rate: float
    fall_at: float = 0.8  # share of the steps
    weight_decay: float = 0.0


def train_network(
    network: nn.Module,
    draw: Callable[[int], Batch],
    loss_of: Callable[[Batch], Tensor],
    schedule: Schedule,
    progress: Progress,
    name: str,
) -> int:
    """Train the parameters of `network` that want a gradient; how many steps that took.

    `draw`: the batch of a step, drawn on another thread. Where minutes are given, the first steps are timed and the
    number of steps is fixed from them, before the rate falls. The network ends in evaluation mode. Its kernels come to
    lie channels last, as pictures do in memory.

    Raises TrainingError when the loss stops being a number.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    wanted = [each for each in network.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(wanted, lr=schedule.rate, weight_decay=schedule.weight_decay, fused=True)
    network.train()
    with closing(draw_ahead(draw, 0)) as stream:

        def learn(step: int) -> float:
            loss = loss_of(next(stream))
            check_loss(loss, step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            return loss.item()

        steps, done = schedule.steps, 0
        if schedule.minutes:
            stamps: list[float] = []
            for done in stamped(range(TIMED_STEPS), stamps):
                learn(done)
            done += 1
            steps = max(done, round(60 * schedule.minutes / seconds_of_a_step(stamps)))
        with progress.task(name, steps) as task:
            task.advance(done)
            for step in range(done, steps):
                set_learning_rate(optimizer, schedule.rate * (0.1 if step >= schedule.fall_at * steps else 1.0))
                task.advance(1, f"loss {learn(step):.3f}")
    network.eval()
    return steps
