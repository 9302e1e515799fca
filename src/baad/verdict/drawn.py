"""Zones that a user draws: where an alarm rejects the part, where it only warns, where it is ignored.

The file, JSON:
    {"elsewhere": "reject",
     "zones": [{"rule": "ignore", "frame": "part", "polygon": [[0.1, 0.2], [0.4, 0.2], [0.4, 0.5]]}]}

A point is [x, y], as shares of the width and height of the frame; [0, 0] is its upper left corner. The frame "picture"
is the whole picture, "part" the box around the part as the model sees it, so that the zone moves with it; its points
may lie outside 0..1. With "size": [width, height] beside "zones", points of the frame "picture" are pixels of a picture
of that size. Later zones lie over earlier ones; "elsewhere" rules where none lies. A file of labelme, with reject, warn
or ignore as labels, is read as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from baad.data.jsonfile import read_json, refuse
from baad.data.labelme import KEYS, read_labelme
from baad.data.outlines import paint_outlines, to_points
from baad.data.sample import Outlines, Point, Shape
from baad.errors import DataError, SettingError

Rule = Literal["reject", "warn", "ignore"]
Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in px; x1 and y1 lie just outside
Corners = tuple[float, float, float, float]  # the same between pixels
RULES: tuple[Rule, ...] = ("reject", "warn", "ignore")
REJECT, IGNORE = RULES.index("reject"), RULES.index("ignore")  # as `paint_rules` paints them
FRAMES = ("picture", "part")
GIVE_RULE = f"Give {', '.join(RULES[:-1])} or {RULES[-1]}"
ALL_IGNORED = "all is ignored, so that no picture would ever be rejected", "Say where an alarm counts"
OTHER_ASPECT = 1.05  # times narrower or wider
FURTHEST = 10.0  # frames away that a point may lie


@dataclass(frozen=True)
class DrawnZone:
    """A polygon and what an alarm in it means; points in shares of the frame's width and height.

    Raises SettingError for anything else: an unknown rule or frame, fewer than three points, points far off or, in the
    frame "picture", all outside of it, as pixels are.
    """

    rule: Rule
    polygon: tuple[Point, ...]
    frame: str = "picture"

    def __post_init__(self) -> None:
        if wrong := _find_fault(self.rule, self.polygon, self.frame):
            raise SettingError(f"A drawn zone {wrong[0]}. {wrong[1]}.")


@dataclass(frozen=True)
class DrawnZones:
    """All zones of a model; later ones lie over earlier ones.

    Raises SettingError for an unknown rule, and where every rule is to ignore.
    """

    zones: tuple[DrawnZone, ...] = ()
    elsewhere: Rule = "reject"

    def __post_init__(self) -> None:
        if self.elsewhere not in RULES:
            raise SettingError(f"elsewhere is {self.elsewhere!r}. {GIVE_RULE}.")
        if _ignore_all(self.zones, self.elsewhere):
            raise SettingError(f"In the drawn zones {ALL_IGNORED[0]}. {ALL_IGNORED[1]}.")

    def __bool__(self) -> bool:
        """Whether anything is drawn that makes a difference."""
        return self.elsewhere != "reject" or any(zone.rule != "reject" for zone in self.zones)

    @property
    def follow_part(self) -> bool:
        return any(zone.frame == "part" for zone in self.zones)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`; `parse_zones` gives back equal zones."""
        zones = [
            {"rule": zone.rule, "frame": zone.frame, "polygon": [list(point) for point in zone.polygon]}
            for zone in self.zones
        ]
        return {"elsewhere": self.elsewhere, "zones": zones}


def read_zones(file: Path) -> DrawnZones:
    """Read a file of zones, ours or labelme's. Raises DataError, which says what is wrong and where."""
    return read_drawing(file)[0]


def read_drawing(file: Path) -> tuple[DrawnZones, tuple[int, int] | None]:
    """As `read_zones`, and the (H, W) of the picture on which they were drawn, if the file says it."""
    content = read_json(file)
    labelme = isinstance(content, dict) and all(key in content for key in KEYS)
    zones, shape = _from_labelme(file) if labelme else (parse_zones(content, file), None)
    if zones.zones and not zones:
        raise refuse(file, "all of it rejects, as all does where nothing is drawn", "Draw where an alarm does not")
    if not labelme and content.get("size") is not None:
        shape = (content["size"][1], content["size"][0])
    return zones, shape


def have_aspect(shapes: Sequence[tuple[int, int]], drawn_on: tuple[int, int]) -> bool:
    """Whether a picture of `drawn_on` (H, W) is as narrow or wide as pictures of `shapes` (H, W), or between them."""
    aspects = [width / height for height, width in shapes]
    return min(aspects) / OTHER_ASPECT <= drawn_on[1] / drawn_on[0] <= max(aspects) * OTHER_ASPECT


