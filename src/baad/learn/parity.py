"""Does the exported file judge as the network did? The certificate, and what refuses an export."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import onnxruntime
import torch

import baad
from baad.bundle import Bundle
from baad.errors import MissingExtra, TrainingError, how_to_install
from baad.learn.deploy import DeployGraph
from baad.learn.witnesses import NormalSource, Witnesses, choose_witnesses
from baad.progress import Progress
from baad.runtime.openvino_network import has_openvino
from baad.runtime.session import RawMaps, Session
from baad.runtime.tiles import Scorer
from baad.settings import TrainSettings
from baad.verdict.promise import tell_flips

FLATTEST = 1e-2  # logits: a map that varies less counts as varying so much, or rounding would look like an error


@dataclass(frozen=True)
class Bound:
    """What a precision may cost. `map_error`: share of a map's range; `score_error`, `tie`: logits; `foreground_error`:
    of the probability of being part.

    A verdict that flips is excused where both scores lie within `tie` of their thresholds: the score that set a
    threshold lies on it, and rounding alone may take it to the other side. On real models rounding costs less.
    """

    map_error: float
    score_error: float
    foreground_error: float
    tie: float
    flips: bool = False  # whether verdicts may flip: INT8 has thresholds of its own, and is judged in int8.py


BOUNDS = {
    "fp32": Bound(map_error=1e-3, score_error=1e-2, foreground_error=1e-3, tie=1e-4),
    "fp16": Bound(map_error=2e-2, score_error=0.2, foreground_error=5e-2, tie=5e-2),
    "int8": Bound(map_error=0.15, score_error=math.inf, foreground_error=math.inf, tie=0.0, flips=True),
}


@dataclass(frozen=True)
class Runner:
    """An exported network in one runtime, and the threshold that it judges at."""

    runtime: str  # with its version
    precision: str  # "fp32", "fp16" or "int8"
    session: Scorer
    threshold: float

    @property
    def tie(self) -> float:
        return BOUNDS[self.precision].tie


@dataclass(frozen=True)
class InPyTorch:
    """The network as it was trained, in the place of a Session: what every runtime is compared with."""

    graph: DeployGraph

    def run(self, image: np.ndarray) -> RawMaps:
        """Raw maps of one picture, uint8 [H, W, 3]."""
        with torch.no_grad():
            maps, foreground, scores, _ = self.graph(torch.from_numpy(np.ascontiguousarray(image))[None])
        return RawMaps(maps[0].numpy(), foreground[0].numpy(), float(scores[0]))

    def run_batch(self, images: Sequence[np.ndarray]) -> list[RawMaps]:
        """One after the other."""
        return [self.run(image) for image in images]


@dataclass(frozen=True)
class Comparison:
    """One runtime beside PyTorch: largest differences over the pictures, and verdicts that differ."""

    runtime: str  # with its version
    precision: str  # "fp32", "fp16" or "int8"
    map_error: float  # of the anomaly map, as a share of that map's range
    score_error: float  # logits
    foreground_error: float  # of the probability of being part
    flips: int
    ties: int = 0  # verdicts that differ, but are excused: both scores lie as good as on their thresholds

    @property
    def holds(self) -> bool:
        """Whether no verdict flips and no map, foreground or score is further off than the precision may cost."""
        bound = BOUNDS[self.precision]
        near = all(
            getattr(self, name) <= getattr(bound, name) for name in ("map_error", "score_error", "foreground_error")
        )
        return near and (self.flips == 0 or bound.flips)


@dataclass(frozen=True)
class Certificate:
    """What was compared, on which pictures, and what came of it."""

    pictures: int
    normal: int  # of the pictures; the others have a drawn defect
    near: int  # of the pictures: chosen because their scores are the nearest to the threshold
    source: str  # where the pictures come from
    threshold: float
    comparisons: tuple[Comparison, ...]
    remarks: tuple[str, ...] = ()
    reference: str = field(default_factory=lambda: f"PyTorch {torch.__version__}")

    @classmethod
    def of(
        cls,
        witnesses: Witnesses,
        threshold: float,
        comparisons: tuple[Comparison, ...],
        remarks: tuple[str, ...] = (),
    ) -> "Certificate":
        """The certificate of comparisons on `witnesses`."""
        normal = sum(each.draw == 0 for each in witnesses.chosen)
        source = witnesses.normals.what
        return cls(len(witnesses.chosen), normal, witnesses.near, source, threshold, comparisons, remarks)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`."""
        rows = [{**asdict(each), "holds": each.holds} for each in self.comparisons]
        return {"product": "baad", "baad_version": baad.__version__, **asdict(self), "comparisons": rows}

    def summary(self) -> str:
        """The certificate in a clause."""
        worst = max(each.map_error for each in self.comparisons)
        flips, ties = (sum(getattr(each, name) for each in self.comparisons) for name in ("flips", "ties"))
        judged = f"{tell_flips(flips, ties)} on {self.pictures} pictures, "
        judged += f"maps at most {worst:.1e} of their range off"
        return f"{' and '.join(each.runtime for each in self.comparisons)} beside {self.reference}: {judged}"

    def lines(self) -> list[str]:
        """The certificate for people."""
        told = f"parity with {self.reference} on {self.pictures} pictures: {self.normal} normal, "
        told += f"{self.pictures - self.normal} with drawn defects, {self.near} the nearest to the threshold; "
        told += f"made from {self.source}"
        names = [f"{each.runtime}, {each.precision}" for each in self.comparisons]
        rows = [
            f"  {name:<{max(map(len, names))}}  map error {each.map_error:.1e} of its range, "
            f"score error {each.score_error:.1e}, foreground error {each.foreground_error:.1e}, "
            f"{tell_flips(each.flips, each.ties)}"
            for name, each in zip(names, self.comparisons, strict=True)
        ]
        return [told, *rows, *(f"  {remark}" for remark in self.remarks)]


