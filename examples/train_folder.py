"""Train on a folder of good pictures: python examples/train_folder.py parts/good model.baad [name=value ...]

It needs the extra train: pip install ".[train]"
"""

import sys
from pathlib import Path

from baad import Detector, train
from baad.data.reading import read_category
from baad.progress import choose_progress
from baad.settings import load_settings

folder, out, *changes = sys.argv[1:]
category = read_category(Path(folder))
settings = load_settings(None, changes)
result = train(category.train, settings, Path(out), choose_progress(), category_name=category.name)

print(f"{result.steps} steps in {result.minutes:.1f} min, foreground: {result.gate.reason}")
print(f"threshold {result.calibration.threshold:.3f} from {result.calibration.n} held-out pictures")
first = category.train[0].path
print(f"{first.name}: {Detector.load(out).predict(first).label}")
