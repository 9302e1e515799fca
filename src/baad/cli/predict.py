"""baad predict: a model file and pictures -> verdicts."""

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from baad.cli import options
from baad.cli.app import DONE, NOT_GOOD, SKIPPED, UNUSABLE, code_of
from baad.cli.judging import Record, Run
from baad.stopping import catch_stop

if TYPE_CHECKING:
    from baad.runtime.detector import Detector

EXAMPLES = """
baad predict model.baad part.png                                one picture
baad predict model.baad new/ --csv new.csv --overlays seen/     a folder with all below it
baad predict model.baad new/ --html new.html                    a page to look at, strangest pictures first
baad predict model.baad 'new/*.png' --json -                    JSON lines on standard output
find new -name '*.png' | baad predict model.baad - --json verdicts.jsonl
baad predict model.baad new/ --false-alarms 5% --fail-on-ng     exit code 1 if a part is rejected
baad predict model.baad line.mp4 --every 5                      each fifth frame of a film
baad predict model.baad rtsp://10.0.0.7/main --json -           a network camera; camera:0 is one on USB
baad predict model.baad --watch inbox/ --json -                 pictures as they come into a folder
"""


def main(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file of baad train.")],
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH", help="Pictures, folders, patterns, films, cameras; - reads names from standard input."
        ),
    ],
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="One JSON object a line; - for standard output.")
    ] = None,
    csv_file: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="A table; - for standard output.")
    ] = None,
    overlays: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Pictures with defects outlined and as heat.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A page that needs no other file: the strangest 100 pictures.")
    ] = None,
    maps: Annotated[Path | None, typer.Option(metavar="DIR", help="Raw anomaly maps, TIFF, at picture size.")] = None,
    threshold: Annotated[
        float | None, typer.Option(metavar="X", help="Reject above this raw score, not above the model's threshold.")
    ] = None,
    false_alarms: options.FalseAlarms = None,
    zones: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Drawn zones in place of the model's own, see baad zones; none for none."),
    ] = None,
    any_size: Annotated[
        bool, typer.Option("--any-size", help="Judge pictures of another size or aspect than in training, too.")
    ] = False,
    fail_on_ng: Annotated[bool, typer.Option("--fail-on-ng", help="Exit with 1 if a picture is rejected.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Judge what is in the folder PATH, then what comes into it, until Ctrl-C.")
    ] = False,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Of films and cameras, judge each N-th frame.")] = 1,
    tiles: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="PX", help="Judge in tiles of this side, 64 or more; 0: whole; not as the model was trained."
        ),
    ] = None,
    provider: Annotated[
        str, typer.Option(metavar="NAME", help="What runs the network: cpu, openvino or cuda.")
    ] = "cpu",
    pin: Annotated[
        bool,
        typer.Option("--pin", help="Tie the runtime's own threads to cores: for a machine that does nothing else."),
    ] = False,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> int:
    """Judge pictures with a trained model.

    A picture is "ng" when its raw score lies above the threshold, "warn" when it does so only in drawn zones that
    warn, else "ok". Scores and maps are comparable between pictures. Memory does not grow with their number, but for
    names and scores with --html. Files that cannot be read, and pictures of another size or aspect than in training,
    are named and skipped (exit code 3); in --json and --csv they have the verdict "error", at their place. Ctrl-C,
    SIGTERM and a closed terminal let the picture in work end; what was judged until then is written. Files of --json
    and --csv appear when all is judged; of --watch and of cameras they get each answer at once, after the lines they
    hold. The page of --html judges what it shows a second time.
    """
    from baad.cli.inputs import Given, Picture, find_pictures, is_endless, require_ends, watch_pictures
    from baad.errors import SettingError
    from baad.progress import Silence, choose_progress
    from baad.runtime.detector import Detector
    from baad.runtime.output import appending, write_csv
    from baad.runtime.stream import AHEAD
    from baad.runtime.video import is_live, is_video
    from baad.verdict.promise import tell_not_kept

    if threshold is not None and false_alarms is not None:
        raise SettingError("--threshold and --false-alarms both set the threshold. Give one of them.")
    require_ends(paths)
    live = any(map(is_live, paths))
    lasting = watch or live
    _require_texts(json_file, csv_file, html, lasting)
    if html is not None:
        _require_page(html, watch or is_endless(paths))
    if every > 1 and (watch or not (is_endless(paths) or any(map(is_video, paths)))):
        raise SettingError("--every is for the frames of films and cameras, and none is named. Leave it out.")
    _require_folders(overlays, maps, paths if watch else [])
    progress = choose_progress(quiet)
    detector = Detector.load(model, options.limit_threads(threads, progress), provider, pin, tiles)
    detector = _change(detector, threshold, false_alarms, zones, any_size)
    if false_alarms is not None and (told := tell_not_kept(detector.calibration, f"--false-alarms {false_alarms}")):
        progress.warn(told)
    found: Iterable[Given] = watch_pictures(paths) if watch else find_pictures(paths, sys.stdin, every)
    if not watch and not is_endless(paths):
        found = list(found)
    shown = json_file is None and csv_file is None and not quiet
    total = sum(isinstance(each, Picture) for each in found) if isinstance(found, list) else 0
    run = Run(detector, progress, overlays, maps)
    if html is not None:
        run.prepare_page(model)
    run.require_nothing_lost(found if isinstance(found, list) else ())
    with catch_stop() as stop, (progress if total and not shown else Silence()).task("judging", total) as task:
        records = run.judge(found, task, stop, ahead=0 if live else AHEAD)
        if json_file is not None:
            records = _with_json(records, json_file, lasting)
        if csv_file is None:
            _print_lines(records, shown)
        elif csv_file == "-" or not lasting:
            write_csv(sys.stdout if csv_file == "-" else Path(csv_file), records)
        else:
            with appending(Path(csv_file), table=True) as file:
                write_csv(file, records, header=file.tell() == 0)
    progress.say(run.summary())
    if html is not None and run.stopped is None:
        run.write_page(html)
    return _conclude(run, html, fail_on_ng)