def parse_zones(content: object, file: Path) -> DrawnZones:
    """Zones from what JSON holds; `file` is named in errors. Raises DataError."""
    zones = content.get("zones") if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(zones, list):
        raise refuse(
            file, "it holds no list of zones", 'Write {"zones": [{"rule": "ignore", "polygon": [[0, 0], ...]}]}'
        )
    width, height = _read_size(content.get("size"), file)
    elsewhere = _read_rule(content.get("elsewhere", "reject"), "elsewhere", file)
    drawn = tuple(_read_zone(each, index, (width, height), file) for index, each in enumerate(zones))
    if _ignore_all(drawn, elsewhere):
        raise refuse(file, *ALL_IGNORED)
    return DrawnZones(drawn, elsewhere)


def paint_rules(
    zones: DrawnZones, shape: tuple[int, int], box: Corners | None, picture: Corners | None = None
) -> np.ndarray:
    """Which rule holds at each pixel, as its place in RULES: uint8 [H, W] for `shape` (H, W).

    `box`: the part's, in px of that shape. Without one, zones that follow the part are left out, and the strictest of
    their rules holds where none lies, so that a part that is not seen is never less looked at. A pixel belongs to a
    zone when its centre lies inside; a zone too narrow for that is painted along its outline. `picture`: where the
    picture lies, if `shape` is not all of it.
    """
    lost = [RULES.index(zone.rule) for zone in zones.zones if zone.frame == "part" and box is None]
    rules = np.full(shape, min([RULES.index(zones.elsewhere), *lost]), np.uint8)
    whole = picture or (0, 0, shape[1], shape[0])
    for zone in zones.zones:
        frame = whole if zone.frame == "picture" else box
        if frame is not None:
            x0, y0, x1, y1 = frame
            ring = tuple((x0 + x * (x1 - x0), y0 + y * (y1 - y0)) for x, y in zone.polygon)
            rules[paint_outlines(Outlines(Path(), shape, (Shape(rings=(ring,)),)))] = RULES.index(zone.rule)
    return rules


def _from_labelme(file: Path) -> tuple[DrawnZones, tuple[int, int]]:
    found = read_labelme(file, all_labels=True)
    height, width = found.outlines.shape
    zones = []
    for label, shape in zip(found.labels, found.outlines.shapes):
        rule = _read_rule(label, "a label", file)
        if not shape.rings:
            raise refuse(file, f"a shape labelled {label} is no polygon", "Draw zones as polygons or rectangles")
        for ring in shape.rings:
            points = tuple((x / width, y / height) for x, y in ring)
            if wrong := _find_fault(rule, points, "picture"):
                raise refuse(file, f"a shape labelled {label} {wrong[0]}", wrong[1])
            zones.append(DrawnZone(rule, points))
    return DrawnZones(tuple(zones)), (height, width)


def _read_zone(value: object, index: int, size: tuple[float, float], file: Path) -> DrawnZone:
    name = f"zone {index}"
    if not isinstance(value, Mapping):
        raise refuse(file, f"{name} is no object with a rule and a polygon", "Write it as the others")
    frame = value.get("frame", "picture")
    points = to_points(value.get("polygon"), file, name)
    if frame == "picture":
        points = tuple((x / size[0], y / size[1]) for x, y in points)
    if wrong := _find_fault(value.get("rule"), points, frame):
        raise refuse(file, f"{name} {wrong[0]}", wrong[1])
    return DrawnZone(value["rule"], points, frame)


def _ignore_all(zones: Sequence[DrawnZone], elsewhere: Rule) -> bool:
    return all(rule == "ignore" for rule in (elsewhere, *(zone.rule for zone in zones)))


def _find_fault(rule: object, points: tuple[Point, ...], frame: object) -> tuple[str, str] | None:
    """What is wrong with a zone, as a predicate, and what to do; None where nothing is."""
    if rule not in RULES:
        return f"has the rule {rule!r}", GIVE_RULE
    if frame not in FRAMES:
        return f"has the frame {frame!r}", f"Give {' or '.join(FRAMES)}"
    if len(points) < 3 or not all(abs(number) <= FURTHEST for point in points for number in point):
        problem = f"is no polygon of three points or more within {FURTHEST:g} frames of its own"
        return problem, 'Give shares of the width and height, or "size": [width, height] beside "zones"'
    if frame == "picture" and any(map(_is_outside, zip(*points))):
        return "lies outside of the picture", 'Is "size" that of the picture it was drawn on?'
    return None


def _is_outside(shares: tuple[float, ...]) -> bool:
    """Whether places along a side all lie before its beginning or beyond its end."""
    return max(shares) <= 0 or min(shares) >= 1


def _read_rule(value: object, name: str, file: Path) -> Rule:
    for rule in RULES:
        if value == rule:
            return rule
    raise refuse(file, f"{name} has the rule {value!r}", GIVE_RULE)


def _read_size(value: object, file: Path) -> tuple[float, float]:
    """What points of the frame "picture" are divided by."""
    if value is None:
        return 1.0, 1.0
    if not (isinstance(value, list) and len(value) == 2 and all(type(side) is int and side > 0 for side in value)):
        raise refuse(file, f"size is {value!r}", "Give [width, height] in pixels")
    return float(value[0]), float(value[1])


def is_zones(value: object) -> bool:
    """Whether plain values, such as a manifest holds, are zones."""
    try:
        parse_zones(value, Path())
    except DataError:
        return False
    return True
