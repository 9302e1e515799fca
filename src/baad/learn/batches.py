"""Training batches: normal pictures in, invented defects and background changes out, one seed a step.

A batch depends on the seed and the step alone, so that a resumed run sees what an uninterrupted one would have seen.
"""

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from baad.learn.pictures import to_images
from baad.synthesis.banks import Banks
from baad.synthesis.recipe import Example, Plan, draw_example

AHEAD = 3  # batches drawn before they are needed
Drawn = TypeVar("Drawn")


@dataclass(frozen=True)
class Batch:
    """One step's pictures. Images float32 [B, 3, H, W] in 0..1, masks float32 [B, 1, H, W], 0 or 1."""

    corrupted: Tensor
    clean: Tensor
    defect: Tensor
    foreground: Tensor
    replaced: Tensor  # background whose content was changed
    mask_target: Tensor  # [B, 1, H / 4, W / 4], share of the cell that the mask head shall call part
    elsewhere: Tensor | None = None  # corrupted, on other backgrounds; None where the plan does not ask for it

    def to(self, device: torch.device) -> "Batch":
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value.to(device) for name, value in values.items() if value is not None})

    def pictures(self) -> np.ndarray:
        """The corrupted pictures as they were drawn, uint8 [B, H, W, 3]."""
        return (self.corrupted * 255.0).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


@dataclass(frozen=True)
class Material:
    """What examples are drawn from: normal pictures uint8 [N, H, W, 3] and their foreground bool [N, H, W]. `grey`:
    all are of a grey camera, where they look so."""

    images: np.ndarray
    foregrounds: np.ndarray
    banks: Banks
    grey: bool


@dataclass(frozen=True)
class BatchPlan:
    """How batches are drawn. `ramp_steps`: the share of background changes grows from 0 to its value over these."""

    batch_size: int
    seed: int
    synthesis: Plan
    mask_target: str  # "clean": the part's mask; "union": the part and the defect, as IFgNet has it
    ramp_steps: int


def batches(material: Material, plan: BatchPlan, start: int, stop: int) -> Iterator[Batch]:
    """The batches of steps `start` to `stop`."""
    return draw_ahead(lambda step: draw_batch(material, plan, step), start, stop)


def draw_ahead(draw: Callable[[int], Drawn], start: int, stop: int | None = None) -> Generator[Drawn, None, None]:
    """What `draw` gives for the steps from `start` on, drawn on another thread a few steps ahead; endless without
    `stop`.

    PyTorch's part of drawing keeps to that one thread. It would get a team of its own, and where there are more threads
    than cores those of training fall asleep at every operation (docs/decisions/024). Threads begun meanwhile start with
    one, too, until `using_machine` ends.
    """
    steps = itertools.count(start) if stop is None else range(start, stop)
    with ThreadPoolExecutor(max_workers=1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        waiting: deque[Future[Drawn]] = deque()
        for step in steps:
            waiting.append(pool.submit(draw, step))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def draw_batch(material: Material, plan: BatchPlan, step: int) -> Batch:
    """The batch of one step."""
    rng = np.random.default_rng([plan.seed, 7, step])
    ramp = min(1.0, step / plan.ramp_steps) if plan.ramp_steps else 1.0
    synthesis = replace(plan.synthesis, background_share=plan.synthesis.background_share * ramp)
    examples = []
    for index in rng.integers(0, len(material.images), plan.batch_size):
        image, foreground = vary_view(material.images[index], material.foregrounds[index], rng)
        others = (material.images, material.foregrounds)
        examples.append(draw_example(image, foreground, *others, rng, synthesis, material.banks, material.grey))
    return stack_examples(examples, plan.mask_target)


def vary_view(image: np.ndarray, foreground: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The picture as the next part might be taken: a little moved, turned, scaled, lighter or darker.

    image uint8 [H, W, 3], foreground bool [H, W]; returns the same.
    """
    height, width = foreground.shape
    if rng.random() < 0.5:
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-4, 4), rng.uniform(0.96, 1.06))
        turn[:, 2] += rng.uniform(-0.03, 0.03, 2) * np.array([width, height])
        image = cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        moved = cv2.warpAffine(
            foreground.astype(np.uint8),
            turn,
            (width, height),
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        foreground = moved > 0
    if rng.random() < 0.5:
        gain = rng.uniform(0.85, 1.15) * rng.uniform(0.97, 1.03, 3)
        levels = np.arange(256)[:, None] * gain + rng.uniform(-8, 8)  # [256, 3]
        table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        image = cv2.LUT(image, table[None])
    return image, foreground


def stack_examples(examples: list[Example], mask_target: str) -> Batch:
    """Arrays of examples -> tensors of one batch."""

    def images(name: str) -> Tensor:
        stacked = np.stack([getattr(example, name) for example in examples])  # [B, H, W, 3]
        tensor = to_images(stacked)
        return tensor.contiguous(memory_format=torch.channels_last)

    def masks(name: str) -> Tensor:
        return torch.from_numpy(np.stack([getattr(example, name) for example in examples]))[:, None].float()

    defect, foreground = masks("defect"), masks("foreground")
    wanted = torch.maximum(foreground, defect) if mask_target == "union" else foreground
    elsewhere = None if examples[0].elsewhere is None else images("elsewhere")
    target = F.avg_pool2d(wanted, 4)
    return Batch(images("corrupted"), images("clean"), defect, foreground, masks("replaced"), target, elsewhere)
