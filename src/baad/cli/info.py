"""baad info: what a model file says of itself."""

from pathlib import Path
from typing import Annotated, Any

import typer

EXAMPLES = """
baad info model.baad
baad info model.baad --json | jq .settings
"""


def main(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file of baad train.")],
    as_json: Annotated[bool, typer.Option("--json", help="All of it as one JSON object.")] = False,
) -> int:
    """Show what a model file says of itself.

    Network and its cost, settings, threshold and what it promises, foreground, remarks on the training pictures.
    """
    import json

    from baad.bundle import read_bundle
    from baad.verdict.promise import describe

    bundle = read_bundle(model)
    calibration = bundle.calibration
    if as_json:
        known = {**bundle.manifest, "calibration": calibration.to_json(), "promise": describe(calibration)}
        print(json.dumps(known, indent=2))
        return 0
    for name, value in describe_manifest(bundle.manifest):
        print(f"{name:<12}{value}")
    print(f"{'threshold':<12}{calibration.threshold:.4g} for pictures, {calibration.pixel_threshold:.4g} for pixels")
    print(f"{'promise':<12}{describe(calibration)}")
    return 0


def describe_manifest(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """A manifest as lines for people: a word, and what it is."""
    gate, default = manifest["gate"], manifest["settings"]
    part = f"found by {gate['recipe']}, quality {gate['quality']}" if gate["accepted"] else f"none: {gate['reason']}"
    lines = [
        (
            "model",
            f"{manifest['category'] or 'no name'}, made {manifest['created']} by baad {manifest['baad_version']}",
        ),
        (
            "network",
            f"{manifest['size']} at {manifest['image_size']} px: {manifest['parameters']:,} parameters, "
            f"{manifest['macs'] / 1e9:.2f} GMAC a picture",
        ),
        (
            "training",
            f"{manifest['steps']} steps, seed {manifest['seed']}, {manifest['train_minutes']:.1f} min on "
            f"{manifest['n_train']} pictures; {manifest['n_held_out']} held out for the threshold",
        ),
        ("pictures", ", ".join(f"{width}x{height}" for height, width in manifest["image_shapes"])),
        ("foreground", part),
        ("settings", ", ".join(f"{name}={value}" for name, value in default.items())),
    ]
    return lines + [("remark", finding) for finding in manifest["findings"]]
