"""What are patch features worth? A nearest-neighbour detector on each candidate, category by category, and its cost."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

import baad
from baad.atomic import write_text
from baad.bench.candidates import SIZE, TEACHERS, Candidate, holds_weights, load_candidate
from baad.bench.job import require_names
from baad.bench.latency import Latency, measure_latency, tell_threads
from baad.bench.made_with import DIGITS, hash_pictures, hash_tested
from baad.bench.neighbours import GRID, MEMORY, NEIGHBOURS, Pictures, read_pictures, score_features
from baad.bench.peers import TEACHER_CHANNELS, WideResNet50, pdn_s
from baad.bench.rows import Row, mean, put_last, read_rows, write_rows
from baad.bench.run import check_testable
from baad.data.reading import read_category
from baad.data.sample import Category
from baad.errors import DataError, SettingError
from baad.learn.blocks import fold_batch_norms
from baad.learn.pdn import PDN_SHAPES, new_pdn
from baad.metrics.scorecard import show
from baad.progress import Progress
from baad.runtime.session import usable_cores

CANDIDATES = ("teacher", "teacher_512", "random", "fast")
PEERS: Mapping[str, Callable[[], nn.Module]] = {  # timed beside the candidates; weights do not matter to that
    "wrn50_layer3": lambda: fold_batch_norms(WideResNet50().eval()),
    "pdn_s": lambda: pdn_s(TEACHER_CHANNELS).eval(),
}
MEASURED = ("image_auroc", "pixel_auroc")
KEYS = ("candidate", "category", "seed")  # what a row is of
RESULTS, LATENCY = "results.jsonl", "latency.jsonl"


@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """What a comparison depends on, besides the pictures."""

    candidates: Sequence[str] = CANDIDATES
    pdns: Path | None = None  # folder with weights of `baad distill`; looked in before the package
    teacher: str = "efficientnet_lite2"
    weights: Path | None = None  # the teacher's, from a local file
    seed: int = 0
    memory: int = MEMORY
    threads: int = 2  # of the timing
    seconds: float = 60.0  # of the timing; 0 leaves it out


def compare_features(
    categories: Sequence[Path], out: Path, settings: FeatureSettings, progress: Progress, layout: str = "auto"
) -> list[Row]:
    """A row for each candidate and category in `out`/results.jsonl, and tables of the rows of this seed in
    `out`/README.md.

    Rows of the same weights, seed and training pictures that stand there already are kept, and so are times in
    `out`/latency.jsonl if they have all candidates; they are measured anew otherwise, all of them in one run. `layout`
    is read_category's.

    Raises DataError for two categories of one name, and where the folder of weights is none; SettingError where there
    are no candidates.
    """
    if not settings.candidates:
        raise SettingError(f"--candidates names none: give some, such as {','.join(CANDIDATES)}.")
    if settings.pdns and not settings.pdns.is_dir():
        raise DataError(f"{settings.pdns} is not a folder. Give --pdns the one that `baad distill` wrote to (--out).")
    candidates = {name: _load(name, settings) for name in dict.fromkeys(settings.candidates)}
    for name in candidates:
        if settings.pdns and name in PDN_SHAPES and not holds_weights(settings.pdns, name):
            progress.warn(f"{settings.pdns} holds no weights of {name}: those of the package are measured")
    read = [read_category(path, layout) for path in categories]
    require_names(read)
    times = time_candidates(candidates, out, settings, progress)
    kept = read_rows(out / RESULTS, (*KEYS, *MEASURED))
    rows = [row | cost_of(row["candidate"], times) | _steps_of(row, candidates) for row in kept]
    write_results(out, rows, times, settings)
    for category in read:
        wanted = describe_wanted(category, candidates, settings)
        rows = [complete_row(row, wanted.get(row["candidate"], {})) for row in rows]
        for row in score_category(category, candidates, wanted, rows, settings, progress):
            rows = put_last(rows, row | cost_of(row["candidate"], times), KEYS)
            write_results(out, rows, times, settings)
            figures = ", ".join(f"{name} {row[name]}" for name in MEASURED)
            progress.say(f"{category.name}, {row['candidate']}: {figures}")
    write_results(out, rows, times, settings)
    return rows


def score_category(
    category: Category,
    candidates: Mapping[str, Candidate],
    wanted: Mapping[str, Mapping[str, Any]],
    rows: Sequence[Row],
    settings: FeatureSettings,
    progress: Progress,
) -> Iterator[Row]:
    """Yields a row, without costs, for each candidate that has none yet. `wanted`: what its row says of its making."""
    missing = [each for each in candidates.values() if not any(_made(row, wanted[each.name]) for row in rows)]
    if missing:
        check_testable(category, progress)
    pictures: dict[int, Pictures] = {}
    for candidate in missing:
        if candidate.input_size not in pictures:
            pictures = {candidate.input_size: read_pictures(category, candidate.input_size, progress)}
        figures = score_features(
            candidate.network,
            pictures[candidate.input_size],
            settings.seed,
            progress,
            raw=candidate.raw,
            memory=settings.memory,
        )
        fidelity = {name: candidate.fidelity.get(name) for name in ("r2", "cosine", "cka")}
        sizes = {name: getattr(candidate, name) for name in ("input_size", "stride", "channels")}
        yield (
            dict(wanted[candidate.name])
            | figures
            | fidelity
            | sizes
            | {"steps": candidate.steps, "version": baad.__version__}
        )


def _steps_of(row: Mapping[str, Any], candidates: Mapping[str, Candidate]) -> dict[str, int | None]:
    """Steps of the distillation of the weights that a kept row was made with, where they are at hand."""
    known = candidates.get(row["candidate"])
    same = known is not None and known.sha256[:DIGITS] == row.get("pdn_sha256")
    return {"steps": known.steps if known and same else row.get("steps")}


def _load(name: str, settings: FeatureSettings) -> Candidate:
    return load_candidate(name, settings.pdns, settings.teacher, settings.weights, settings.seed)


def describe_wanted(
    category: Category, candidates: Mapping[str, Candidate], settings: FeatureSettings
) -> dict[str, dict[str, Any]]:
    """What the row of each candidate says of what it is made with."""
    same: dict[str, Any] = {"neighbours": NEIGHBOURS, "memory": settings.memory}
    same |= {"pictures_sha256": hash_pictures(category), "tested_on": hash_tested(category)}
    return {
        name: {**dict(zip(KEYS, (name, category.name, settings.seed))), "pdn_sha256": each.sha256[:DIGITS], **same}
        for name, each in candidates.items()
    }


def complete_row(row: Row, wanted: Mapping[str, Any]) -> Row:
    """The row with what it does not tell yet, if it is made with what is wanted."""
    return {**row, **wanted, **row} if wanted and _made(row, wanted) else row


def _made(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the row is made with what is wanted; what older rows do not tell counts as made with this."""
    return all(row.get(key, value) == value for key, value in wanted.items())


