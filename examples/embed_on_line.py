"""Judge frames as they come, without PyTorch: python examples/embed_on_line.py model.baad frames/

Put your camera in the place of `frames`, and your reject gate in the place of `print`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from baad import Detector
from baad.data.files import find_images


def frames(folder: Path) -> Iterator[Path]:
    """Files here, which the stream reads; of a camera, arrays: uint8 [H, W, 3], red first."""
    yield from find_images(folder, recursive=True)


detector = Detector.load(sys.argv[1], threads=1)
found = detector.stream(frames(Path(sys.argv[2])), ahead=0)  # 0: no frame of a camera grows old while it waits
for number, judged in enumerate(found):
    verdict = judged.verdict
    if verdict is None:  # damaged, of another size than in training: it costs itself alone, and has not passed
        print(f"{number} reject: {judged.error}")
        continue
    passed = verdict.label == "ok" and not verdict.notes  # a note: no part, another framing or camera
    where = ", ".join(str(region.box) for region in verdict.regions[:3]) or "nowhere"
    told = f"{verdict.label} score {verdict.score:.3f} p {verdict.p_value:.3f} at {where}"
    print(f"{number} {'pass' if passed else 'reject'}: {'; '.join([told, *verdict.notes])}")
