"""The training loop, read top to bottom. Nothing in it has seen a defect or a test picture."""

import copy
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from baad.errors import TrainingError
from baad.learn.batches import Batch
from baad.learn.checkpoint import CHECKPOINT, LOG, continued_log, load_checkpoint, read_took, save_checkpoint
from baad.learn.losses import baad_loss, loss_weights
from baad.learn.network import Baad
from baad.learn.precision import autocast
from baad.learn.took import Took, stopwatch
from baad.progress import Progress
from baad.settings import TrainSettings
from baad.stopping import catch_stop

SAVE_EVERY = 200  # steps
RECONSTRUCTION_ONLY = 0.05  # first share of the steps, in which the discriminator rests
CLIP_NORM = 2.0
TIMED_STEPS = 25  # where minutes are given: enough for a middle that a neighbour's burst does not move
ENOUGH = 0.8  # of the cores that as many threads may use: with less, other programs work beside training
WARM_UP = 5  # the first of them, in which a library chooses its kernels
Drawn = TypeVar("Drawn")


@dataclass(frozen=True)
class Trained:
    """The averaged network, in evaluation mode, and what it took before this run, if that was continued."""

    model: Baad
    earlier: Took


class Average:
    """Exponential moving average of the trained parts' weights; buffers are taken as they are."""

    def __init__(self, model: Baad, decay: float) -> None:
        self.parts = {name: copy.deepcopy(part) for name, part in model.trained_parts().items()}
        self._decay = decay

    @torch.no_grad()
    def update(self, model: Baad, step: int) -> None:
        decay = min(self._decay, (1.0 + step) / (10.0 + step))  # a short memory first: the start is soon forgotten
        for name, part in model.trained_parts().items():
            averaged = self.parts[name]
            torch._foreach_lerp_(list(averaged.parameters()), list(part.parameters()), 1.0 - decay)
            for old, new in zip(averaged.buffers(), part.buffers()):
                old.copy_(new)


def run(
    model: Baad,
    stream: Iterable[Batch],
    start: int,
    settings: TrainSettings,
    run_dir: Path,
    progress: Progress,
    note: str = "",
) -> Trained:
    """Train from step `start` to `settings.steps`; the last averaged weights are the result, never a chosen one.

    Writes `losses.jsonl` and `checkpoint.safetensors` to `run_dir`, and reads the latter where `start` > 0; `note`
    says what run it belongs to. Ctrl-C, SIGTERM and SIGHUP let the step end and save it.

    Raises TrainingError when the loss stops being a number, BundleError for a checkpoint that cannot be gone on with,
    OutputError when the disk refuses, Stopped.
    """
    device = next(model.parameters()).device
    trained = model.trained_parts()
    optimizer = new_optimizer(trained, settings)
    average = Average(model, settings.ema)
    state = trained | {f"average_{name}": part for name, part in average.parts.items()}
    checkpoint, earlier = run_dir / CHECKPOINT, Took()
    if start:
        load_checkpoint(checkpoint, state, optimizer, note)
        earlier = read_took(checkpoint)
    model.train()
    took = stopwatch()
    with (
        catch_stop() as stop,
        stop.held(),
        progress.task("training", settings.steps) as task,
        continued_log(run_dir / LOG, start) as log,
    ):
        task.advance(start)
        for step, batch in enumerate(stream, start):
            chance = settings.seed * 1_000_003 + step
            torch.manual_seed(chance)  # dropout and noise depend on seed and step alone
            batch = batch.to(device)  # corrupted, clean [B, 3, 256, 256]
            set_learning_rate(optimizer, learning_rate_at(step, settings))
            with_anomaly = step >= RECONSTRUCTION_ONLY * settings.steps
            with autocast(device.type):
                outputs = model(batch.corrupted)
                with torch.no_grad():
                    clean_features = model.pdn(batch.clean)  # [B, C, 64, 64]
                paired = with_anomaly and batch.elsewhere is not None
                torch.manual_seed(chance)  # of a pair nothing but the background differs
                elsewhere = model(batch.elsewhere).anomaly_logits if paired else None
            parts = baad_loss(outputs, batch, clean_features, loss_weights(settings), with_anomaly, elsewhere)
            check_loss(parts.total, step)
            optimizer.zero_grad(set_to_none=True)
            parts.total.backward()
            norm = nn.utils.clip_grad_norm_([p for part in trained.values() for p in part.parameters()], CLIP_NORM)
            optimizer.step()
            average.update(model, step)
            record = {name: round(float(value.detach()), 5) for name, value in vars(parts).items()}
            log.write(json.dumps({"step": step, **record, "gradient_norm": round(float(norm), 4)}) + "\n")
            if (step + 1) % SAVE_EVERY == 0 or step + 1 == settings.steps or stop.asked:
                log.flush()
                save_checkpoint(checkpoint, step + 1, state, optimizer, note, earlier + took())
                stop.raise_if_asked()  # here alone: whoever stops it later is heard when the next step is saved
            task.advance(1, f"loss {record['total']:.3f}")
    model.mtrs.load_state_dict(average.parts["mtrs"].state_dict())
    model.discriminator.load_state_dict(average.parts["discriminator"].state_dict())
    return Trained(model.eval(), earlier)