def certify(
    graph: DeployGraph,
    onnx: bytes,
    normals: NormalSource,
    threshold: float,
    settings: TrainSettings,
    progress: Progress,
    judging: Callable[[Scorer], Scorer],
    usual: tuple[int, int] | None,
) -> Certificate:
    """Compare the graph with its ONNX in every runtime there is; says what came of it.

    `judging`: what the model makes of a session before pictures come, such as tiles of them. `usual`: see open_runners.
    """
    runners, remarks = open_runners(onnx, settings.threads, threshold, judging, usual)
    witnesses = choose_witnesses(normals, runners[0].session, threshold, graph.input_shape, settings.seed, progress)
    comparisons = compare(judging(InPyTorch(graph)), runners, witnesses, threshold)
    certificate = Certificate.of(witnesses, threshold, comparisons, remarks)
    for line in certificate.lines():
        progress.say(line)
    return certificate


def compare(
    reference: Scorer, runners: Sequence[Runner], pictures: Iterable[np.ndarray], threshold: float
) -> tuple[Comparison, ...]:
    """Run the reference, which judges at `threshold`, and the runners on pictures, uint8 [H, W, 3] each."""
    found: list[list[Difference]] = [[] for _ in runners]
    for picture in pictures:
        expected = reference.run(picture)
        for runner, rows in zip(runners, found):
            rows.append(differ(expected, threshold, runner.session.run(picture), runner.threshold, runner.tie))
    return tuple(
        Comparison(
            runner.runtime,
            runner.precision,
            map_error=_highest(row.map_error for row in rows),
            score_error=_highest(row.score_error for row in rows),
            foreground_error=_highest(row.foreground_error for row in rows),
            flips=sum(row.differs and not row.tied for row in rows),
            ties=sum(row.differs and row.tied for row in rows),
        )
        for runner, rows in zip(runners, found)
    )


def _highest(errors: Iterable[float]) -> float:
    """NaN where one of them is: no bound holds then, as it must not."""
    return float(np.max(list(errors)))


@dataclass(frozen=True)
class Difference:
    """Between two runs of one picture."""

    map_error: float  # as a share of the first one's range
    score_error: float
    foreground_error: float
    differs: bool  # whether the verdicts do
    tied: bool  # whether both scores lie as near to their thresholds as is excused


def differ(first: RawMaps, threshold: float, second: RawMaps, second_threshold: float, tie: float) -> Difference:
    """What the second run, judged at its own threshold, gives otherwise than the first."""
    map_error = float(np.abs(first.anomaly - second.anomaly).max()) / max(float(np.ptp(first.anomaly)), FLATTEST)
    tied = max(abs(first.score - threshold), abs(second.score - second_threshold)) < tie
    differs = (first.score > threshold) != (second.score > second_threshold)
    foreground_error = float(np.abs(first.foreground - second.foreground).max())
    return Difference(map_error, abs(first.score - second.score), foreground_error, differs, tied)


def require_parity(certificate: Certificate) -> None:
    """Raises TrainingError where an exported file would judge otherwise than the network did."""
    wrong = [each for each in certificate.comparisons if not each.holds]
    if wrong:
        told = "; ".join(
            f"{each.runtime} ({each.precision}) flips {each.flips} of {certificate.pictures} verdicts, its maps are "
            f"{each.map_error:.1e} of their range off (bound {BOUNDS[each.precision].map_error:.0e}), its scores "
            f"{each.score_error:.1e} (bound {BOUNDS[each.precision].score_error:.0e}), its foreground "
            f"{each.foreground_error:.1e} (bound {BOUNDS[each.precision].foreground_error:.0e})"
            for each in wrong
        )
        raise TrainingError(f"The exported network does not judge as the trained one: {told}. Nothing was written.")


def require_own_graph(bundle: Bundle, own: Comparison, deed: str) -> None:
    """Raise TrainingError where the model file's own graph judges otherwise than what is made of its weights today.

    `deed`: what was asked for, "Export" or "Calibrate".
    """
    if not own.holds:
        raise TrainingError(
            f"{bundle.path} holds a graph that judges otherwise than the one that this version of BAAD makes of its "
            f"weights ({tell_flips(own.flips, own.ties)}, scores up to {own.score_error:.1e} and maps up to "
            f"{own.map_error:.1e} of their range off), and its thresholds are of its own. {deed} it with the version "
            f"that trained it ({bundle.manifest.get('baad_version', 'unknown')}), or train again. Nothing was written."
        )


def open_runners(
    onnx: bytes,
    threads: int,
    threshold: float,
    judging: Callable[[Scorer], Scorer],
    usual: tuple[int, int] | None,
) -> tuple[list[Runner], tuple[str, ...]]:
    """The graph in every runtime there is, ONNX Runtime first, and remarks on those that are absent or broken.

    `usual`: (H, W) of the pictures, where all have one size: OpenVINO makes a copy of the graph for it, as on the line.
    """
    runners = [Runner(f"ONNX Runtime {onnxruntime.__version__}", "fp32", judging(Session(onnx, threads)), threshold)]
    if not has_openvino():
        return runners, (f"OpenVINO is not installed and was not compared. {how_to_install('openvino')}",)
    try:
        session = judging(Session(onnx, threads, "openvino", usual=usual))
    except MissingExtra as error:  # no reason to lose a training, whose model ONNX Runtime judges as well
        return runners, (f"OpenVINO was not compared. {error}",)
    return [*runners, Runner(name_openvino(), "fp32", session, threshold)], ()


def name_openvino() -> str:
    """OpenVINO and its release."""
    import openvino

    return f"OpenVINO {openvino.__version__.split('-')[0]}"
