"""Does the exported file judge as the network did? A flipped verdict stops the export."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from baad.errors import TrainingError
from baad.learn.deploy import DeployGraph
from baad.runtime.session import Session

TIE = 1e-4  # logits: scores this near to the threshold lie on it, as the score that set it does, and flip nothing


@dataclass(frozen=True)
class Parity:
    """Largest differences between PyTorch and the runtime over some pictures, in logits, and flipped verdicts."""

    pictures: int
    max_map_error: float
    max_score_error: float
    flips: int


def compare(graph: DeployGraph, session: Session, pictures: Sequence[np.ndarray], threshold: float) -> Parity:
    """Run both on the pictures, uint8 [H, W, 3] each."""
    map_error = score_error = 0.0
    flips = 0
    for picture in pictures:
        with torch.no_grad():
            anomaly_map, _, score, _ = graph(torch.tensor(picture)[None])
        found = session.run(picture)
        map_error = max(map_error, float(np.abs(anomaly_map[0].numpy() - found.anomaly).max()))
        score_error = max(score_error, abs(float(score[0]) - found.score))
        flips += judge(float(score[0]), threshold) * judge(found.score, threshold) < 0
    return Parity(len(pictures), map_error, score_error, flips)


def judge(score: float, threshold: float) -> int:
    """1 above the threshold, -1 below it, 0 on it."""
    return 0 if abs(score - threshold) < TIE else (1 if score > threshold else -1)


def require_parity(parity: Parity) -> None:
    """Raises TrainingError where the exported file would judge a picture otherwise than the network did."""
    if parity.flips:
        raise TrainingError(
            f"The exported model judges {parity.flips} of {parity.pictures} pictures differently from the trained "
            "network, so no model file was written. The checkpoint is kept; please report this."
        )
