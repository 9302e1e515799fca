"""Do the runtimes judge every test picture as PyTorch does? A row for each model and runtime."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from baad.atomic import write_text
from baad.bench.host import describe_host
from baad.bench.made_with import DIGITS
from baad.bench.rows import write_rows
from baad.bundle import Bundle, read_bundle
from baad.data.decode import read_image
from baad.data.doctor import check_test, require_usable
from baad.data.reading import read_category
from baad.data.sample import Category
from baad.errors import DataError
from baad.learn.parity import BOUNDS, InPyTorch, compare, open_runners
from baad.learn.reload import load_graph
from baad.progress import Progress
from baad.runtime.detector import usual_shape
from baad.runtime.tiles import Scorer, as_trained

ROWS, PAGE = "parity.jsonl", "README.md"
KEYS = ("category", "pictures", "runtime", "map_error", "score_error", "foreground_error", "flips", "ties", "host")


def bench_parity(models: Sequence[Path], data: Path, progress: Progress, threads: int = 0) -> Iterator[dict[str, Any]]:
    """Run all test pictures of each model's category through the model file's own graph, in every runtime: rows.

    data: holds a folder for each category, of the name that the model knows. Labels are counted, not used. Raises
    DataError where a category or its test half is absent or has errors, before any picture is run.
    """
    opened = [read_bundle(path) for path in models]
    categories = [find_category(bundle, data) for bundle in opened]
    for category in categories:
        require_usable(check_test(category, progress))
    for bundle, category in zip(opened, categories):
        yield from measure(bundle, category, progress, threads)


def find_category(bundle: Bundle, data: Path) -> Category:
    """The category that a model was trained on, by its name."""
    name = bundle.manifest.get("category", "")
    if not name or not (data / name).is_dir():
        raise DataError(
            f"{bundle.path} is of the category {name!r}, and {data} has no such folder. Give another --data."
        )
    return read_category(data / name)


def measure(bundle: Bundle, category: Category, progress: Progress, threads: int) -> list[dict[str, Any]]:
    """One model: a row for each runtime."""
    graph, _ = load_graph(bundle.path)
    threshold = bundle.calibration.threshold

    def judging(session: Scorer) -> Scorer:
        return as_trained(session, bundle.manifest)

    runners, remarks = open_runners(bundle.onnx, threads, threshold, judging, usual_shape(bundle.manifest))
    for remark in remarks:
        progress.warn(remark)
    with progress.task(category.name, len(category.test)) as task:

        def read(path: Path) -> Any:
            task.advance()
            return read_image(path)

        reference = judging(InPyTorch(graph))
        found = compare(reference, runners, (read(image.path) for image in category.test), threshold)
    facts = {
        "category": category.name,
        "seed": bundle.manifest.get("seed"),
        "steps": bundle.manifest.get("steps"),
        "pdn_sha256": bundle.manifest.get("pdn_sha256", "")[:DIGITS],
        "pictures": len(category.test),
        "defective": sum(image.defective for image in category.test),
    }
    return [{**facts, **asdict(row), "holds": row.holds, "host": describe_host()} for row in found]


def write_results(rows: Sequence[Mapping[str, Any]], out: Path, command: str) -> None:
    """`parity.jsonl` and a page made from it, in a folder."""
    write_rows(out / ROWS, rows)
    write_text(out / PAGE, format_page(rows, command))


def format_page(rows: Sequence[Mapping[str, Any]], command: str) -> str:
    """Markdown: a table, and what it was measured on."""
    hosts: dict[str, list[str]] = {}
    for row in rows:
        hosts.setdefault(_tell_host(row["host"]), []).append(row["category"])
    told = " ".join(
        f"{host}." if len(hosts) == 1 else f"{', '.join(dict.fromkeys(names))}: {host}."
        for host, names in hosts.items()
    )
    lines = [
        "# Parity",
        "",
        f"Written by `{command}`. Every test picture at its own size through PyTorch and the model file's graph in "
        f"each runtime, at the model's threshold. A tie: verdicts differ, but both scores lie within "
        f"{BOUNDS['fp32'].tie:g} of the threshold. {told}",
        "",
        "| category | pictures | runtime | map error, of its range | score error | foreground error "
        "| flipped verdicts | ties |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['category']} | {row['pictures']} | {row['runtime']} | {row['map_error']:.1e} "
            f"| {row['score_error']:.1e} | {row['foreground_error']:.1e} | {row['flips']} | {row['ties']} |"
        )
    return "\n".join(lines) + "\n"


def _tell_host(host: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in host["versions"].items())
    return f"{host['processor']}, {host['system']}, Python {host['python']}, {versions}"
