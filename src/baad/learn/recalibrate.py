"""A model file and good pictures taken later -> the same network with thresholds of those pictures.

For new light, a new lens or another day: what the network calls strange stays, what is too strange is set anew.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from baad.bundle import Judgement, read_bundle, rewrite_bundle
from baad.data.checksum import name_content
from baad.data.decode import read_image
from baad.data.sample import GoodImage
from baad.data.split import number_near_copies
from baad.errors import DataError
from baad.learn.alike import find_unlike
from baad.learn.calibrate import calibrate
from baad.learn.card import describe_model, name_highest
from baad.learn.decision import describe_decision, with_decision
from baad.learn.machine import using_machine
from baad.learn.parity import certify, require_own_graph, require_parity
from baad.learn.reload import load_graph
from baad.learn.witnesses import NormalSource
from baad.progress import Progress
from baad.runtime.detector import usual_shape
from baad.runtime.session import Session
from baad.runtime.tiles import as_trained
from baad.settings import TrainSettings
from baad.verdict.calibration import Calibration

WHAT = "normal pictures given to baad calibrate"


def recalibrate(
    model: Path, out: Path, pictures: Sequence[GoodImage], rate: float | None, progress: Progress, threads: int = 0
) -> tuple[Calibration, Calibration]:
    """Write `out`, which may be `model` itself, whole or not at all -> the thresholds before and now.

    `rate`: the share of false alarms; None keeps the model's. Pictures that training learnt from are left out, and
    near copies count as one. Raises DataError where no others are given, or some of another size or aspect than those
    of training, TrainingError where the runtimes do not judge alike at the new threshold.
    """
    bundle = read_bundle(model)
    manifest = bundle.manifest
    with using_machine(TrainSettings(threads=threads, device="cpu")):
        graph, settings = load_graph(model)
        require_alike(pictures, manifest, progress)
        given, pictures = pictures, leave_out_learnt(pictures, manifest, progress)
        wanted = bundle.calibration.false_alarm_rate if rate is None else rate
        session = as_trained(Session(bundle.onnx, threads), manifest)
        near_copies = number_near_copies(pictures, settings.seed, progress)
        calibration, scores = calibrate(session, pictures, wanted, progress, near_copies)
        normals = NormalSource(WHAT, scores, lambda index: read_image(pictures[index].path))
        certificate = certify(
            graph,
            bundle.onnx,
            normals,
            calibration.threshold,
            replace(settings, threads=threads),
            progress,
            lambda runner: as_trained(runner, manifest),
            usual_shape(manifest),
        )
        require_own_graph(bundle, certificate.comparisons[0], "Calibrate")  # this one is ONNX Runtime's
        require_parity(certificate)
    changes = {
        "n_held_out": len(pictures),
        "highest_held_out": name_highest(scores, pictures, given),
        "calibrated": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    onnx = with_decision(bundle.onnx, describe_decision(calibration, manifest))
    card = describe_model(manifest | changes, calibration)
    rewrite_bundle(model, out, changes, Judgement(onnx, calibration, certificate.to_json(), card))
    return bundle.calibration, calibration


def leave_out_learnt(
    pictures: Sequence[GoodImage], manifest: dict[str, Any], progress: Progress
) -> tuple[GoodImage, ...]:
    """The pictures that training did not learn from, with a warning where that is not all of them.

    What was learnt from looks less strange than a new picture does, so that a threshold from it rejects too many. A
    model file of before does not say what it learnt from: a warning tells. Raises DataError where no picture is new.
    """
    if "learnt_from" not in manifest:
        progress.warn(
            "this model file is of a version that did not note what it learnt from: if some of these pictures are of "
            "its training, the threshold rejects more good pictures than it promises. Give pictures taken later"
        )
    learnt = set(manifest.get("learnt_from", ()))
    new = tuple(image for image in pictures if name_content(image.path) not in learnt)
    if not new:
        raise DataError(
            f"Training learnt from all of the {len(pictures)} pictures, and finds them less strange than new ones. "
            "Give good pictures that were taken later."
        )
    if len(new) < len(pictures):
        left_out = f"{len(pictures) - len(new)} of {len(pictures)} pictures are left out"
        progress.warn(f"{left_out}, for training learnt from them; {len(new)} count")
    return new


def require_alike(pictures: Sequence[GoodImage], manifest: dict[str, Any], progress: Progress) -> None:
    """Raise DataError for pictures that the line would not judge: all that are of another size or aspect."""
    odd = find_unlike(pictures, manifest, progress)
    if odd:
        number, why = next(iter(odd.items()))
        raise DataError(
            f"{len(odd)} of {len(pictures)} pictures are none that the model was trained for "
            f"({pictures[number].path.name}: {why}). Take pictures "
            "as in training, or train again with such pictures."
        )
