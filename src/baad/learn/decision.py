"""What decides, beside the network: a sidecar file and metadata, never a constant of the graph."""

import json
from collections.abc import Mapping
from typing import Any

import onnx

from baad.runtime.tiles import skips_background, tile_shape
from baad.verdict.calibration import Calibration
from baad.verdict.promise import describe

SCHEMA = 1  # of the sidecar; raised when an old program could not read a new file
FACTS = (  # none that differs between two equal trainings, such as the date
    *("category", "baad_version", "input_shape", "image_shapes", "image_colours"),
    *("part_share", "part_centre"),
)


def describe_decision(calibration: Calibration, manifest: Mapping[str, Any], precision: str = "fp32") -> dict[str, Any]:
    """Thresholds, the good scores behind them (the p-value table), what they promise, and what the model is for.

    Without the drawn zones, which `baad zones` may change in a model file: `with_zones` adds them.
    """
    facts = {name: manifest[name] for name in FACTS if name in manifest}
    promise = {"promise": describe(calibration), **calibration.to_json()}
    return {
        "product": "baad",
        "schema": SCHEMA,
        **_describe_tiles(manifest),
        **facts,
        "precision": precision,
        **promise,
    }


def _describe_tiles(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody needs to cut the tiles that the thresholds are for; `tile_px` 0: whole pictures."""
    side = manifest.get("tile_px", 0)
    if not side:
        return {"tile_px": 0}
    shape = tile_shape(side, manifest["input_shape"])
    return {"tile_px": side, "tile_shape": shape, "skip_background": skips_background(manifest)}


def with_zones(decision: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The decision, and the zones that the manifest holds now."""
    return {**decision, **({"zones": manifest["zones"]} if "zones" in manifest else {})}


def with_decision(graph: bytes, decision: Mapping[str, Any]) -> bytes:
    """The ONNX graph with the decision in its metadata: `baad_decision` is JSON; the thresholds stand alone, too."""
    model = onnx.load_from_string(graph)
    del model.metadata_props[:]
    values = {"baad_decision": json.dumps(decision, ensure_ascii=False), **plain_values(decision)}
    for name, value in values.items():
        model.metadata_props.add(key=name, value=value)
    return model.SerializeToString()


def plain_values(decision: Mapping[str, Any]) -> dict[str, str]:
    """The few numbers that a program without a JSON reader needs."""
    return {f"baad_{name}": repr(decision[name]) for name in ("threshold", "pixel_threshold")}
