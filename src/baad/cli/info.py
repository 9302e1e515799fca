"""baad info: what a model file says of itself."""

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baad.settings import TrainSettings

if TYPE_CHECKING:
    from baad.bundle import Bundle

EXAMPLES = """
baad info model.baad
baad info model.baad --json | jq .settings
"""


def main(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file of baad train.")],
    as_json: Annotated[bool, typer.Option("--json", help="All of it as one JSON object.")] = False,
) -> int:
    """Show what a model file says of itself.

    Network and its cost, settings, threshold and what it promises, foreground, zones, remarks on the training pictures.
    """
    import json

    from baad.bundle import read_bundle
    from baad.data.decode import show_path
    from baad.verdict.promise import describe

    bundle = read_bundle(model)
    calibration = bundle.calibration
    if as_json:
        known = {**bundle.manifest, "calibration": calibration.to_json(), "promise": describe(calibration)}
        print(json.dumps(known, indent=2))
        return 0
    for name, value in describe_manifest(bundle.manifest):
        print(f"{name:<12}{show_path(value)}")
    print(f"{'threshold':<12}{calibration.threshold:.4g} for pictures, {calibration.pixel_threshold:.4g} for pixels")
    print(f"{'promise':<12}{describe(calibration)}")
    print(f"{'parity':<12}{describe_parity(bundle)}")
    return 0


def describe_parity(bundle: "Bundle") -> str:
    """What the certificate in a model file says, in a line."""
    import json

    from baad.bundle import PARITY, read_member
    from baad.verdict.promise import tell_flips

    if PARITY not in bundle.manifest["files"]:
        return "not proven: made before there was a certificate"
    told = json.loads(read_member(bundle.path, PARITY))
    runtimes = " and ".join(row["runtime"] for row in told["comparisons"])
    flips, ties = (sum(row.get(name, 0) for row in told["comparisons"]) for name in ("flips", "ties"))
    return f"{tell_flips(flips, ties)} on {told['pictures']} pictures, {runtimes} beside {told['reference']}"


def describe_manifest(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """A manifest as lines for people: a word, and what it is. What it does not say is shown as '?'."""
    known = defaultdict(lambda: "?", manifest)
    gate = manifest.get("gate", {})
    height, width = manifest.get("input_shape", ("?", "?"))
    part = f"found by {gate.get('recipe')}, quality {gate.get('quality')}"
    cost = f"{manifest.get('parameters', 0):,} parameters, {manifest.get('macs', 0) / 1e9:.2f} GMAC a picture"
    calibrated = "calibrated" in manifest
    held_out = "" if calibrated else f", {known['n_held_out']} held out for the threshold"
    device = f" on {manifest['device']}" if "device" in manifest else ""
    when = f"{known['calibrated']}: the threshold comes from {known['n_held_out']} good pictures given later"
    return [
        ("model", f"{known['category'] or 'no name'}, made {known['created']} by baad {known['baad_version']}"),
        ("network", f"{known['size']} at {width}x{height} px: {cost}"),
        ("training", f"{known['steps']} steps, seed {known['seed']}, {known['train_minutes']} min{device}"),
        ("pictures", f"{known['n_train']} to learn from{held_out}"),
        *([("calibrated", when)] if calibrated else []),
        *(("highest", f"{each['image']} {each['score']:.4g}") for each in manifest.get("highest_held_out", [])),
        ("sizes", ", ".join(f"{width}x{height}" for height, width in manifest.get("image_shapes", []))),
        ("foreground", part if gate.get("accepted") else f"none: {gate.get('reason', '?')}"),
        ("settings", ", ".join(_tell_changed(manifest)) or "all at their defaults"),
        *(_tell_zones(manifest)),
        *(("remark", finding) for finding in manifest.get("findings", [])),
    ]


def _tell_changed(manifest: dict[str, Any]) -> list[str]:
    """Settings that are not their defaults; of those that training chose, those that say something."""
    default, chosen = TrainSettings().to_dict(), manifest.get("chosen", [])
    told = []
    for name, value in manifest.get("settings", {}).items():
        if name not in chosen:
            told += [f"{name}={value}"] if value != default.get(name) else []
        elif value:  # tile_px 0: whole pictures; minutes 0: they became steps
            told.append(f"{name}={value} (chosen)")
    return told


def _tell_zones(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """A line on the zones, if there are any."""
    from baad.cli.zones import describe
    from baad.verdict.drawn import parse_zones

    held = manifest.get("zones")
    return [] if held is None else [("zones", describe(parse_zones(held, Path("the model"))))]
