"""baad bench parity: do the runtimes judge every test picture as PyTorch does?"""

import os
from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad bench parity runs/*.baad --data mvtec --out docs/results/parity
"""


def main(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL", help="Model files of baad train.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets parity.jsonl and a table, README.md.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Holds a category for each model, by its name; $BAAD_DATA if left out."),
    ] = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> int:
    """Compare PyTorch, ONNX Runtime and OpenVINO on all test pictures.

    Writes the largest difference of a map, as a share of its range, the largest of a score, and how many verdicts
    differ. Every runtime that is installed takes part. Rows of other categories that --out holds already stay.
    """
    from baad.cli.outputs import require_page_folder
    from baad.errors import DataError
    from baad.progress import choose_progress

    options.require_extra("train")
    from baad.bench.parity import KEYS, ROWS, bench_parity, write_results
    from baad.bench.rows import read_rows

    require_page_folder(out, "--out")
    place = data or (Path(os.environ["BAAD_DATA"]) if os.environ.get("BAAD_DATA") else None)
    if place is None:
        raise DataError("Where are the pictures? Give the folder of the categories with --data, or as BAAD_DATA.")
    progress = choose_progress(quiet)
    rows, anew = read_rows(out / ROWS, KEYS), set[str]()
    for row in bench_parity(models, place, progress, options.limit_threads(threads, progress)):
        if row["category"] not in anew:
            anew.add(row["category"])
            rows = [other for other in rows if other["category"] != row["category"]]
        rows.append(row)
        write_results(rows, out, "baad bench parity MODEL ... --data DIR --out DIR")
        if not quiet:
            told = f"{row['flips']} verdicts flipped on {row['pictures']}, maps at most {row['map_error']:.1e} off"
            told += "" if row["holds"] else ": it does not hold"
            print(f"{row['category']:<20}{row['runtime']:<22}{told}", flush=True)
    return 0
