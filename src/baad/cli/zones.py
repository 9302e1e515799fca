"""baad zones: show, change or remove the zones that a model file holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from baad.verdict.drawn import DrawnZones

EXAMPLES = """
baad zones model.baad                                  what is drawn in it
baad zones model.baad zones.json -o new.baad           the same model with these zones
baad zones model.baad --clear -o new.baad              the same model without zones
"""


def main(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file of baad train.")],
    zones: Annotated[
        Path | None, typer.Argument(metavar="[ZONES]", help="A file of zones, see docs/zones.md, or one of labelme.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take all zones away.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="MODEL", help="The model file to write; may be the same.")
    ] = None,
) -> int:
    """Say where an alarm rejects, where it only warns, where it is ignored.

    Zones are polygons on the picture, or on the box around the part, with which they move. They change what a score
    counts, not the network: a model is changed in a moment, and nothing is trained.
    """
    from baad.bundle import read_bundle, rewrite_bundle
    from baad.cli.outputs import require_model
    from baad.errors import SettingError
    from baad.progress import choose_progress
    from baad.verdict.drawn import have_aspect, parse_zones, read_drawing

    if clear and zones is not None:
        raise SettingError("A file of zones and --clear contradict each other. Give one of them.")
    if not clear and zones is None:
        if out is not None:
            raise SettingError("Give a file of zones for the model to write, or --clear.")
        held = read_bundle(model).manifest.get("zones")
        told = "no zones: an alarm rejects wherever it lies"
        print(told if held is None else f"zones: {describe(parse_zones(held, model))}")
        return 0
    if out is None:
        raise SettingError("Name the model file to write with -o; it may be the same.")
    require_model(out)
    drawn, drawn_on = (None, None) if zones is None else read_drawing(zones)
    if drawn and drawn_on and any(zone.frame == "picture" for zone in drawn.zones):
        shapes = read_bundle(model).manifest.get("image_shapes")
        if shapes and not have_aspect(shapes, drawn_on):
            told = (
                f"{zones} was drawn on a picture of {drawn_on[1]} x {drawn_on[0]} px, narrower or wider than the model"
            )
            choose_progress(False).warn(f"{told} learnt: zones on the picture lie elsewhere than they were drawn")
    rewrite_bundle(model, out, {"zones": drawn.to_json() if drawn else None})
    print(f"{out}: {f'zones: {describe(drawn)}' if drawn else 'no zones'}")
    return 0


def describe(drawn: "DrawnZones") -> str:
    """One line: how many zones of each rule, and what holds elsewhere."""
    counts = {zone.rule: sum(each.rule == zone.rule for each in drawn.zones) for zone in drawn.zones}
    listed = ", ".join(f"{count} that {rule}{'s' * (count == 1)}" for rule, count in counts.items()) or "none drawn"
    follow = sum(zone.frame == "part" for zone in drawn.zones)
    moving = f" ({follow} move with the part)" if follow else ""
    return f"{listed}{moving}; elsewhere: {drawn.elsewhere}"
