"""What a model file says of itself to a person: a page of text and a few pictures."""

import io

import numpy as np
from PIL import Image

from baad.verdict.calibration import Calibration
from baad.verdict.promise import describe

SAMPLES = 4


def describe_model(manifest: dict, calibration: Calibration) -> str:
    """The model card, Markdown."""
    gate = manifest["gate"]
    part = (
        f"found by the recipe `{gate['recipe']}` (quality {gate['quality']})"
        if gate["accepted"]
        else f"everything counts as part ({gate['reason']})"
    )
    height, width = manifest["input_shape"]
    findings = "".join(f"- {finding}\n" for finding in manifest["findings"]) or "- none\n"
    return f"""# {manifest["category"] or "BAAD model"}

- trained on {manifest["n_train"]} normal pictures, {manifest["steps"]} steps, seed {manifest["seed"]}
- network `{manifest["size"]}` at {width}x{height} px: {manifest["parameters"] / 1e6:.2f} million parameters,
  {manifest["macs"] / 1e9:.2f} billion multiply-accumulates a picture
- foreground: {part}
- threshold {calibration.threshold:.3f}: {describe(calibration)}

## Remarks on the data

{findings}
No defective picture and no test picture was used in training, in choosing weights or in setting the threshold.
"""


def sample_pictures(pictures: np.ndarray, foregrounds: np.ndarray) -> dict[str, bytes]:
    """A few training pictures uint8 [N, H, W, 3], the background darkened, as JPEG files by name."""
    chosen = np.linspace(0, len(pictures) - 1, min(SAMPLES, len(pictures))).round().astype(int)
    found = {}
    for number, index in enumerate(chosen):
        shown = np.where(foregrounds[index][..., None], pictures[index], pictures[index] // 3)
        buffer = io.BytesIO()
        Image.fromarray(shown).save(buffer, "JPEG", quality=85)
        found[f"samples/{number}.jpg"] = buffer.getvalue()
    return found
