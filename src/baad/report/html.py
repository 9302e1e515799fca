"""Scorecard and cases -> one self-contained HTML file: no script, style, font or picture from elsewhere."""

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baad.atomic import write_text
from baad.bundle import read_member
from baad.data.decode import read_image
from baad.data.masks import unite_masks
from baad.data.sample import Category, LabelledImage
from baad.errors import ImageError, MissingExtra
from baad.metrics.scorecard import FIGURE_NAMES, FIGURE_TITLES, KIND_FIGURES, KindFigures, Scorecard, ScoredImage, show
from baad.progress import Progress
from baad.report.cases import CASE_LIMIT, Case, draw_case, pick_worst
from baad.report.figures import draw_histogram, inline_file
from baad.runtime.detector import Detector, open_picture
from baad.verdict.calibration import Calibration
from baad.verdict.promise import describe

MEANINGS = {
    "image_auroc": "chance that a defective picture scores higher than a normal one",
    "image_ap": "precision averaged over all thresholds, for whole pictures",
    "image_f1_max": "best balance of precision and recall, for whole pictures",
    "pixel_auroc": "chance that a defect pixel scores higher than another one",
    "pixel_ap": "precision averaged over all thresholds, for pixels",
    "pixel_f1_max": "best balance of precision and recall, for pixels",
    "au_pro_30": "coverage of each defect, up to 30 % false-positive pixels",
    "au_pro_05": "coverage of each defect, up to 5 % false-positive pixels",
    "background_fpr": "share of background alarmed in normal pictures when 70 % of the defect pixels are found; "
    "lower is better",
    "part_fpr": "the same on the part; lower is better",
}


@dataclass(frozen=True)
class Score:
    """The score of one picture for the histogram, and whether it is rejected: drawn zones may only warn above the
    threshold. kind: "good", a kind of defect, or "" where it is not known."""

    kind: str
    score: float
    rejected: bool


@dataclass(frozen=True)
class Answer:
    """What was said of one picture file whose truth is not known; `name` is what it is called on the page."""

    path: Path
    name: str
    label: str
    score: float


@dataclass(frozen=True)
class _Judged:
    """A test picture and its score. Names do not tell pictures apart: two may be written alike."""

    image: LabelledImage
    scored: ScoredImage

    @property
    def kind(self) -> str:
        return self.scored.kind

    @property
    def score(self) -> float:
        return self.scored.score


@dataclass(frozen=True)
class TrainingMask:
    """Where the part was found in a training picture: its name, the mask's quality in 0..1, and a data URI."""

    name: str
    quality: float
    uri: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """What stands on a page. Without `scorecard` there are no figures, as for pictures whose truth is not known."""

    title: str
    threshold: float
    cases: tuple[Case, ...]  # in the order in which they are shown
    scores: tuple[Score, ...]  # of all pictures, more than there are cases
    subtitle: str = ""
    promise: str = ""  # the false-alarm promise in words, or why there is none
    facts: tuple[tuple[str, str], ...] = ()  # name and value: the model, how it was trained
    notes: tuple[str, ...] = ()
    scorecard: Scorecard | None = None
    masks: tuple[TrainingMask, ...] = ()  # of the part in training pictures, worst first


def write_page(path: Path, page: Page) -> None:
    """Write the page, whole or not at all. It opens from file:// and holds its pictures inline.

    Raises OutputError where the place cannot be written, MissingExtra where jinja2 is not installed.
    """
    write_text(Path(path), render_page(page))


def require_jinja2() -> None:
    """Raise MissingExtra where the package that pages are written with is absent."""
    if importlib.util.find_spec("jinja2") is None:
        raise MissingExtra("Pages need jinja2, which is not installed. Install it with: pip install jinja2")


def render_page(page: Page) -> str:
    """The page as HTML text; names and notes are escaped."""
    require_jinja2()
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    groups = _score_groups(page.scores)
    return environment.get_template("template.html").render(
        page=page,
        histogram=Markup(draw_histogram(groups, page.threshold)) if page.scores else "",  # escapes its own names
        groups=[(name, css, len(values)) for name, css, values in groups],
        tiles=_tiles(page),
        figures=_figure_rows(page.scorecard),
        kinds=_kind_rows(page),
        filters=_filters(page.cases),
    )


