"""A model file -> a folder for the line: the network as ONNX, OpenVINO or Triton wants it, its decision, its proof."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime

from baad.atomic import replacing
from baad.bundle import SAMPLES, Bundle, read_bundle, read_member, require
from baad.data.checksum import name_content
from baad.data.decode import open_samples, read_image, to_picture
from baad.data.sample import GoodImage
from baad.data.split import Split, split_held_out
from baad.errors import BaadError, DataError, OutputError, SettingError
from baad.learn.alike import leave_out_unlike
from baad.learn.calibrate import calibrate
from baad.learn.decision import describe_decision, with_decision, with_zones
from baad.learn.deploy import DeployGraph
from baad.learn.export import export_onnx
from baad.learn.fixed_size import FixedRunner, FixedSize, InBatches, compare_fixed, fix_onnx, fix_openvino, tell_misfits
from baad.learn.int8 import Int8Trial, count_alarms, count_missed, quantize_network, refuse
from baad.learn.machine import using_machine
from baad.learn.openvino_ir import (
    BIN,
    XML,
    add_info,
    describe_model_info,
    read_onnx,
    read_session,
    write_ir,
)
from baad.learn.parity import (
    BOUNDS,
    Certificate,
    InPyTorch,
    Runner,
    compare,
    name_openvino,
    open_runners,
    require_own_graph,
    require_parity,
)
from baad.learn.pictures import read_pictures
from baad.learn.reload import load_graph
from baad.learn.triton import CONFIG, VERSION, check_name, describe_config
from baad.learn.witnesses import NormalSource, Witnesses, choose_witnesses
from baad.progress import Progress
from baad.runtime.detector import usual_shape
from baad.runtime.session import Session, settle_threads, start_network
from baad.runtime.tiles import Scorer, as_trained
from baad.settings import TrainSettings
from baad.verdict.calibration import Calibration

FORMATS = ("onnx", "openvino", "triton")
PRECISIONS = ("fp32", "fp16", "int8")
ONNX, DECISION, PARITY = "model.onnx", "decision.json", "parity.json"
OWN = (ONNX, XML, BIN, DECISION, PARITY, CONFIG, VERSION, f"{VERSION}/{ONNX}")  # all that any form writes


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    folder: Path
    precision: str  # "fp32" also where INT8 was asked for and was not good enough
    certificate: Certificate


@dataclass(frozen=True)
class Source:
    """The model to export, opened."""

    bundle: Bundle
    graph: DeployGraph
    seed: int
    onnx: bytes
    session: Scorer  # judges as the model does, whole or in tiles
    split: Split | None  # of the normal pictures that were given
    threads: int

    @property
    def calibration(self) -> Calibration:
        """Of the model file; INT8 gets one of its own."""
        return self.bundle.calibration

    def judging(self, session: Scorer) -> Scorer:
        """The session, in tiles where the model judges in tiles."""
        return as_trained(session, self.bundle.manifest)


@dataclass(frozen=True)
class Written:
    """A network that lies in the folder: what runs it, its thresholds, and what else is to be said."""

    runners: list[Runner]
    calibration: Calibration
    precision: str
    remarks: tuple[str, ...]
    fixed: FixedRunner | None = None  # the same network for one size of pictures, where that is what lies there


def export_model(
    model: Path,
    out: Path,
    *,
    form: str,
    precision: str,
    pictures: Sequence[GoodImage],
    progress: Progress,
    threads: int = 0,
    name: str = "",
    fixed: FixedSize | None = None,
) -> Exported:
    """Write `out`, or for Triton `out`/`name`, whole or not at all.

    `pictures`: the normal ones that the model was made from; those it held out then are the witnesses. Without any,
    the few samples in the model file are. INT8 needs them, and falls back to FP32 where it is not good enough.
    `fixed`: the only size and number of pictures that the graph takes; any where left out.

    Raises SettingError for a form or precision that cannot be, DataError for pictures that cannot be compared on or
    that INT8 must not be set by, BundleError for a model file that cannot be read, TrainingError where the exported
    network judges otherwise than the trained one or than the graph in the model file, OutputError where `out` holds
    other things.
    """
    require_possible(form, precision, pictures, fixed)
    folder = out / check_name(name or model.stem) if form == "triton" else out
    require_own(folder)
    try:
        with using_machine(TrainSettings(threads=threads, device="cpu")), replacing(folder) as partial:
            source = open_source(model, pictures, threads, progress)
            require_exportable(source, precision, fixed, progress)
            witnesses = find_witnesses(source, precision, progress)
            partial.mkdir()
            written = write_network(source, witnesses, partial, form, precision, progress)
            if fixed is not None:
                source, written = fix_size(source, written, partial, form, fixed)
            certificate = prove(source, witnesses, written, progress)
            write_decision(source, written, certificate, partial, form, folder.name)
    except BaadError as error:
        error.add_note(f"{model} is as it was: baad export can be tried again.")
        raise
    return Exported(folder, written.precision, certificate)


def require_possible(form: str, precision: str, pictures: Sequence[GoodImage], fixed: FixedSize | None = None) -> None:
    """Raise SettingError for what cannot be exported."""
    for word, allowed, what in ((form, FORMATS, "--format"), (precision, PRECISIONS, "--precision")):
        if word not in allowed:
            raise SettingError(f"{what} is {word!r}: give one of {', '.join(allowed)}.")
    if precision != "fp32" and form != "openvino":
        raise SettingError(f"{precision} comes as OpenVINO files: give --format openvino with it, or leave it away.")
    if precision == "int8" and not pictures:
        raise SettingError("int8 is set by normal pictures: give the folder that the model was trained on after it.")
    if fixed is not None and form == "triton":
        raise SettingError("Triton makes batches of its own: leave --fixed away, or give --format onnx with it.")


def require_exportable(source: Source, precision: str, fixed: FixedSize | None, progress: Progress) -> None:
    """Say what the network leaves to whoever runs it, tiles and drawn zones, and where no picture is of the fixed size.
    Raises SettingError for tiles in INT8."""
    side = source.bundle.manifest.get("tile_px", 0)
    if side and precision == "int8":
        raise SettingError("int8 sets thresholds for whole pictures, and the model judges in tiles: export it as fp32.")
    if side:
        progress.warn(f"the model judges in tiles of {side} px: what runs the network must cut them (docs/line.md)")
    if fixed is not None:
        for misfit in tell_misfits(fixed, source.bundle.manifest):
            progress.warn(f"--fixed: {misfit}. The threshold is that of pictures as in training")
    if "zones" in source.bundle.manifest:
        progress.warn(
            "the model has zones, which the network does not know: what runs it must apply them, or rejects more"
        )


def require_own(folder: Path) -> None:
    """Raise OutputError where replacing the folder would delete what no export wrote."""
    if folder.exists() and not (folder / PARITY).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is there and is no export. Give the name of a new folder with -o.")
    others = sorted({file.relative_to(folder).as_posix() for file in folder.rglob("*")} - set(OWN))
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise OutputError(
            f"{folder / others[0]}{more} would be deleted, and no export writes that. Move it away, or give the name "
            "of a new folder with -o."
        )


def open_source(model: Path, pictures: Sequence[GoodImage], threads: int, progress: Progress) -> Source:
    """Read the model file and export its network to ONNX anew, from its weights."""
    bundle = read_bundle(model)
    graph, settings = load_graph(model)
    split = None
    if pictures:
        split = split_held_out(pictures, settings.held_out, settings.seed, progress)
        alike, _ = leave_out_unlike(split, bundle.manifest, progress)  # as training did, which said so
        split = alike if alike.held_out else split
    progress.say("exporting")
    onnx = export_onnx(graph)
    session = as_trained(Session(onnx, threads), bundle.manifest)
    return Source(bundle, graph, settings.seed, onnx, session, split, threads)


def find_witnesses(source: Source, precision: str, progress: Progress) -> Witnesses:
    """The pictures to compare on: of the held-out normals, or of the samples in the model file.

    Raises DataError where INT8, whose threshold the pictures set, is given others than the model was trained on.
    """
    if source.split is not None:
        held_out = source.split.held_out
        given, scores = calibrate(source.session, held_out, source.calibration.false_alarm_rate, progress)
        manifest, set_by_these = source.bundle.manifest, have_scores_of(given, source.calibration)
        known = learnt_from(source.bundle, source.split, progress) and (
            set_by_these
            or ("calibrated" in manifest and "learnt_from" in manifest)  # scores tell of other pictures then
        )
        if precision == "int8" and not set_by_these and "calibrated" in manifest:
            raise DataError(
                f"{source.bundle.path} has thresholds of other pictures, from baad calibrate, and int8 sets its own by "
                "those held out in training: quantise the model as it was trained, or give another precision."
            )
        if precision == "int8" and not known:
            raise DataError(
                f"{source.bundle.path} was trained on other pictures, and int8 sets its threshold by those it was "
                "trained on: give the same folder, or another precision."
            )
        if not known:
            progress.warn("these are not the pictures that training held out: what the certificate says is of others")
        what = "held-out normal pictures" if known else "normal pictures, not those held out in training"
        normals = NormalSource(what, scores, lambda index: read_image(held_out[index].path))
    else:
        samples = read_samples(source.bundle)
        scores = tuple(source.session.run(sample).score for sample in samples)
        normals = NormalSource(
            "the few training pictures in the model file; give DATA for held-out ones", scores, samples.__getitem__
        )
    threshold, shape = source.calibration.threshold, source.graph.input_shape
    return choose_witnesses(normals, source.session, threshold, shape, source.seed, progress)


def have_scores_of(given: Calibration, known: Calibration) -> bool:
    """Whether the pictures that were scored now are those that the model's threshold comes from, by their scores."""
    if len(given.scores) != len(known.scores):
        return False
    return bool(np.allclose(sorted(given.scores), sorted(known.scores), atol=BOUNDS["fp32"].score_error))