def time_candidates(
    candidates: Mapping[str, Candidate], out: Path, settings: FeatureSettings, progress: Progress
) -> dict[str, Latency]:
    """Times of all candidates and of `PEERS`, from `out` where it has them all, of this teacher and these threads."""
    threads = min(settings.threads, usable_cores())
    known = {
        row["network"]: Latency(row["size"], row["gmac"], row["medians"], row["where"])
        for row in read_rows(out / LATENCY, ("network", "size", "gmac", "medians", "where"))
        if (not settings.seconds or row["where"].endswith(tell_threads(threads)))
        and (row["network"] not in TEACHERS or row.get("teacher", FeatureSettings.teacher) == settings.teacher)
    }
    if not settings.seconds or {*candidates, *PEERS} <= set(known):
        return known
    networks: dict[str, tuple[nn.Module, int]] = {name: (new(), SIZE) for name, new in PEERS.items()}
    for name in dict.fromkeys([*candidates, *known]):
        if name in PDN_SHAPES:
            networks[name] = (new_pdn(name, 0), SIZE)
        elif name not in PEERS:
            each = candidates.get(name) or _load(name, settings)
            networks[name] = (each.network, each.input_size)
    found = measure_latency(networks, threads, settings.seconds, progress)
    named = {name: {"network": name} | ({"teacher": settings.teacher} if name in TEACHERS else {}) for name in found}
    write_rows(out / LATENCY, (named[name] | vars(each) for name, each in found.items()))
    return found


def cost_of(candidate: str, times: Mapping[str, Latency]) -> dict[str, float | None]:
    found = times.get(candidate)
    return {"ms": found.ms if found else None, "gmac": found.gmac if found else None}


