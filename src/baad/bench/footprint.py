"""Memory and start of a process that does nothing but judge: the bare runtime, without PyTorch.

Run as a program of its own for the memory: python footprint.py MODEL IMAGE_SIZE BATCH PROVIDER THREADS
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from baad.runtime.detector import Detector

PICTURES = 40
STARTS = 5  # processes whose start is timed
FIRST_VERDICT = """
import sys, time
sys.modules["torch"] = None
began = time.perf_counter()
import baad
took = time.perf_counter() - began
baad.Detector.load(sys.argv[1], int(sys.argv[3])).predict(sys.argv[2])
print(took, flush=True)
"""


def measure_peak(model: Path, image_size: int, batch: int, provider: str, threads: int) -> float:
    """MiB of resident memory, at most, in a new process that judges pictures of that size."""
    words = [str(word) for word in (model, image_size, batch, provider, threads)]
    done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure_start(model: Path, image_size: int, threads: int) -> dict[str, float]:
    """Seconds from the start of a process to its verdict on a PNG file, and of `import baad` in it: medians."""
    import numpy as np
    from PIL import Image

    verdicts, imports = [], []
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        Image.fromarray(np.full((image_size, image_size, 3), 128, np.uint8)).save(picture)
        words = [sys.executable, "-c", FIRST_VERDICT, str(model), str(picture), str(threads)]
        for _ in range(STARTS):
            began = time.perf_counter()
            with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                line = process.stdout.readline()
                verdicts.append(time.perf_counter() - began)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, words)
            imports.append(float(line))
    return {
        "first_verdict_s": round(statistics.median(verdicts), 3),
        "import_s": round(statistics.median(imports), 4),
    }


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