def _change(
    detector: "Detector", threshold: float | None, false_alarms: str | None, zones: str | None, any_size: bool
) -> "Detector":
    """The detector, changed for this call as the options say."""
    from baad.settings import parse_share
    from baad.verdict.drawn import DrawnZones, read_zones

    if threshold is not None:
        detector = detector.with_threshold(threshold)
    if false_alarms is not None:
        detector = detector.with_false_alarms(parse_share(false_alarms, "--false-alarms"))
    if zones is not None:
        detector = detector.with_zones(DrawnZones() if zones == "none" else read_zones(Path(zones)))
    return detector.for_any_size() if any_size else detector


def _conclude(run: Run, html: Path | None, fail_on_ng: bool) -> int:
    """Say what is to be said of it all -> the exit code."""
    if run.many_rejected():
        run.progress.warn("nearly all pictures are rejected: is this the model of this product and camera?")
    if run.stopped is not None:
        by = signal.Signals(run.stopped.signal_number).name
        print(
            f"baad: stopped by {by} after {run.judged + run.skipped} pictures; their results are whole"
            f"{', and no page was written' if html is not None else ''}.",
            file=sys.stderr,
        )
        return code_of(run.stopped)
    if fail_on_ng and run.rejected:
        return NOT_GOOD
    if run.unwritten:
        return UNUSABLE
    return SKIPPED if run.skipped else DONE


def _require_texts(json_file: str | None, csv_file: str | None, html: Path | None, lasting: bool) -> None:
    """Raise SettingError for two results in one place, OutputError where one cannot be written. `lasting`: they go on
    after what is there."""
    from baad.cli.outputs import require_different, require_file, require_same_table
    from baad.errors import SettingError
    from baad.runtime.output import CSV_FIELDS

    if json_file == csv_file == "-":
        raise SettingError("--json - and --csv - cannot share standard output. Give one of them a file.")
    for given, option in ((json_file, "--json"), (csv_file, "--csv")):
        require_file(given, option, grows=lasting)
    require_different(json_file, csv_file, "--json and --csv")
    require_different(json_file, html, "--json and --html")
    require_different(csv_file, html, "--csv and --html")
    if lasting and csv_file not in (None, "-"):
        require_same_table(Path(str(csv_file)), CSV_FIELDS, "--csv")


def _require_page(html: Path, once: bool) -> None:
    """Raise SettingError where pictures come only `once`, OutputError for the file, MissingExtra without jinja2."""
    from baad.cli.outputs import require_file
    from baad.errors import SettingError
    from baad.report.html import require_jinja2

    if once:
        raise SettingError(
            "--html looks at pictures twice: give files, folders or patterns, not films, cameras, - or --watch."
        )
    require_jinja2()
    require_file(html, "--html", stream=False)


def _require_folders(overlays: Path | None, maps: Path | None, watched: list[str]) -> None:
    """Raise OutputError where no results can be written, or where they would go among the pictures of a watched folder,
    and could take their places."""
    from baad.cli.outputs import require_folder
    from baad.data.decode import show_path
    from baad.errors import OutputError

    for folder, option in ((overlays, "--overlays"), (maps, "--maps")):
        require_folder(folder, option)
        if folder is None:
            continue
        if any(Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(place)) for place in watched):
            told = f"{option}: {show_path(folder)} lies in the folder that is watched: pictures could be lost"
            raise OutputError(f"{told}. Give another folder.")


def _with_json(records: Iterator[Record], out: str, lasting: bool) -> Iterator[Record]:
    """The same records; each is written as a line on its way. A file appears when all are through; `lasting`: it gets
    each at once, after the lines it holds."""
    from baad.atomic import replacing
    from baad.runtime.output import appending, write_json_lines

    if out == "-":
        for record in records:
            write_json_lines(sys.stdout, [record], ascii_only=True)
            yield record
        return
    with ExitStack() as stack:
        if lasting:
            file = stack.enter_context(appending(Path(out)))
        else:
            partial = stack.enter_context(replacing(Path(out), synced=True))
            file = stack.enter_context(partial.open("w", encoding="utf-8"))
        for record in records:
            write_json_lines(file, [record])
            yield record


def _print_lines(records: Iterable[Record], shown: bool) -> None:
    """A line for people on each picture; without `shown` the records are only drawn through."""
    from baad.data.decode import show_path

    headed = False
    for record in records:
        if not shown or record["verdict"] == "error":  # which was said already
            continue
        if not headed:
            headed = True
            print(f"{'verdict':<8}{'score':>10}{'threshold':>11}{'p':>8}{'regions':>9}  file")
        regions = len(record["regions"])
        print(
            f"{record['verdict']:<8}{record['score']:>10.4g}{record['threshold']:>11.4g}{record['p_value']:>8.3f}"
            f"{regions:>9}  {show_path(record['file'])}{''.join(f'  ({note})' for note in _remarks(record))}",
            flush=True,
        )


def _remarks(record: Record) -> list[str]:
    """Where an alarm lies, and what makes the verdict doubtful."""
    shares = ", ".join(f"{share:.0%} on the {zone}" for zone, share in record["zones"].items())
    alarmed = record["verdict"] != "ok" and any(record["zones"].values())
    return ([shares] if alarmed else []) + record["notes"]
