"""Peak memory of a process that does nothing but judge: the bare runtime, without PyTorch. Run as a program of its own.

python footprint.py MODEL IMAGE_SIZE BATCH PROVIDER THREADS
"""

import subprocess
import sys
from pathlib import Path

PICTURES = 40


def measure_peak(model: Path, image_size: int, batch: int, provider: str, threads: int) -> float:
    """MiB of resident memory, at most, in a new process that judges pictures of that size."""
    words = [str(word) for word in (model, image_size, batch, provider, threads)]
    done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=True)
    return float(done.stdout)


def judge_pictures(model: Path, image_size: int, batch: int, provider: str, threads: int) -> None:
    import numpy as np

    from baad.runtime.detector import Detector

    detector = Detector.load(model, threads, provider).for_any_size()
    pictures = np.random.default_rng(0).integers(0, 256, (batch, image_size, image_size, 3), dtype=np.uint8)
    for _ in range(max(1, PICTURES // batch)):
        for picture in pictures:
            detector.predict(picture)


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
    judge_pictures(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    print(peak_of_this_process())