def evaluation_page(
    detector: Detector,
    category: Category,
    scorecard: Scorecard,
    progress: Progress,
    *,
    limit: int = CASE_LIMIT,
    masks: tuple[TrainingMask, ...] = (),
) -> Page:
    """The page of an evaluation: the worst `limit` test pictures are judged once more, and drawn.

    `masks`: see `read_training_masks`.
    """
    judged = [_Judged(image, scored) for image, scored in zip(category.test, scorecard.images)]
    threshold, cases = detector.calibration.threshold, []
    worst = pick_worst(judged, threshold, limit)
    with progress.task("drawing cases", len(worst)) as task:
        for each in worst:
            image, scored = each.image, each.scored
            pixels = read_image(image.path)
            shape = (pixels.shape[0], pixels.shape[1])
            truth = unite_masks(image.masks, shape) if image.masks else None
            raw = detector.session.run(pixels)
            verdict = detector.decide_on(raw, pixels)
            cases.append(draw_case(scored.name, scored.kind, pixels, verdict, raw.reconstruction, truth))
            task.advance()
    return Page(
        title=f"{scorecard.category}: what the model finds and what it misses",
        subtitle=f"{scorecard.n_normal} normal and {scorecard.n_defective} defective pictures that training never saw",
        threshold=threshold,
        promise=describe(detector.calibration),
        facts=describe_model(detector.manifest, detector.calibration, scorecard.ms_per_image),
        notes=scorecard.notes,
        scorecard=scorecard,
        scores=tuple(Score(image.kind, image.score, image.score > threshold) for image in scorecard.images),
        cases=tuple(cases),
        masks=masks,
    )


def verdict_page(
    detector: Detector,
    answers: Sequence[Answer],
    progress: Progress,
    *,
    subtitle: str = "",
    limit: int = CASE_LIMIT,
    masks: tuple[TrainingMask, ...] = (),
) -> Page:
    """The page of pictures whose truth is not known: `limit` of them are read and judged once more, and drawn.

    Rejected ones come first, then by falling score. One that can be read no more is named in the notes.
    `masks`: see `read_training_masks`.
    """
    worst = sorted(answers, key=lambda answer: (answer.label == "ng", answer.score), reverse=True)[:limit]
    cases, notes = [], []
    with progress.task("drawing cases", len(worst)) as task:
        for answer in worst:
            try:
                pixels, doubts = open_picture(answer.path)
                raw = detector.session.run(pixels)
            except ImageError as error:
                notes.append(f"{answer.name} is not shown: {error}")
            else:
                verdict = detector.decide_on(raw, pixels, doubts)
                cases.append(draw_case(answer.name, "", pixels, verdict, raw.reconstruction))
            task.advance()
    return Page(
        title="Pictures as the model sees them, strangest first",
        subtitle=subtitle,
        threshold=detector.calibration.threshold,
        promise="; ".join(detector.caveats) or describe(detector.calibration),
        facts=describe_model(detector.manifest, detector.calibration),
        notes=tuple(notes),
        scores=tuple(Score("", answer.score, answer.label == "ng") for answer in answers),
        cases=tuple(cases),
        masks=masks,
    )


def read_training_masks(model: Path, manifest: Mapping[str, Any]) -> tuple[TrainingMask, ...]:
    """The worst masks of the part that a model was trained with, as its file holds them; none where it holds none.

    To be read before the pictures are judged: meanwhile the file may be moved, or replaced. Raises BundleError.
    """
    worst = (manifest.get("gate") or {}).get("worst") or []
    return tuple(
        TrainingMask(str(each["image"]), float(each["quality"]), inline_file(read_member(model, each["sample"])))
        for each in worst
    )


def describe_model(
    manifest: Mapping[str, Any], calibration: Calibration, ms_per_image: float | None = None
) -> tuple[tuple[str, str], ...]:
    """What a reader wants to know of the model, name and value; what the manifest does not say is left out."""
    gate = manifest.get("gate") or {}
    training = f"{manifest['n_train']} normal pictures" if "n_train" in manifest else ""
    if training and manifest.get("steps") is not None:
        training += f", {manifest['steps']} steps"
    if training and manifest.get("train_minutes") is not None:
        training += f", {manifest['train_minutes']:.1f} min"
    foreground = ""
    if gate:
        recipe = f"found by the recipe “{gate.get('recipe')}”"
        foreground = recipe if gate.get("accepted") else f"the whole picture counts as part: {gate.get('reason')}"
    height, width = manifest.get("input_shape", ("?", "?"))
    source = "from" if calibration.threshold in calibration.scores else "set by hand and compared with"
    facts = {
        "Trained on": training,
        "Threshold": f"{calibration.threshold:.4g}, {source} {calibration.n} held-out normal pictures",
        "Foreground": foreground,
        "Network": f"size “{manifest['size']}”, {width}x{height} px" if "size" in manifest else "",
        "Speed": f"{ms_per_image:.0f} ms per picture, reading included" if ms_per_image else "",
        "Seed": str(manifest.get("seed", "")),
        "Version": str(manifest.get("baad_version", "")),
    }
    return tuple((name, value) for name, value in facts.items() if value)