def write_results(out: Path, rows: Sequence[Row], times: Mapping[str, Latency], settings: FeatureSettings) -> None:
    """`results.jsonl` and the tables made from it."""
    write_rows(out / RESULTS, rows)
    write_text(out / "README.md", format_features(rows, times, settings))


def format_features(rows: Sequence[Row], times: Mapping[str, Latency], settings: FeatureSettings) -> str:
    """Markdown: what each candidate costs and keeps, then image and pixel AUROC by category. Rows of the settings' seed
    alone."""
    rows = [row for row in rows if row["seed"] == settings.seed]
    lines = [
        "# What the patch features are worth",
        "",
        f"A nearest-neighbour detector on the features of each candidate: 3x3 means on a grid of {GRID}x{GRID} cells, "
        f"{settings.memory:,} random patches of all normal training pictures, the same for all, seed {settings.seed}; "
        f"a teacher's channels are standardised, those of a PDN are as they are. `teacher` is {settings.teacher}, "
        "`random` the default network with random weights. r2, cosine and cka: what a PDN keeps of its teacher on "
        "photos it never saw, and steps of its distillation, from its card. Written by "
        "`baad bench features CATEGORY... --out DIR`.",
        "",
        *_cost_table(rows, times),
    ]
    for name in MEASURED:
        lines += ["", f"## {name.replace('_', ' ').replace('auroc', 'AUROC').capitalize()}", ""]
        lines += _category_table(rows, name)
    return "\n".join(lines) + "\n"


def _cost_table(rows: Sequence[Row], times: Mapping[str, Latency]) -> list[str]:
    """A line per network: means over the categories that all candidates have, costs, fidelity."""
    candidates = list(dict.fromkeys(row["candidate"] for row in rows))
    shared = _shared_categories(rows)
    runtimes = list(next(iter(times.values())).medians) if times else []
    kept, sizes = ("r2", "cosine", "cka"), ("steps", "input_size", "stride", "channels")
    head = ["network", "image AUROC", "pixel AUROC", "GMAC", *(f"ms, {each}" for each in runtimes), *kept, *sizes]
    lines = ["| " + " | ".join(head).replace("_", " ") + " |", "|---" * len(head) + "|"]
    for name in dict.fromkeys([*candidates, *times]):
        mine = [row for row in rows if row["candidate"] == name and row["category"] in shared]
        cells = [_mean([row[key] for row in mine]) for key in MEASURED]
        time = times.get(name)
        cells += (
            [f"{time.gmac:.2f}", *(f"{each:.2f}" for each in time.medians.values())]
            if time
            else ["–"] * (1 + len(runtimes))
        )
        cells += [_mean([row[key] for row in mine[:1]]) for key in kept]
        cells += [str(mine[0].get(key) or "–") if mine else "–" for key in sizes]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    told = f"Means over {len(shared)} categories: {', '.join(shared)}."
    if times:
        told += f" Times are medians of one run, in turns, on {next(iter(times.values())).where}."
    lines += ["", told]
    if "fast" in times:
        ratios = [f"{times[name].ms / times['fast'].ms:.1f}x faster than {name}" for name in PEERS if name in times]
        lines.append(f"`fast` is {' and '.join(ratios)}, each in its faster runtime.")
    return lines


def _category_table(rows: Sequence[Row], key: str) -> list[str]:
    """A line per category, a column per candidate, the mean over the categories that all have last."""
    candidates = list(dict.fromkeys(row["candidate"] for row in rows))
    found = {(row["candidate"], row["category"]): row[key] for row in rows}
    lines = ["| category | " + " | ".join(candidates) + " |", "|---" * (len(candidates) + 1) + "|"]
    for name in dict.fromkeys(row["category"] for row in rows):
        lines.append(f"| {name} | " + " | ".join(_mean([found.get((each, name))]) for each in candidates) + " |")
    shared = _shared_categories(rows)
    means = [_mean([found[each, name] for name in shared]) for each in candidates]
    return [*lines, "| mean | " + " | ".join(means) + " |"]


def _shared_categories(rows: Sequence[Row]) -> list[str]:
    """Those that every candidate was measured on: means over others could not be compared."""
    candidates = {row["candidate"] for row in rows}
    names = dict.fromkeys(row["category"] for row in rows)
    return [name for name in names if {row["candidate"] for row in rows if row["category"] == name} == candidates]


def _mean(values: Iterable[float | None]) -> str:
    return show(mean(values), 3)
