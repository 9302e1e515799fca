"""The networks whose patch features are compared, by name: the teacher, PDNs of every design, random weights."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn

from baad.errors import SettingError
from baad.learn.pdn import PDN_SHAPES, WEIGHTS, new_pdn, read_pdn
from baad.learn.teacher import Teacher, load_teacher, require_maps

TEACHERS = {"teacher": 256, "teacher_512": 512}  # -> px of its input
SIZE = 256  # px of a PDN's input


class Layers(nn.Module):
    """A teacher without what distillation makes of its maps: images [B, 3, H, W] -> maps at strides 8 and 16."""

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.teacher = teacher

    def forward(self, images: Tensor) -> list[Tensor]:
        return self.teacher.layers(images)


@dataclass(frozen=True)
class Candidate:
    """`network`: images [B, 3, S, S] in 0..1 -> features [B, C, S / stride, S / stride], a teacher's one by one.

    `raw`: a teacher's own maps, neither reduced nor scaled. `sha256`: of its weights, as their card or a teacher's
    `fingerprint` has it. `fidelity`: r2, cosine and cka on unseen photos, from the card, and `steps` of its
    distillation; nothing where that does not apply.
    """

    name: str
    network: nn.Module
    input_size: int
    stride: int
    channels: int
    sha256: str
    raw: bool = False
    fidelity: dict[str, float] = field(default_factory=dict)
    steps: int | None = None


def holds_weights(folder: Path, name: str) -> bool:
    """Whether a folder has weights of the design called `name`."""
    return (folder / f"pdn_{name}.safetensors").exists()


def load_candidate(name: str, pdns: Path | None, teacher: str, weights: Path | None, seed: int) -> Candidate:
    """`teacher` and `teacher_512`, `random`, or a PDN: from `pdns`, a folder that `baad distill` wrote, or as shipped.

    Raises SettingError for an unknown name or one without weights, InputError for a network that is no teacher.
    """
    if name in TEACHERS:
        large = load_teacher(teacher, weights)
        require_maps(large, TEACHERS[name])
        return Candidate(name, Layers(large), TEACHERS[name], 8, large.channels, large.fingerprint(), raw=True)
    if name == "random":
        return Candidate(name, new_pdn("fast", seed), SIZE, 4, PDN_SHAPES["fast"].features, "random")
    if name not in PDN_SHAPES:
        raise SettingError(f"Unknown candidate {name!r}: give {', '.join([*TEACHERS, 'random', *PDN_SHAPES])}.")
    folders = [folder for folder in (pdns, WEIGHTS) if folder and holds_weights(folder, name)]
    if not folders:
        where = f"neither {pdns} nor the package holds" if pdns else "the package does not hold"
        raise SettingError(f"{where} weights of {name!r}. Distil them: baad distill --size {name}, then give --pdns.")
    card = folders[0] / f"pdn_{name}.json"
    network = read_pdn(folders[0] / f"pdn_{name}.safetensors", card, PDN_SHAPES[name])
    said = json.loads(card.read_text("utf-8"))
    features, fidelity = PDN_SHAPES[name].features, said["fidelity_on_unseen_photos"]
    steps = said["settings"]["steps"]
    return Candidate(name, network, SIZE, 4, features, said["sha256"], fidelity=fidelity, steps=steps)
