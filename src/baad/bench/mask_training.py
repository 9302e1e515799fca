"""Training of the mask head alone, for measurements: all of the loss but its own term is off.

What a full training makes of the head needs many minutes; how well it can learn given masks is seen in one or two.
"""

from collections.abc import Iterable

import torch
from torch import nn

from baad.learn.batches import Batch
from baad.learn.loop import CLIP_NORM, Average, check_loss, learning_rate_at, new_optimizer, set_learning_rate
from baad.learn.losses import mask_loss
from baad.learn.network import Baad
from baad.learn.precision import autocast
from baad.progress import Progress
from baad.settings import TrainSettings


def train_mask_head(model: Baad, stream: Iterable[Batch], settings: TrainSettings, progress: Progress) -> Baad:
    """The model after `settings.steps` steps, in evaluation mode; its mask head and the trunk below have learnt."""
    device = next(model.parameters()).device
    optimizer = new_optimizer({"mtrs": model.mtrs}, settings)
    average = Average(model, settings.ema)
    model.train()
    with progress.task("training the mask head", settings.steps) as task:
        for step, batch in enumerate(stream):
            torch.manual_seed(settings.seed * 1_000_003 + step)
            batch = batch.to(device)
            set_learning_rate(optimizer, learning_rate_at(step, settings))
            with autocast(device.type):
                with torch.no_grad():
                    features = model.pdn(batch.corrupted)  # [B, C, h, w]
                logits = model.mtrs.see_part(features)  # [B, 1, h, w]
            loss = mask_loss(logits.float(), batch.mask_target)
            check_loss(loss, step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.mtrs.parameters(), CLIP_NORM)
            optimizer.step()
            average.update(model, step)
            task.advance(1, f"loss {float(loss.detach()):.3f}")
    model.mtrs.load_state_dict(average.parts["mtrs"].state_dict())
    return model.eval()
