"""baad export: a model file -> a folder for the line, proven on pictures."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad export model.baad -o line                                          ONNX, decision.json, parity.json
baad export model.baad parts/good -o line                               proven on the pictures held out in training
baad export model.baad -o line --format openvino --precision fp16       model.xml, model.bin
baad export model.baad parts/good -o line --format openvino --precision int8
baad export model.baad -o line --fixed 1x480x640                        takes one picture of 480 x 640 px at a time
baad export model.baad -o models --format triton --name housing         models/housing/ for Triton
"""


def main(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file of baad train.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to write.")],
    data: Annotated[
        Path | None, typer.Argument(metavar="DATA", help="The normal pictures that it was trained on.")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="onnx, openvino or triton.")] = "onnx",
    precision: Annotated[
        str, typer.Option(metavar="NAME", help="fp32; for OpenVINO also fp16, or int8, which needs DATA.")
    ] = "fp32",
    fixed: Annotated[
        str,
        typer.Option(
            metavar="NxHxW", help="Number, height and width of the pictures that it takes; any size if left out."
        ),
    ] = "",
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the model in Triton; MODEL's if left out.")] = "",
    layout: options.Layout = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> int:
    """Write a model for other runtimes, and prove that they judge alike.

    Runs 32 pictures, half of them the nearest to the threshold, through PyTorch, ONNX Runtime and, where it is
    installed, OpenVINO. Nothing is written where a verdict flips, or a map or score is off by more than its
    bound. Pictures go in as uint8 of any size; thresholds lie beside the network in decision.json, never in it.
    """
    from baad.cli.outputs import require_folder
    from baad.data.reading import read_category
    from baad.errors import DataError
    from baad.learn.fixed_size import read_fixed_size
    from baad.learn.hand_over import export_model, require_possible
    from baad.progress import choose_progress

    options.require_extra("train")
    size = read_fixed_size(fixed) if fixed else None
    if form == "openvino":
        options.require_extra("openvino", ("openvino",))
    if precision == "int8":
        options.require_extra("export", ("nncf",))
    require_folder(out, "-o")
    progress = choose_progress(quiet)
    cores = options.limit_threads(threads or 0, progress)
    pictures = read_category(data, layout).train if data is not None else ()
    if data is not None and not pictures:
        raise DataError(f"{data} holds no normal pictures: give what the model was trained on, or leave it away.")
    require_possible(form, precision, pictures, size)
    done = export_model(
        model,
        out,
        form=form,
        precision=precision,
        pictures=pictures,
        progress=progress,
        threads=cores,
        name=name,
        fixed=size,
    )
    if not quiet:
        print(f"{done.folder}: {form}, {done.precision}; {done.certificate.summary()}")
    return 0
