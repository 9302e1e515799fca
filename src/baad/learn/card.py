"""What a model file says of itself to a person: a page of text and a few pictures."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from baad.bundle import require
from baad.data.decode import text_of_path
from baad.data.part_masks import name_pictures
from baad.data.sample import GoodImage
from baad.data.spread import spread_evenly
from baad.verdict.calibration import Calibration
from baad.verdict.promise import describe
from baad.verdict.zones import widen

SAMPLES = 4
WORST = 12  # training pictures whose masks a person should look at
HIGHEST = 3  # held-out pictures that are named
FINDINGS = 100  # about the data, that are kept: a model file has no room for thousands, and nobody reads them
OUTLINE = (0, 255, 255)


def describe_model(manifest: dict, calibration: Calibration) -> str:
    """The model card, Markdown. Raises BundleError where the manifest lacks something that it tells."""
    require(manifest, "gate", "input_shape", "findings", "n_train", "steps", "seed", "size", "parameters", "macs")
    gate = manifest["gate"]
    require(gate, "accepted", *(("recipe", "quality") if gate.get("accepted") else ("reason",)))
    part = (
        f"found by the recipe `{gate['recipe']}` (quality {gate['quality']})"
        if gate["accepted"]
        else f"everything counts as part ({gate['reason']})"
    )
    height, width = manifest["input_shape"]
    findings = "".join(f"- {finding}\n" for finding in manifest["findings"]) or "- none\n"
    return f"""# {manifest.get("category") or "BAAD model"}

- trained on {manifest["n_train"]} normal pictures, {manifest["steps"]} steps, seed {manifest["seed"]}
- network `{manifest["size"]}` at {width}x{height} px: {manifest["parameters"] / 1e6:.2f} million parameters,
  {manifest["macs"] / 1e9:.2f} billion multiply-accumulates a picture
- foreground: {part}
- threshold {calibration.threshold:.3f}: {describe(calibration)}

## Remarks on the data

{findings}
No defective picture and no test picture was used in training, in choosing weights or in setting the threshold.
"""


def shorten_findings(findings: Sequence[str]) -> list[str]:
    """The first FINDINGS of them, and how many more there are."""
    more = len(findings) - FINDINGS
    return [*findings[:FINDINGS], *([f"... and {more} more"] if more > 0 else [])]


def sample_pictures(
    pictures: np.ndarray, foregrounds: np.ndarray, quality: np.ndarray | None = None
) -> dict[str, bytes]:
    """A few training pictures uint8 [N, H, W, 3], the background darkened, as JPEG files by name.

    foregrounds: bool [N, H, W]. With the `quality` [N] of these masks, those with the worst come besides, outlined, in
    the order of `name_worst`.
    """
    chosen = spread_evenly(len(pictures), SAMPLES)
    found = {}
    for number, index in enumerate(chosen):
        shown = np.where(foregrounds[index][..., None], pictures[index], pictures[index] // 3)
        found[f"samples/{number}.jpg"] = _to_jpeg(shown)
    for number, index in enumerate([] if quality is None else _worst(quality)):
        shown = np.where(foregrounds[index][..., None], pictures[index], pictures[index] // 2)
        shown[widen(foregrounds[index], 1) & ~foregrounds[index]] = OUTLINE
        found[_name_mask(number)] = _to_jpeg(shown)
    return found


def name_worst(
    quality: np.ndarray | None, pictures: Sequence[GoodImage], others: Sequence[GoodImage] = ()
) -> list[dict[str, Any]]:
    """Which training pictures have the worst masks, and which member of the model file shows each; worst first.

    `others`: what else was given, so that no two of all are called alike.
    """
    if quality is None:
        return []
    names = _names([*pictures, *others])
    return [
        {"sample": _name_mask(number), "image": names[index], "quality": round(float(quality[index]), 4)}
        for number, index in enumerate(_worst(quality))
    ]


def name_highest(
    scores: Sequence[float], pictures: Sequence[GoodImage], others: Sequence[GoodImage] = ()
) -> list[dict[str, Any]]:
    """The held-out pictures with the highest scores [N], highest first: a defect among them raises the threshold.

    `others`: as in `name_worst`.
    """
    names = _names([*pictures, *others])
    order = np.argsort(-np.asarray(scores), kind="stable")[:HIGHEST]
    return [{"image": names[index], "score": round(float(scores[index]), 4)} for index in order]


def _names(pictures: Sequence[GoodImage]) -> list[str]:
    """What to call the pictures in the manifest, which is UTF-8."""
    return [text_of_path(name) for name in name_pictures([image.path for image in pictures]).values()]


def _worst(quality: np.ndarray) -> list[int]:
    return [int(index) for index in np.argsort(quality, kind="stable")[:WORST]]


def _name_mask(number: int) -> str:
    return f"samples/mask-{number:02d}.jpg"


def _to_jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
