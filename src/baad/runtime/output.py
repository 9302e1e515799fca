"""Verdicts -> JSON lines, CSV, overlay pictures. Writers take iterables and keep one verdict at a time in memory."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from baad.atomic import replacing
from baad.data.results import MARK, require_replaceable
from baad.errors import OutputError
from baad.verdict.calibration import to_display
from baad.verdict.decide import Verdict
from baad.verdict.zones import ZoneShares, widen

RECORD_FIELDS = {
    "file": "the picture, as it was named to the program",
    "verdict": '"ng" if the score lies above the threshold, else "ok"; "warn" if only in zones drawn to warn; "error" '
    "if the picture could not be judged: score, p_value and display are null then",
    "score": "raw score of the picture: any real number, higher is stranger, comparable between pictures",
    "threshold": "raw score above which a picture is rejected",
    "p_value": "share of good pictures that score at least this high, above 0, at most 1",
    "display": "score on a scale of 0 to 1, .5 at the threshold",
    "regions": "places above the pixel threshold, highest peak first: box [x0, y0, x1, y1] in px with x1 and y1 just "
    "outside, area in px, peak (raw), rule of the drawn zone (reject, warn or ignore), below, zones: shares of its "
    "area on part, border and background. A picture that is not good has one at least: where none lies above the pixel "
    "threshold, the place around the highest value; below is true of a place that itself lies below that threshold",
    "zones": "shares of the area above the pixel threshold on the part, on the border band around its outline and on "
    "the background; where no area is, of the place shown in its stead; they sum to 1, or are 0 with neither",
    "notes": "what makes the verdict doubtful, in words; mostly empty",
    "error": "why the picture could not be judged, in words; empty where it was",
    "time": "when it was judged, by the clock of the machine: ISO 8601 to the millisecond, with the offset from UTC",
}
CSV_FIELDS = (
    *("file", "verdict", "score", "threshold", "p_value", "display"),
    *("regions", "worst_x0", "worst_y0", "worst_x1", "worst_y1", "worst_area", "worst_peak", "worst_below"),
    *("part", "border", "background", "notes", "error", "time"),
)
CHUNK = 2**20  # bytes that are read at once

PANEL_LIMIT = 1600  # px, longer side of one panel of an overlay; larger pictures are shown reduced
SEAM = 8  # px between the two panels
OUTLINE = (0, 255, 255)  # no heat colour, and rare on parts
CALM_OUTLINE = (255, 255, 255)  # of what stands out in a picture that is good all the same
STRIPS = {"ok": (27, 122, 67), "warn": (150, 95, 0), "ng": (179, 38, 30)}  # behind the words above an overlay
SMALLEST_TEXT = 14  # px
HEAT_FROM = 0.25  # display value from which heat is visible: three spreads below the threshold
HEAT_OPACITY = 0.65  # of heat from the threshold on
PALETTE = {  # display value -> colour; the step at .5 makes the threshold visible
    0.0: (8, 10, 40),
    0.25: (30, 60, 140),
    0.4999: (90, 170, 200),
    0.5: (255, 225, 80),
    0.75: (240, 100, 20),
    1.0: (170, 0, 20),
}


def verdict_record(verdict: Verdict, path: Path | str) -> dict[str, Any]:
    """What `baad predict` writes about one picture; RECORD_FIELDS says what each field means."""
    return {
        "file": str(path),
        "verdict": verdict.label,
        "score": verdict.score,
        "threshold": verdict.threshold,
        "p_value": verdict.p_value,
        "display": verdict.display,
        "regions": [
            {
                "box": list(region.box),
                "area": region.area_px,
                "peak": region.peak,
                "rule": region.rule,
                "below": region.below,
                "zones": asdict(region.zones),
            }
            for region in verdict.regions
        ],
        "zones": asdict(verdict.zones),
        "notes": list(verdict.notes),
        "error": "",
        "time": _now(),
    }


def error_record(path: Path | str, threshold: float, problem: str) -> dict[str, Any]:
    """The record of a picture that could not be judged, so that no part is missing from a log."""
    return {
        "file": str(path),
        "verdict": "error",
        "score": None,
        "threshold": threshold,
        "p_value": None,
        "display": None,
        "regions": [],
        "zones": asdict(ZoneShares(0.0, 0.0, 0.0)),
        "notes": [],
        "error": problem,
        "time": _now(),
    }


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def write_json_lines(out: Path | TextIO, records: Iterable[Mapping[str, Any]], ascii_only: bool = False) -> int:
    """Write records of `verdict_record` and `error_record`, one JSON object a line -> how many.

    A path is written whole or not at all, in UTF-8; an open text file gets each line at once, so that a pipe can
    follow. `ascii_only`: for a stream of unknown encoding, which may not hold every name.
    """
    return _write_text(out, records, partial(_json_lines, ascii_only=ascii_only))


def write_csv(out: Path | TextIO, records: Iterable[Mapping[str, Any]], header: bool = True) -> int:
    """Write records of `verdict_record` and `error_record` as a table of CSV_FIELDS -> how many rows.

    Only the worst region has columns; JSON lines have all of them.
    """
    return _write_text(out, records, partial(_csv_rows, header=header))


@contextmanager
def appending(path: Path, table: bool = False) -> Iterator[TextIO]:
    """A text file in UTF-8 that goes on after the lines it holds; a last one that was torn off is ended first.

    `table`: it is CSV, where a quoted cell that was torn off is ended, too; it would swallow the next rows. For work
    without end, whose results are to be there after a kill: whoever writes flushes each line. Raises OutputError where
    the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as held:
            held.write(_end_of_torn(held, table))
        with path.open("a", encoding="utf-8", newline="") as file:
            yield file
    except BrokenPipeError:  # of another output
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"Cannot write {path}: {reason}. Choose a place that is writable and has room.") from error


