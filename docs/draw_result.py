"""The README's picture from what `baad demo` left: python docs/draw_result.py demo. Writes docs/result.png.

The first test picture of each kind, whatever came of it: picture, reconstruction, foreground, anomaly map, alarm.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from baad import Detector
from baad.data.decode import read_image
from baad.runtime.output import blend_heat, colour_map

KINDS = ("scratch", "stain", "crack")
SIDE, GAP = 256, 6  # px


def draw_row(detector: Detector, file: Path) -> list[np.ndarray]:
    """The five panels of one picture, uint8 [SIDE, SIDE, 3] each."""
    picture, verdict = read_image(file), detector.predict(file)
    look = verdict.pixel_threshold, verdict.pixel_spread
    rebuilt = detector.score(file).reconstruction
    part = np.rint(255 * verdict.foreground).astype(np.uint8)[..., None].repeat(3, 2)
    alarm = blend_heat(picture, verdict.anomaly_map, *look)
    panels = [picture, rebuilt, part, colour_map(verdict.anomaly_map, *look), alarm]
    return [np.asarray(Image.fromarray(panel).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for panel in panels]


def main(demo: Path) -> None:
    detector = Detector.load(demo / "model.baad")
    rows = [draw_row(detector, min(demo.glob(f"example/test/{kind}/*.png"))) for kind in KINDS]
    page = Image.new("RGB", (len(rows[0]) * (SIDE + GAP) - GAP, len(rows) * (SIDE + GAP) - GAP), "white")
    for y, row in enumerate(rows):
        for x, panel in enumerate(row):
            page.paste(Image.fromarray(panel), (x * (SIDE + GAP), y * (SIDE + GAP)))
    page.quantize(192).save(Path(__file__).with_name("result.png"), optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
