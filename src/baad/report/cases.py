"""Cases of a page: which pictures are worth showing, and one picture drawn with all that was found in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import numpy as np

from baad.report.figures import (
    dim_background,
    inline_image,
    outline_path,
    panel_shape,
    scale_map,
    scale_mask,
    scale_picture,
)
from baad.runtime.output import colour_map, mark_below
from baad.verdict.decide import Verdict
from baad.verdict.zones import ZoneShares

Outcome = Literal["false alarm", "missed", "found", "passed", "alarm", "no alarm"]
GROUPS: tuple[Outcome, ...] = ("false alarm", "missed", "found", "passed")
FALLING = (0, 3)  # groups whose highest score is the worst
CASE_LIMIT = 100  # cases on a page, which stays below some 10 MB


class Scored(Protocol):
    """A picture with its truth and its score; `metrics.scorecard.ScoredImage` is one."""

    @property
    def kind(self) -> str: ...  # "good", or the name of a defect
    @property
    def score(self) -> float: ...


AnyScored = TypeVar("AnyScored", bound=Scored)


@dataclass(frozen=True)
class Panel:
    """One small picture of a case."""

    title: str
    alt: str
    uri: str  # data URI
    size: tuple[int, int] = (0, 0)  # width, height in px
    outlines: tuple[tuple[str, str], ...] = ()  # CSS class and SVG path in pixels, drawn over the picture


@dataclass(frozen=True)
class Case:
    """One picture as the page shows it."""

    name: str
    kind: str
    outcome: Outcome
    label: str
    score: float
    p_value: float
    display: float  # 0..1, .5 at the threshold
    zones: ZoneShares
    n_regions: int
    below: bool  # all that is shown, but for what a zone ignores, lies below the pixel threshold
    notes: tuple[str, ...]
    panels: tuple[Panel, ...]


def judge_outcome(kind: str, alarmed: bool) -> Outcome:
    """What a verdict is worth, given the truth; kind: "" where it is not known."""
    if not kind:
        return "alarm" if alarmed else "no alarm"
    if kind == "good":
        return "false alarm" if alarmed else "passed"
    return "found" if alarmed else "missed"


def pick_worst(images: Sequence[AnyScored], threshold: float, limit: int = CASE_LIMIT) -> list[AnyScored]:
    """At most `limit` pictures, worst first: false alarms, missed defects, defects found, normals passed.

    Alarms where there should be none by falling, defects by rising score: first what went most wrong, last what was
    clear. Where there are too many, each of the four keeps at least a quarter of the places, so that a thousand false
    alarms do not hide the missed defects.
    """
    groups: list[list[AnyScored]] = [[] for _ in GROUPS]
    for image in images:
        groups[GROUPS.index(judge_outcome(image.kind, image.score > threshold))].append(image)
    for index, group in enumerate(groups):
        group.sort(key=lambda image: image.score, reverse=index in FALLING)
    places = _share_places([len(group) for group in groups], limit)
    return [image for group, count in zip(groups, places) for image in group[:count]]


def _share_places(wanted: list[int], limit: int) -> list[int]:
    """An even share each; what one does not need goes to the others, the first before the last."""
    places = [min(count, limit // len(wanted)) for count in wanted]
    for index, count in enumerate(wanted):
        places[index] += min(count - places[index], limit - sum(places))
    return places


def draw_case(
    name: str,
    kind: str,
    image: np.ndarray,
    verdict: Verdict,
    reconstruction: np.ndarray | None = None,
    truth: np.ndarray | None = None,
) -> Case:
    """Draw one picture with what was found in it. The arrays are not kept.

    image: uint8 [H, W, 3], as large as the verdict's maps; reconstruction: uint8 [S, S, 3], squashed as the network
    sees it; truth: bool [H, W], the true defect.
    """
    shape = panel_shape((image.shape[0], image.shape[1]))
    small = scale_picture(image, shape)
    anomaly = scale_map(verdict.anomaly_map, shape)
    foreground = scale_map(verdict.foreground, shape)
    true_defect = scale_mask(truth, shape) if truth is not None and truth.any() else None
    drawn = [("input", "the picture itself", small)]
    if reconstruction is not None:
        drawn.append(("reconstruction", "as the part would look without defect", scale_picture(reconstruction, shape)))
    colours = colour_map(anomaly, verdict.pixel_threshold, verdict.pixel_spread)
    drawn += [
        ("foreground", "what counts as background is dark", dim_background(small, foreground)),
        ("anomaly map", "blue below the threshold, yellow to red above", colours),
    ]
    panels = [Panel(title, f"{name}, {title}: {about}", inline_image(pixels)) for title, about, pixels in drawn]
    marked = (anomaly > verdict.pixel_threshold) | scale_mask(mark_below(verdict), shape)
    panels.append(_draw_outlines(name, small, marked, true_defect))
    counting = [region for region in verdict.regions if region.rule != "ignore"]
    return Case(
        name=name,
        kind=kind,
        outcome=judge_outcome(kind, verdict.label == "ng"),
        label=verdict.label,
        score=verdict.score,
        p_value=verdict.p_value,
        display=verdict.display,
        zones=verdict.zones,
        n_regions=len(verdict.regions),
        below=bool(counting) and all(region.below for region in counting),
        notes=verdict.notes,
        panels=tuple(panels),
    )


def _draw_outlines(name: str, image: np.ndarray, alarmed: np.ndarray, truth: np.ndarray | None) -> Panel:
    """The picture with lines over it, sharp at any size; that of the true defect is the wider one, below the other."""
    about = "alarms outlined in cyan"
    outlines = [("alarm-line", outline_path(alarmed))] if alarmed.any() else []
    if truth is not None:
        about += ", the true defect in magenta"
        outlines.insert(0, ("truth-line", outline_path(truth)))
    size = (image.shape[1], image.shape[0])
    return Panel("outlines", f"{name}, outlines: {about}", inline_image(image), size, tuple(outlines))
