"""Peak memory of a process that does nothing but judge: the bare runtime, without PyTorch. Run as a program of its own.

python footprint.py MODEL IMAGE_SIZE BATCH PROVIDER THREADS
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from baad.runtime.detector import Detector

PICTURES = 40


def measure_peak(model: Path, image_size: int, batch: int, provider: str, threads: int) -> float:
    """MiB of resident memory, at most, in a new process that judges pictures of that size."""
    words = [str(word) for word in (model, image_size, batch, provider, threads)]
    done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=True)
    return float(done.stdout)


def judge_pictures(detector: "Detector", pictures: Sequence["np.ndarray"]) -> None:
    """One by one where there is one, together where there are more."""
    if len(pictures) == 1:
        detector.predict(pictures[0])
    else:
        detector.predict_batch(pictures)


def judge_drawn(model: Path, image_size: int, batch: int, provider: str, threads: int) -> None:
    """Judge PICTURES pictures of noise with a model file."""
    import numpy as np

    from baad.runtime.detector import Detector

    detector = Detector.load(model, threads, provider).for_any_size()
    pictures = list(np.random.default_rng(0).integers(0, 256, (batch, image_size, image_size, 3), dtype=np.uint8))
    for _ in range(max(1, PICTURES // batch)):
        judge_pictures(detector, pictures)


def peak_of_this_process() -> float:
    """MiB. The kernel's own record where there is one: what getrusage says includes the parent's before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024.0
    import resource

    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


if __name__ == "__main__":
    sys.path.pop(0)  # this folder: its modules' names are not meant to be at the top
    sys.modules["torch"] = None  # type: ignore[assignment]
    judge_drawn(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    print(peak_of_this_process())
