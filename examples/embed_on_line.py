"""Judge frames as they come, without PyTorch: python examples/embed_on_line.py model.baad frames/

Put your camera in the place of `frames`, and your reject gate in the place of `print`.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from baad import Detector
from baad.data.decode import read_image
from baad.data.files import find_images


def frames(folder: Path) -> Iterator[np.ndarray]:
    """Pictures as a camera gives them: uint8 [H, W, 3], red first."""
    for file in find_images(folder, recursive=True):
        yield read_image(file)


detector = Detector.load(sys.argv[1], threads=1)
for number, frame in enumerate(frames(Path(sys.argv[2]))):
    started = time.perf_counter()
    verdict = detector.predict(frame)
    took = 1000 * (time.perf_counter() - started)
    where = ", ".join(str(region.box) for region in verdict.regions[:3]) or "nowhere"
    print(f"{number} {verdict.label} score {verdict.score:.3f} p {verdict.p_value:.3f} at {where} ({took:.0f} ms)")
