"""Measure a detector of your own with BAAD's figures: python examples/own_detector.py path/to/category

Here: how far is each pixel from the mean of the good pictures? The figures need the extra train: pip install ".[train]"
"""

import sys
from pathlib import Path

import numpy as np

from baad.data.decode import read_image
from baad.data.geometry import resize_image
from baad.data.reading import read_category
from baad.metrics.evaluate import evaluate, summary_lines
from baad.progress import choose_progress
from baad.runtime.session import RawMaps

SIDE = 64
category = read_category(Path(sys.argv[1]))


def read_square(path: Path) -> np.ndarray:
    return resize_image(read_image(path), (SIDE, SIDE)).astype(np.float32)  # [64, 64, 3]


mean = np.mean([read_square(image.path) for image in category.train], axis=0)


def score(path: Path) -> RawMaps:
    distance = np.abs(read_square(path) - mean).mean(axis=2)  # [64, 64]
    return RawMaps(distance, np.ones_like(distance), float(distance.max()))


print("\n".join(summary_lines(evaluate(score, category, choose_progress()))))
