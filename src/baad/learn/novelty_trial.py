"""Which memory of normal patches finds more defects.

Both are tried on held-out normal pictures, and on the same with defects that are drawn as training draws them: neither
has seen any (`docs/decisions/025-a-trial-between-memories.md`).
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from baad.learn.deploy import Alignment
from baad.learn.pdn import Pdn
from baad.learn.pictures import to_image
from baad.learn.witnesses import PLAN
from baad.progress import Progress
from baad.runtime.zoned import TOP_CELLS
from baad.synthesis.banks import make_banks
from baad.synthesis.recipe import draw_example

DEFECTS = 90  # pictures with defects, about, and three of each normal one at least


@torch.no_grad()
def try_memories(
    pdn: Pdn, memories: Sequence[nn.Module], pictures: np.ndarray, grey: bool, seed: int, progress: Progress
) -> list[float]:
    """Image AUROC of the novelty that each memory tells alone: how often a picture with a defect is newer than a normal
    one; NaN where no defect can be seen.

    pictures: held-out normal ones, uint8 [N, H, W, 3]; all of them is part. grey: they are of a grey camera.
    """
    align, draws = Alignment(pictures.shape[1:3]), max(3, math.ceil(DEFECTS / len(pictures)))

    def score(picture: np.ndarray) -> list[float]:
        features = pdn(to_image(picture))
        maps = [align.novelty(memory(features)).flatten() for memory in memories]
        task.advance()
        return [float(torch.topk(each, TOP_CELLS).values.mean()) for each in maps]

    with progress.task("what finds more defects", len(pictures) * (1 + draws)) as task:
        normal = torch.tensor([score(picture) for picture in pictures])  # [N, memories]
        defective = torch.tensor([score(picture) for picture in _draw_defects(pictures, grey, draws, seed)])
    defective = defective.reshape(-1, len(memories))
    return [_image_auroc(normal[:, index], defective[:, index]) for index in range(len(memories))]


def _draw_defects(pictures: np.ndarray, grey: bool, draws: int, seed: int) -> Iterator[np.ndarray]:
    rng, shape = np.random.default_rng([seed, 19]), pictures.shape[1:3]
    whole, banks = np.ones(shape, bool), make_banks(rng)
    no_others = np.zeros((0, *shape, 3), np.uint8), np.zeros((0, *shape), bool)
    for _ in range(draws):
        for picture in pictures:
            example = draw_example(picture, whole, *no_others, rng, PLAN, banks, grey)
            if example.defect.any():
                yield example.corrupted


def _image_auroc(normal: Tensor, defective: Tensor) -> float:
    """Share of the pairs in which the defective one scores higher, equal ones counted half: of some dozens of scores,
    without the metrics, which training must not know."""
    higher, equal = defective[:, None] > normal[None], defective[:, None] == normal[None]
    return float((higher.double() + 0.5 * equal.double()).mean())
