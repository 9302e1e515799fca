"""baad evaluate: a model file and test pictures with labels -> figures."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from baad.cli import options

if TYPE_CHECKING:
    import numpy as np

    from baad.data.sample import Category
    from baad.runtime.detector import Detector
    from baad.runtime.session import RawMaps

EXAMPLES = """
baad evaluate model.baad mvtec/bottle                              figures on the terminal
baad evaluate model.baad mvtec/bottle --json bottle.json           one flat JSON object
baad evaluate model.baad mvtec/bottle --html bottle.html           a page with pictures, worst cases first
baad evaluate model.baad mvtec/bottle --maps maps                  maps/bottle/test/KIND/STEM.tiff for MVTec's scripts
"""


def main(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file of baad train.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A category with test pictures, in a known layout.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON; - for standard output.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page that needs no other file.")] = None,
    maps: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write raw anomaly maps, DIR/object/test/KIND/STEM.tiff, at picture size."),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Write maps as float16 in place of float32.")] = False,
    layout: options.Layout = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> int:
    """Compare a model's answers with the truth.

    Prints ranking figures per picture and per pixel, with 95 % intervals, and per kind of defect; then how many
    defective pictures are missed and good ones rejected at the model's threshold, and where none would be. Without
    masks of the defects the pixel figures are left empty. Outlines of the part in foreground/ are read for the two
    false-positive rates alone. Nothing is tuned here: the model stays as it is.
    """
    from baad.atomic import write_text
    from baad.bundle import require
    from baad.cli.checked import open_for_testing
    from baad.cli.outputs import is_stream
    from baad.progress import choose_progress
    from baad.runtime.detector import Detector

    options.require_extra("train", ("scipy", "jinja2"))
    _require_places(data, json_file, html, maps, half)
    progress = choose_progress(quiet)
    detector = Detector.load(model, options.limit_threads(threads, progress))
    require(detector.manifest, "seed", "steps", "train_minutes")
    category = open_for_testing(data, progress, layout)

    import json

    from baad.metrics.counts import count_at, count_lines
    from baad.metrics.evaluate import evaluate, summary_lines
    from baad.report.html import evaluation_page, read_training_masks, write_page

    masks = () if html is None else read_training_masks(model, detector.manifest)
    doubts = _Doubts(detector)
    keep = _map_writer(maps, category, "float16" if half else "float32") if maps is not None else None
    scorecard = evaluate(doubts.score, category, progress, keep_map=keep)
    for warning in doubts.told(len(category.test)):
        progress.warn(warning)
    threshold = detector.calibration.threshold
    counts = count_at(threshold, scorecard.images)
    if 2 * counts.false_alarms > counts.n_normal:
        progress.warn(
            f"{counts.false_alarms} of {counts.n_normal} good pictures are rejected: is this the model of this product "
            "and camera?"
        )
    manifest = detector.manifest
    row = scorecard.row("baad", manifest["seed"], manifest["steps"], manifest["train_minutes"])
    row |= {"threshold": threshold, "false_alarms": counts.false_alarms, "missed": counts.missed}
    page = None
    if html is not None:
        page = evaluation_page(detector, category, scorecard, progress, masks=masks)
    text = json.dumps(row, indent=2)
    if is_stream(json_file):
        print(text)
    elif json_file is not None:
        write_text(json_file, text + "\n")
    if page is not None and html is not None:
        write_page(html, page)
    if not quiet and not is_stream(json_file):
        print("\n".join([*summary_lines(scorecard), "", *count_lines(threshold, scorecard.images)]))
    return 0


def _require_places(data: Path, json_file: Path | None, html: Path | None, maps: Path | None, half: bool) -> None:
    """Raise OutputError where results cannot be written, SettingError where one would replace another or DATA."""
    from baad.cli.outputs import require_different, require_file, require_folder
    from baad.errors import SettingError

    require_file(json_file, "--json")
    require_file(html, "--html", stream=False)
    require_different(json_file, html, "--json and --html")
    require_different(data, json_file, "DATA and --json")
    require_different(data, html, "DATA and --html")
    require_folder(maps, "--maps")
    if half and maps is None:
        raise SettingError("--half says how maps are written: name a folder for them with --maps, or leave it out.")


def _map_writer(
    folder: Path, category: "Category", dtype: Literal["float16", "float32"]
) -> "Callable[[Path, np.ndarray], None]":
    """What writes the map of a picture, at the picture's size, where the evaluation scripts look for it.

    Raises DataError where two pictures would share a map, as a.jpg and a.png would; OutputError where a map would lie
    among the pictures, or take the place of what is none.
    """
    from baad.cli.outputs import require_maps_apart
    from baad.data.decode import read_image
    from baad.data.geometry import resize_map
    from baad.data.maps import map_path, require_own_maps, write_map

    require_own_maps(folder, category)
    require_maps_apart(folder, category, "--maps")

    def write(path: Path, anomaly: "np.ndarray") -> None:
        height, width, _ = read_image(path).shape
        write_map(map_path(folder, category, path), resize_map(anomaly, (height, width)), dtype)

    return write


class _Doubts:
    """Scores pictures, and counts those that are not what the model was trained for."""

    def __init__(self, detector: "Detector") -> None:
        self._detector = detector
        self._found: dict[str, list[str]] = {}  # kind of doubt -> what was said of each picture

    def score(self, path: Path) -> "RawMaps":
        from baad.data.decode import read_image
        from baad.runtime.zoned import apply_zones

        image = read_image(path)
        raw = self._detector.score(image)
        for note in self._detector.doubts(image, raw):
            self._found.setdefault(note.rpartition(": ")[2], []).append(note)
        return apply_zones(raw, self._detector.zones)

    def told(self, total: int) -> list[str]:
        """A line for each kind of doubt."""
        return [f"{len(notes)} of {total} pictures: {notes[0]}" for notes in self._found.values()]
