"""baad distill: photos and a teacher -> the weights of the patch description network."""

from pathlib import Path
from typing import Annotated

import typer

from baad.cli import options

EXAMPLES = """
baad distill --images photos --out weights --work cache                       the default teacher
baad distill --images photos/a --images photos/b --out weights --work cache   several folders
baad distill --images photos --out weights --work cache --teacher wide_resnet50_2.tv_in1k --weights teacher.safetensors
"""


def main(
    images: Annotated[list[Path], typer.Option(metavar="DIR", help="Folder of photos; may be given often.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the weights and their card go.")],
    work: Annotated[
        Path, typer.Option(metavar="DIR", help="Cache and checkpoint: the same call goes on after a stop.")
    ],
    size: Annotated[str, typer.Option(metavar="NAME", help="Which of the networks: fast or tiny.")] = "fast",
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Training steps.")] = 6000,
    teacher: Annotated[
        str, typer.Option(metavar="NAME", help="efficientnet_lite2, or a name that timm knows.")
    ] = "efficientnet_lite2",
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The teacher's weights from a local file, not from the hub.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Start of all chance.")] = 0,
    quiet: options.Quiet = False,
) -> int:
    """Teach the patch description network (for developers).

    It learns what a large network sees in photos of many things, not of your product. Users never need this: the
    weights are shipped.
    """
    from baad.cli.outputs import require_folder
    from baad.errors import SettingError
    from baad.progress import choose_progress

    options.require_extra("train")
    require_folder(out, "--out")
    from baad.learn.distill import DistillSettings, distill
    from baad.learn.pdn import PDN_SHAPES

    if size not in PDN_SHAPES:
        raise SettingError(f"--size {size}: give {' or '.join(PDN_SHAPES)}.")
    settings = DistillSettings(size=size, steps=steps, teacher=teacher, weights=str(weights or ""), seed=seed)
    card = distill(images, out, work, settings, choose_progress(quiet))
    if not quiet:
        figures = ", ".join(f"{name} {value}" for name, value in card["fidelity_on_unseen_photos"].items())
        print(f"{out / card['name']}.safetensors: on unseen photos {figures}")
    return 0
