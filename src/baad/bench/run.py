"""Fit and judge method by method, category by category, seed by seed; one row each, resumable, and a table of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from baad.atomic import write_text
from baad.bench.background import drop_incomplete, format_background, require_stressable, stress_rows
from baad.bench.job import FAILURES, Fit, Job, Part, Workshop, describe_settings, list_jobs, require_outlines
from baad.bench.methods import METHODS
from baad.bench.rows import Row, read_rows, write_rows
from baad.bench.table import format_table
from baad.bench.tasks import Watched
from baad.data.doctor import check_category, check_test, require_usable
from baad.data.reading import read_category
from baad.data.sample import Category
from baad.errors import BaadError, TrainingError
from baad.metrics.evaluate import evaluate
from baad.progress import Progress

RESULTS, STRESS = "results.jsonl", "stress.jsonl"
KEYS = ("category", "method", "seed")  # what a row is of
READ = (*KEYS, "image_auroc")  # what a row must have


def run_benchmark(
    parts: Sequence[Part],
    out: Path,
    progress: Progress,
    command: str,
    models: Path = Path("runs"),
    layout: str = "auto",
) -> list[Row]:
    """One row per category, method and seed in `out`/results.jsonl, and a table in `out`/README.md.

    Rows that stand there already are not run again, unless they were made with other settings, another PDN or other
    training pictures: the new ones take their places. Trained models of BAAD are kept in `models`, by what they were
    made with, and used again. What is to be stressed has its rows in `out`/stress.jsonl besides. Where a training
    fails, or its model finds no background to change, those rows are left out, and the others made. `layout` is
    read_category's; `command` is what the table says it was written by.

    Raises, before any training, DataError for a category with errors or without what is asked of it, such as test
    pictures or true outlines, and for two of one name; SettingError for a row that is wanted with two settings.
    TrainingError, at the end, where rows were left out, with the reasons.
    """
    read = {path: read_category(path, layout) for part in parts for path in part.categories}
    jobs = list_jobs(parts, read)
    for category in read.values():
        check_testable(category, progress)
    require_possible(jobs)
    rows, stressed = read_rows(out / RESULTS, READ), read_rows(out / STRESS, (*READ, "family", "severity"))
    workshop = Workshop(models, progress)
    missing: list[str] = []

    def attempt(make: Callable[[Job, Workshop, Progress], list[Row]], job: Job, what: str) -> list[Row]:
        try:
            return make(job, workshop, progress)
        except FAILURES as error:
            missing.append(tell_missing(what, error, progress))
            return []  # what stood there was made otherwise

    for job in jobs:
        wanted = job.judged_with()
        if is_done(job, wanted, rows, f"{job}: already in {out.name}", progress):
            rows = complete_rows(job, wanted, rows)
        else:
            made = attempt(measure_one, job, str(job))
            rows = put_rows(job, made, rows)
            for row in made:
                progress.say(f"{job}: image AUROC {row['image_auroc']}")
            write_results(out, rows, stressed, command)
        told = f"{job}: changed backgrounds already in {out.name}"
        if job.stress and is_done(job, wanted, drop_incomplete(stressed), told, progress):
            stressed = complete_rows(job, wanted, stressed)
        elif job.stress:
            progress.say(f"{job}: changing backgrounds")
            made = attempt(stress_rows, job, f"{job}, changed backgrounds")
            stressed = put_rows(job, made, stressed)
            write_results(out, rows, stressed, command)
    write_results(out, rows, stressed, command)
    require_all(missing, out)
    return rows


def require_possible(jobs: Sequence[Job]) -> None:
    """Raise DataError where a category lacks what a job needs of it: all that is known before any training."""
    wanted = {(job.category.name, job.category.root): job.category for job in jobs if job.stress}
    for category in wanted.values():
        require_stressable(category)
    for job in jobs:
        if METHODS[job.method].outlined:
            require_outlines(job.category)
            job.made_with()  # reads them


def tell_missing(what: str, error: BaadError, progress: Progress) -> str:
    """Warn that a row is left out -> what `require_all` says of it at the end."""
    progress.warn(f"{what}: {error} Going on with the others")
    return f"{what} ({error})"


def require_all(missing: Sequence[str], out: Path) -> None:
    """Raise TrainingError where rows are missing in the folder `out`."""
    if missing:
        raise TrainingError(f"Could not be made: {'; '.join(missing)}. All other rows are in {out}.")


def is_done(job: Job, wanted: Row, rows: Sequence[Row], told: str, progress: Progress) -> bool:
    """Whether there are rows of the job with the fingerprints that are `wanted`: says `told`. Warns of others."""
    row = next((row for row in rows if job.describes(row)), None)
    if row is None:
        return False
    if all(row.get(key) == wanted[key] for key in ("fingerprint", "tested_on") if key in wanted):
        progress.say(told)
        return True
    wanted_settings = describe_settings(job.settings)
    made_with = row.get("settings", wanted_settings)  # rows of changed backgrounds name none
    if "fingerprint" not in row:
        why = "without word of what it was made with"
    elif row.get("pdn_sha256") != wanted["pdn_sha256"]:
        why = f"but with the PDN {row.get('pdn_sha256')} in place of {wanted['pdn_sha256']}"
    elif made_with != wanted_settings:
        why = f"but with {made_with or 'the default settings'}"
    elif row["fingerprint"] == wanted["fingerprint"]:
        why = "but judged on other pictures, masks, outlines or drawn defects"
    else:
        why = "but with other defaults or other training pictures"
    progress.warn(f"{told}, {why}. Running it again")
    return False


def complete_rows(job: Job, wanted: Row, rows: Sequence[Row]) -> list[Row]:
    """`rows` with what those of the job, made as is `wanted`, do not tell of it yet."""
    return [{**row, **wanted, **row} if job.describes(row) else row for row in rows]


def put_rows(job: Job, made: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """`rows` with those that the job made in the place of its former ones, or at the end."""
    place = next((index for index, row in enumerate(rows) if job.describes(row)), len(rows))
    others = [row for row in rows if not job.describes(row)]
    return [*others[:place], *made, *others[place:]]


def measure_one(job: Job, workshop: Workshop, progress: Progress) -> list[Row]:
    """Make a detector and evaluate it: its one row."""
    return [measure(job, workshop.make(job), progress)]


def measure(job: Job, detector: Fit, progress: Progress) -> Row:
    """Evaluate a detector: a row of figures, flat, with the same keys for every method."""
    watched = Watched(detector.score, job.category, detector.rebuilds)
    card = evaluate(watched, job.category, progress)
    fitted = detector.fitted
    return {
        **card.row(job.method, job.settings.seed, fitted.steps, detector.minutes),
        "mask_steps": fitted.mask_steps,
        "processor_minutes": fitted.processor_minutes,
        "device": fitted.device,
        **watched.figures(),
        "parameters": fitted.parameters,
        "macs": fitted.macs,
        "settings": describe_settings(job.settings),
        **job.judged_with(),
    }


def check_testable(category: Category, progress: Progress) -> None:
    """Raises DataError with a line for each error in either half, as `baad train` and `baad evaluate` do."""
    found = check_test(category, progress)  # with the outlines of the part, which judge
    if category.test:
        found += check_category(category, progress)
    require_usable(list(dict.fromkeys(found)))


def write_results(out: Path, rows: Sequence[Row], stressed: Sequence[Row], command: str) -> None:
    """The files of rows and the tables made from them."""
    write_rows(out / RESULTS, rows)
    if stressed:
        write_rows(out / STRESS, stressed)
    page = format_table(rows, command)
    if stressed:
        page += "\n" + format_background(stressed, rows)
    write_text(out / "README.md", page)