def _end_of_torn(held: BinaryIO, table: bool) -> bytes:
    """What is missing at the end of a file that was torn off: nothing where it is whole."""
    held.seek(0 if table else max(0, held.seek(0, os.SEEK_END) - 1))
    quotes, last = 0, b"\n"
    while chunk := held.read(CHUNK):
        quotes, last = quotes + chunk.count(b'"'), chunk[-1:]
    if table and quotes % 2:
        return b'"\n'
    return b"" if last == b"\n" else b"\n"


def _write_text(
    out: Path | TextIO,
    records: Iterable[Mapping[str, Any]],
    write: Callable[[TextIO, Iterable[Mapping[str, Any]]], int],
) -> int:
    if not isinstance(out, Path):
        return write(out, records)
    with replacing(out, synced=True) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        return write(file, records)


def _json_lines(file: TextIO, records: Iterable[Mapping[str, Any]], ascii_only: bool) -> int:
    count = 0
    for record in records:
        file.write(json.dumps(record, ensure_ascii=ascii_only, allow_nan=False) + "\n")
        file.flush()
        count += 1
    return count


def _csv_rows(file: TextIO, records: Iterable[Mapping[str, Any]], header: bool) -> int:
    if header:
        file.write(",".join(CSV_FIELDS) + "\n")
    count = 0
    for record in records:
        file.write(_csv_line(_flatten(record)) + "\n")
        file.flush()
        count += 1
    return count


def _csv_line(row: Mapping[str, Any]) -> str:
    """One row without its end. A cell is quoted where it holds a sign of the ends that the writer knows: both are."""
    line = io.StringIO()
    csv.DictWriter(line, CSV_FIELDS, lineterminator="\r\n").writerow(row)
    return line.getvalue().removesuffix("\r\n")