def learnt_from(bundle: Bundle, split: Split, progress: Progress) -> bool:
    """Whether the model was fitted to these very files.

    Older model files do not list them, and it is told by the pictures' pixels; where those judge in tiles nothing is
    known, and this says yes.
    """
    if "learnt_from" in bundle.manifest:
        return sorted(name_content(image.path) for image in split.fit) == sorted(bundle.manifest["learnt_from"])
    if bundle.manifest.get("tile_px", 0):
        return True
    require(bundle.manifest, "settings")
    require(bundle.manifest["settings"], "image_size")
    size = bundle.manifest["settings"]["image_size"]
    return read_pictures(split.fit, size, progress).fingerprint == bundle.manifest.get("data_fingerprint")


def read_samples(bundle: Bundle) -> list[np.ndarray]:
    """The training pictures in a model file, uint8 [H, W, 3]. Raises DataError where it has none, BundleError where it
    does not say which of them are masks, ImageError where one is no picture."""
    require(bundle.manifest, "gate")
    shown = {each["sample"] for each in bundle.manifest["gate"].get("worst", ())}  # masks, for people
    names = [name for name in bundle.manifest["files"] if name.startswith(SAMPLES) and name not in shown]
    if not names:
        raise DataError(f"{bundle.path} holds no samples to compare on: give the folder it was trained on after it.")
    return [to_picture(open_samples(read_member(bundle.path, name), name), name) for name in names]