def stamped(stream: Iterable[Drawn], stamps: list[float], clock: Callable[[], float] | None = None) -> Iterator[Drawn]:
    """The same stream; notes in `stamps` when each of it has come, and the end of one that ends, in seconds of the
    clock, a steady one if none is given: from one to the next is what was done with it, and the wait for the next."""
    read = clock or time.monotonic
    for each in stream:
        stamps.append(read())
        yield each
    stamps.append(read())


def seconds_of_a_step(stamps: Sequence[float]) -> float:
    """The middle one of the steps between the stamps, two or more, those of the warm-up left out."""
    return max(float(np.median(_steps_between(stamps))), 1e-6)


def tell_shared(stamps: Sequence[float], busy: Sequence[float], threads: int) -> str:
    """What to say where other programs take part of the processor; nothing where they hardly do.

    stamps, busy: seconds of a steady clock, and of the processor by all threads, at the same places. Threads wait for
    each other some thousand times a step, so that all of them lose what one of them waits for the processor.
    """
    cores = float(_steps_between(busy).sum()) / max(float(_steps_between(stamps).sum()), 1e-6)
    if threads < 2 or cores >= ENOUGH * threads:
        return ""
    return (
        f"other programs take part of the processor: {threads} threads of training get the time of {cores:.1f} cores, "
        "and wait for each other. End those programs, or try --threads 1, which may be faster beside them"
    )


def _steps_between(stamps: Sequence[float]) -> np.ndarray:
    """Seconds of each step between the stamps, two or more, those of the warm-up left out."""
    steps = np.diff(stamps)
    return steps[min(WARM_UP, len(steps) // 2) :]


def new_optimizer(parts: dict[str, nn.Module], settings: TrainSettings) -> torch.optim.Optimizer:
    """AdamW; biases and norms are not decayed."""
    parameters = [p for part in parts.values() for p in part.parameters()]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def learning_rate_at(step: int, settings: TrainSettings) -> float:
    """One cycle: up from a twenty-fifth over the first tenth of the steps, then a cosine down to nearly nothing."""
    peak, rising = settings.learning_rate, max(1, round(0.1 * settings.steps))
    if step < rising:
        return peak * (0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * step / rising)))
    done = (step - rising) / max(1, settings.steps - rising)
    return peak * (1e-3 + (1 - 1e-3) * 0.5 * (1 + math.cos(math.pi * done)))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def check_loss(total: Tensor, step: int) -> None:
    if not torch.isfinite(total):
        raise TrainingError(
            f"The loss is not a number at step {step}. Lower the learning rate, such as --set learning_rate=0.001."
        )