def _flatten(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as one table row; without regions the columns of the worst one stay empty, after an error most do."""
    if record["verdict"] == "error":
        return {name: record[name] for name in ("file", "verdict", "threshold", "error", "time")}
    regions = record["regions"]
    row = {name: record[name] for name in ("file", "verdict", "score", "threshold", "p_value", "display")}
    if regions:
        worst = regions[0]
        row |= dict(zip(("worst_x0", "worst_y0", "worst_x1", "worst_y1"), worst["box"]))
        row |= {"worst_area": worst["area"], "worst_peak": worst["peak"], "worst_below": int(worst["below"])}
    row |= {"regions": len(regions), **record["zones"], "notes": "; ".join(record["notes"])}
    return row | {"time": record["time"]}


def colour_map(anomaly_map: np.ndarray, threshold: float, spread: float) -> np.ndarray:
    """Raw anomaly map [H, W] -> colours, uint8 [H, W, 3].

    Dark blue to pale blue up to `threshold`, yellow to red above it. The colour depends on the value alone, by the
    formula of `Calibration.display`: equal values have equal colours in all pictures of a model. `spread` is
    `Verdict.pixel_spread` or `Calibration.pixel_spread`.
    """
    level = np.rint(to_display(anomaly_map.astype(np.float32), threshold, spread) * 4096).astype(np.uint16)
    return _colour_table()[level]


def blend_heat(image: np.ndarray, anomaly_map: np.ndarray, threshold: float, spread: float) -> np.ndarray:
    """Lay `colour_map` over a picture, uint8 [H, W, 3] -> the same shape; far below the threshold nothing is laid."""
    display = to_display(anomaly_map.astype(np.float32), threshold, spread)
    opacity = np.clip((display - HEAT_FROM) / (0.5 - HEAT_FROM), 0, 1)[:, :, None] * np.float32(HEAT_OPACITY)
    blended = image * (1 - opacity) + colour_map(anomaly_map, threshold, spread) * opacity
    return np.rint(blended).astype(np.uint8)


def mark_below(verdict: Verdict) -> np.ndarray:
    """The boxes of regions below the pixel threshold, which the map does not show, bool [H, W]."""
    marked = np.zeros(verdict.anomaly_map.shape, bool)
    for region in verdict.regions:
        if region.below:
            x0, y0, x1, y1 = region.box
            marked[y0:y1, x0:x1] = True
    return marked


def outline_alarms(image: np.ndarray, alarmed: np.ndarray, colour: tuple[int, int, int] = OUTLINE) -> np.ndarray:
    """Draw a bright line with a black rim around each alarmed place: uint8 [H, W, 3], bool [H, W] -> the picture's."""
    width = max(1, round(max(alarmed.shape) / 300))
    line = widen(alarmed, width)
    drawn = image.copy()
    drawn[widen(line, max(1, width // 2)) & ~alarmed] = 0
    drawn[line & ~alarmed] = colour
    return drawn


def draw_overlay(image: np.ndarray, verdict: Verdict) -> np.ndarray:
    """A strip with the verdict, and two panels below, side by side: the picture with what stands out outlined, cyan,
    or white in a good one; and the same with heat.

    image: uint8 [H, W, 3], the picture of the verdict -> uint8 [strip + h, 2 w + 8, 3], reduced where a side exceeds
    1600 px, and wider where the words of the strip are.
    """
    anomaly_map, below = verdict.anomaly_map, mark_below(verdict)
    if image.shape[:2] != anomaly_map.shape:
        raise ValueError(f"the picture is {image.shape[:2]} but its map is {anomaly_map.shape}")
    if max(anomaly_map.shape) > PANEL_LIMIT:
        scale = PANEL_LIMIT / max(anomaly_map.shape)
        shape = tuple(max(1, round(side * scale)) for side in anomaly_map.shape)
        image = np.asarray(Image.fromarray(image).resize(shape[::-1], Image.Resampling.BOX))
        anomaly_map, below = _highest(anomaly_map, shape), _highest(below, shape)
    colour = CALM_OUTLINE if verdict.label == "ok" else OUTLINE
    outlined = outline_alarms(image, (anomaly_map > verdict.pixel_threshold) | below, colour)
    heated = blend_heat(image, anomaly_map, verdict.pixel_threshold, verdict.pixel_spread)
    seam = np.full((image.shape[0], SEAM, 3), 255, np.uint8)
    panels = np.concatenate([outlined, seam, heated], axis=1)
    strip = _draw_strip(verdict, max(SMALLEST_TEXT, max(image.shape) // 40), panels.shape[1])
    room = strip.shape[1] - panels.shape[1]
    return np.concatenate([strip, np.pad(panels, ((0, 0), (0, room), (0, 0)), constant_values=255)])


def tell_score(verdict: Verdict) -> str:
    """'NG 3.41 > 2.05', with as many digits as tell score and threshold apart."""
    sign = "<=" if verdict.score <= verdict.threshold else ">"
    for digits in range(3, 18):
        score, threshold = f"{verdict.score:.{digits}g}", f"{verdict.threshold:.{digits}g}"
        if score != threshold:
            break
    return f"{verdict.label.upper()} {score} {sign} {threshold}"


def _draw_strip(verdict: Verdict, size: int, width: int) -> np.ndarray:
    """The verdict in words `size` px high, on a ground of its colour: uint8 [h, w, 3], w at least `width`."""
    words, font = tell_score(verdict), ImageFont.load_default(size)
    strip = Image.new(
        "RGB", (max(width, round(font.getlength(words)) + size), round(1.5 * size)), STRIPS[verdict.label]
    )
    ImageDraw.Draw(strip).text((size // 2, size // 8), words, (255, 255, 255), font)
    return np.asarray(strip)


def write_overlay(path: Path, image: np.ndarray, verdict: Verdict) -> None:
    """Write `draw_overlay` as PNG, whole or not at all, marked as a result.

    Raises OutputError where the disk refuses, or what is no result lies there.
    """
    require_replaceable(Path(path))
    mark = PngInfo()
    mark.add_text("Software", MARK)
    with replacing(Path(path)) as beside:
        Image.fromarray(draw_overlay(image, verdict)).save(beside, format="PNG", pnginfo=mark)


def _highest(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """[H, W] -> the highest of each block, [h, w], neither more than H and W: the smallest alarm stays one."""
    for axis, (before, after) in enumerate(zip(values.shape, shape)):
        values = np.maximum.reduceat(values, np.arange(after) * before // after, axis=axis)
    return values


def _colour_table() -> np.ndarray:
    positions, colours = np.array(list(PALETTE)), np.array(list(PALETTE.values()))
    steps = np.linspace(0, 1, 4097)
    return np.stack([np.interp(steps, positions, channel) for channel in colours.T], axis=1).astype(np.uint8)