def write_network(
    source: Source, witnesses: Witnesses, folder: Path, form: str, precision: str, progress: Progress
) -> Written:
    """Write the network into the folder, and open it there as the line will."""
    threshold, threads = source.calibration.threshold, source.threads
    usual = usual_shape(source.bundle.manifest)
    runners, remarks = open_runners(source.onnx, threads, threshold, source.judging, usual)
    if form != "openvino":
        return Written(runners, source.calibration, precision, remarks)
    if precision == "int8":
        quantized = write_int8(source, witnesses, folder, progress)
        if isinstance(quantized, Written):
            return quantized
        remarks = (*remarks, f"INT8 is not written: {quantized}")
        progress.warn(f"INT8 is not good enough ({quantized}): FP32 is written in its place")
        precision = "fp32"
    write_ir(read_onnx(source.onnx), folder, half=precision == "fp16")
    runner = Runner(name_openvino(), precision, source.judging(read_session(folder, threads)), threshold)
    return Written([runners[0], runner], source.calibration, precision, remarks)


def write_int8(source: Source, witnesses: Witnesses, folder: Path, progress: Progress) -> Written | str:
    """Write INT8 files and weigh them: what was written, or why it is not good enough."""
    assert source.split is not None
    before, threads = source.calibration, source.threads
    progress.say("quantising")
    session = quantize_network(source.onnx, source.split.fit, witnesses.painter, folder, threads)
    split = source.split
    after, _ = calibrate(session, split.held_out, before.false_alarm_rate, progress, split.near_copies)
    runner = Runner(name_openvino(), "int8", session, after.threshold)
    (comparison,) = compare(InPyTorch(source.graph), [runner], witnesses, before.threshold)
    found, missed = count_missed(witnesses, session, before.threshold, after.threshold)
    judges = [(source.session, before.threshold), (session, after.threshold)]
    normals, alarms = count_alarms(source.split.fit, judges)
    reason = refuse(before, after, comparison, Int8Trial(normals, (alarms[0], alarms[1]), found, missed))
    if reason:
        return reason
    remark = f"INT8 has a threshold of its own, {after.threshold:.4g} in place of {before.threshold:.4g}; "
    remark += f"it finds {found - missed} of {found} drawn defects that FP32 finds"
    return Written([runner], after, "int8", (remark,))