def _score_groups(scores: Sequence[Score]) -> list[tuple[str, str, list[float]]]:
    """(name, CSS class, scores) of normals, defects and pictures of unknown truth; empty ones are left out."""
    groups: list[tuple[str, str, list[float]]] = [
        ("normal", "good", []),
        ("defective", "defect", []),
        ("pictures", "", []),
    ]
    for entry in scores:
        groups[2 if not entry.kind else entry.kind != "good"][2].append(entry.score)
    return [group for group in groups if group[2]]


def _tiles(page: Page) -> list[dict[str, str]]:
    """The few figures that stand large at the top."""
    tiles = []
    if page.scorecard:
        for name in ("image_auroc", "au_pro_30"):
            value = getattr(page.scorecard.overall.figures, name)
            if value is not None:
                tiles.append(
                    {"value": f"{value:.3f}", "name": FIGURE_TITLES[name], "about": MEANINGS[name], "tone": ""}
                )
    normals = [entry for entry in page.scores if entry.kind == "good"]
    defects = [entry for entry in page.scores if entry.kind not in ("good", "")]
    unknown = [entry for entry in page.scores if not entry.kind]
    if normals:
        tiles.append(_share_tile("false alarms", "normal pictures that are rejected", normals, True))
    if defects:
        tiles.append(_share_tile("missed", "defective pictures that are not rejected", defects, False))
    if unknown:
        tiles.append(_share_tile("alarms", "pictures that are rejected", unknown, True))
    return tiles


def _share_tile(name: str, about: str, scores: Sequence[Score], rejected: bool) -> dict[str, str]:
    count = sum(entry.rejected == rejected for entry in scores)
    return {
        "value": f"{count} of {len(scores)}",
        "name": name,
        "about": f"{about}: {100 * count / len(scores):.1f}\u00a0%",
        "tone": "bad" if count else "well",
    }


def _figure_rows(scorecard: Scorecard | None) -> list[dict[str, Any]]:
    """Rows of the table of figures; figures that could not be had are left out."""
    if scorecard is None:
        return []
    rows = []
    for name in FIGURE_NAMES:
        value = getattr(scorecard.overall.figures, name)
        if value is not None:
            interval = scorecard.overall.intervals.get(name)
            rows.append(
                {
                    "name": FIGURE_TITLES[name],
                    "about": MEANINGS[name],
                    "value": value,
                    "text": show(value),
                    "low": interval.low if interval else value,
                    "high": interval.high if interval else value,
                }
            )
    return rows


def _kind_rows(page: Page) -> dict[str, Any]:
    """Head and rows of the table of defect kinds."""
    if page.scorecard is None or not page.scorecard.kinds:
        return {}
    names = [name for name in KIND_FIGURES if getattr(page.scorecard.overall.figures, name) is not None]
    rows = [_kind_row(kind, names, page) for kind in page.scorecard.kinds]
    return {"head": [FIGURE_TITLES[name] for name in names], "rows": rows}


def _kind_row(kind: KindFigures, names: Iterable[str], page: Page) -> dict[str, Any]:
    missed = sum(entry.kind == kind.kind and not entry.rejected for entry in page.scores)
    cells = []
    for name in names:
        interval = kind.intervals.get(name)
        between = f"{interval.low:.3f} to {interval.high:.3f}" if interval else ""
        cells.append((show(getattr(kind.figures, name)), between))
    return {"name": kind.kind, "n": kind.n_defective, "missed": missed, "cells": cells}


def _filters(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Buttons over the gallery: what a case's data-outcome or data-kind must be, and how many there are."""
    buttons: list[dict[str, Any]] = [{"key": "all", "value": "", "name": "all", "count": len(cases)}]
    for outcome, name in (("false alarm", "false alarms"), ("missed", "missed"), ("alarm", "alarms")):
        count = sum(case.outcome == outcome for case in cases)
        if count or (outcome != "alarm" and any(case.kind for case in cases)):
            buttons.append({"key": "outcome", "value": outcome, "name": name, "count": count})
    for kind in sorted({case.kind for case in cases if case.kind}, key=lambda kind: (kind != "good", kind)):
        buttons.append({"key": "kind", "value": kind, "name": kind, "count": sum(case.kind == kind for case in cases)})
    return buttons
