"""baad distill: photos and a teacher -> the weights of the patch description network."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad distill --images photos --out weights --work cache                       from WideResNet-50-2, by way of timm
baad distill --images photos --out weights --work cache --weights wide_resnet50_2-95faca4d.pth    without a model hub
baad distill --images photos --out weights --work cache --teacher efficientnet_lite2    a teacher that pip brings
baad distill --images photos --images parts/good --out weights --work cache   photos and your own normal pictures
baad distill --images photos --out weights --work cache --size plain --steps 2000       another design
"""


def main(
    images: Annotated[
        list[Path], typer.Option(metavar="DIR", help="Folder of photos, at any depth; may be given often.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the weights and their card go.")],
    work: Annotated[
        Path, typer.Option(metavar="DIR", help="Cache and checkpoint: the same call goes on after a stop.")
    ],
    size: Annotated[str, typer.Option(metavar="NAME", help="tiny, fast, small, or a candidate's name.")] = "fast",
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Training steps.")] = 7000,
    batch: Annotated[int, typer.Option(min=1, metavar="N", help="Crops a step; 32 keep a GPU busy.")] = 14,
    teacher: Annotated[
        str, typer.Option(metavar="NAME", help="A backbone that timm knows, or efficientnet_lite0, 1 or 2.")
    ] = "wide_resnet50_2.tv_in1k",
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The teacher's weights, .safetensors or .pth, not from the hub.")
    ] = None,
    reduction: Annotated[
        str, typer.Option(metavar="NAME", help="The teacher's channels become fewer by pca or pooled.")
    ] = "pca",
    crops: Annotated[int, typer.Option(min=1, metavar="N", help="Crops of every photo.")] = 1,
    cache: Annotated[
        float, typer.Option(min=0.001, metavar="GB", help="Most that the cached targets may take.")
    ] = 16.0,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or cuda:1.")] = "auto",
    threads: options.Threads = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Start of all chance.")] = 0,
    quiet: options.Quiet = False,
) -> int:
    """Teach the patch description network (for developers).

    It learns what a large network sees in photos of many things. Users never need this: the weights are shipped.
    """
    from baad.cli.outputs import require_folder
    from baad.errors import SettingError
    from baad.progress import choose_progress

    options.require_extra("train")
    require_folder(out, "--out")
    from baad.learn.distill import DistillSettings, distill
    from baad.learn.pdn import PDN_SHAPES
    from baad.learn.targets import TargetSettings

    if size not in PDN_SHAPES:
        raise SettingError(f"--size {size}: give one of {', '.join(PDN_SHAPES)}.")
    pairs = TargetSettings(
        teacher=teacher, weights=str(weights or ""), reduction=reduction, crops=crops, cache_gb=cache, seed=seed
    )
    progress = choose_progress(quiet)
    used = options.limit_threads(threads, progress)
    settings = DistillSettings(
        size=size, targets=pairs, steps=steps, batch_size=batch, seed=seed, device=device, threads=used
    )
    card = distill(images, out, work, settings, progress)
    if not quiet:
        figures = ", ".join(f"{name} {value}" for name, value in card["fidelity_on_unseen_photos"].items())
        print(f"{out / card['name']}.safetensors: on unseen photos {figures}")
    return 0
