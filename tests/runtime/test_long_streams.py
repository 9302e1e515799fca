"""Ten thousand pictures through the whole default network: BAAD_SLOW=1, for it takes minutes."""

import os
import subprocess
import sys

import pytest

from tests.factory import write_truncated

SLOW = pytest.mark.skipif(not os.environ.get("BAAD_SLOW"), reason="set BAAD_SLOW=1: judges 10,000 pictures")
GROWTH, PEAK = 10.0, 400.0  # MB

PROGRAM = """
import sys
from itertools import islice
from pathlib import Path
sys.modules["torch"] = None
from baad import Detector

def memory(field):
    line = next(line for line in open("/proc/self/status") if line.startswith(field))
    return int(line.split()[1]) * 1024 / 1e6  # MB

model, folder, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
good, broken = sorted(folder.glob("good*.png")), folder / "broken.png"
names = (broken if number % 1000 == 567 else good[number % len(good)] for number in range(count))
judged, skipped, marks = 0, 0, []
for number, each in enumerate(Detector.load(model, threads=int(sys.argv[4])).stream(names), 1):
    judged, skipped = judged + (each.verdict is not None), skipped + (each.error is not None)
    if number in (count // 10, count):
        marks.append(memory("VmRSS"))
print(judged, skipped, *marks, memory("VmHWM"))
"""


def stream(folder, count):
    """Judged, skipped, MB after a tenth and at the end, MB at most: of a process that streams `count` pictures."""
    from PIL import Image

    from baad.bench.graphs import draw_pictures, write_model

    model = write_model(folder / "m.baad", 256, threads=1)
    for number, picture in enumerate(draw_pictures(256, 10)):
        Image.fromarray(picture).save(folder / f"good{number}.png")
    Image.fromarray(picture).save(folder / "broken.png")
    write_truncated(folder / "broken.png")
    words = [sys.executable, "-c", PROGRAM, model, folder, count, os.environ.get("OMP_NUM_THREADS", "0")]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True)
    judged, skipped, *memory = done.stdout.split()
    return int(judged), int(skipped), *map(float, memory)


@SLOW
def test_ten_thousand_pictures_take_no_more_memory_than_one_thousand(tmp_path):
    judged, skipped, early, late, peak = stream(tmp_path, 10_000)
    print(
        f"{judged} judged, {skipped} skipped, {early:.1f} MB at 1,000, {late:.1f} MB at 10,000, {peak:.1f} MB at most"
    )
    assert (judged, skipped) == (9_990, 10)
    assert late - early <= GROWTH
    assert peak < PEAK