def fix_size(source: Source, written: Written, folder: Path, form: str, size: FixedSize) -> tuple[Source, Written]:
    """Make what is handed over a graph for `size` alone, and open it."""
    threads = settle_threads(source.threads)
    if form == "openvino":
        fix_openvino(folder, size)
        network = start_network((folder / XML).read_bytes(), threads, "openvino", (folder / BIN).read_bytes())
        runtime = name_openvino()
    else:
        source = replace(source, onnx=fix_onnx(source.onnx, size))
        network, runtime = start_network(source.onnx, threads, "cpu"), written.runners[0].runtime
    runner = Runner(f"{runtime} at {size}", written.precision, InBatches(network, size), written.calibration.threshold)
    return source, replace(written, fixed=FixedRunner(size, runner))


def prove(source: Source, witnesses: Witnesses, written: Written, progress: Progress) -> Certificate:
    """Compare what was written, and the graph in the model file, with the network made anew of its weights; raises
    TrainingError where one judges otherwise."""
    threshold = source.calibration.threshold
    own = open_own(source)
    comparisons = compare(source.judging(InPyTorch(source.graph)), [own, *written.runners], witnesses, threshold)
    if written.fixed is not None:
        comparisons = (*comparisons, compare_fixed(source.graph, written.fixed, witnesses, threshold))
    certificate = Certificate.of(witnesses, threshold, comparisons, written.remarks)
    for line in certificate.lines():
        progress.say(line)
    require_own_graph(source.bundle, comparisons[0], "Export")
    require_parity(certificate)
    return certificate


def open_own(source: Source) -> Runner:
    """The graph that lies in the model file, which its thresholds are of and the line has judged with."""
    session = source.judging(Session(source.bundle.onnx, source.threads))
    runtime = f"{source.bundle.path.name} itself in ONNX Runtime {onnxruntime.__version__}"
    return Runner(runtime, "fp32", session, source.calibration.threshold)


def write_decision(
    source: Source, written: Written, certificate: Certificate, folder: Path, form: str, name: str
) -> None:
    """Write what stands beside the network: decision, certificate, and what the form asks for."""
    manifest = source.bundle.manifest
    decision = with_zones(describe_decision(written.calibration, manifest, written.precision), manifest)
    if form == "openvino":
        shapes, side = manifest.get("image_shapes", ()), manifest.get("tile_px", 0)
        info = describe_model_info(written.calibration, source.graph.input_shape, side, shapes, "zones" in manifest)
        add_info(folder, info, decision)
    else:
        home = folder / VERSION if form == "triton" else folder
        home.mkdir(exist_ok=True)
        (home / ONNX).write_bytes(with_decision(source.onnx, decision))
    if form == "triton":
        (folder / CONFIG).write_text(describe_config(name, source.onnx), "utf-8")
    for file, content in ((DECISION, decision), (PARITY, certificate.to_json())):
        (folder / file).write_text(
            json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8", newline="\n"
        )
