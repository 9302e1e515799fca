"""Training from a folder of normal pictures to a model file: the steps of ARCHITECTURE.md, one after the other."""

import platform
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

import baad
from baad.bundle import write_bundle
from baad.data.decode import read_image, show_path, text_of_path
from baad.data.geometry import describe_view, resize_image
from baad.data.sample import GoodImage
from baad.data.split import Split, split_held_out
from baad.data.spread import spread_evenly
from baad.errors import DataError, SettingError
from baad.foreground.gate import Gate
from baad.learn.alike import hold_out_alike
from baad.learn.batches import BatchPlan, Material, batches
from baad.learn.calibrate import calibrate
from baad.learn.card import describe_model, name_highest, name_worst, sample_pictures, shorten_findings
from baad.learn.decision import describe_decision, with_decision
from baad.learn.deploy import DeployGraph, learn_places, level_maps, scoring_of
from baad.learn.export import export_onnx
from baad.learn.foreground_masks import Seen, Shown, choose_foreground, find_usual_place, fingerprint_shown
from baad.learn.framing import describe_framing, describe_shapes
from baad.learn.loop import TIMED_STEPS, run, seconds_of_a_step, stamped, tell_shared
from baad.learn.machine import choose_device, using_machine
from baad.learn.memory import CODES, choose_codes
from baad.learn.network import Baad, describe_cost, new_network, sees_near
from baad.learn.novelty_trial import try_memories
from baad.learn.offset import measure_offset
from baad.learn.parity import Certificate, certify, require_parity
from baad.learn.pdn import Pdn, fit_features, hash_of, load_pdn, name_pdn, new_pdn
from baad.learn.pictures import Pictures, read_pictures
from baad.learn.placed_memory import TELLING, PlacedMemory, learn_gaussians
from baad.learn.resume import (
    Past,
    claimed,
    discard_run,
    find_run,
    forget_run,
    keep_masks,
    keep_zones,
    leaving_no_empty_folder,
    note_run,
    prepare_run_dir,
    read_masks,
    remove_leftovers,
    require_same_masks,
    require_same_pictures,
    saying_what_is_saved,
    were_shown,
)
from baad.learn.took import stopwatch
from baad.learn.views import choose_tile, cut_views, tell_mirrored
from baad.learn.witnesses import NormalSource
from baad.progress import Progress, Silence, format_seconds
from baad.runtime.detector import usual_shape
from baad.runtime.session import Session
from baad.runtime.tiles import tiled
from baad.settings import MOST_STEPS, TrainSettings
from baad.synthesis.banks import make_banks
from baad.synthesis.recipe import Plan
from baad.verdict.calibration import Calibration
from baad.verdict.drawn import DrawnZones

LEVELLED_ON = 100  # held-out pictures at most, spread over them all
TRIED_ON = 30  # of those


@dataclass(frozen=True)
class TrainResult:
    """What a finished training leaves behind."""

    path: Path
    steps: int
    minutes: float
    gate: Gate  # without masks and proposal
    calibration: Calibration
    highest: list[dict[str, Any]]  # of the held-out pictures, as `name_highest` gives them


def train(
    images: Sequence[GoodImage],
    settings: TrainSettings,
    out: Path,
    progress: Progress | None = None,
    *,
    category_name: str = "",
    findings: Sequence[str] = (),
    fg_masks: Path | None = None,
    empty_scene: Path | None = None,
    zones: DrawnZones | None = None,
    resume: bool = False,
    go_on: str = "--resume",
) -> TrainResult:
    """Train on normal pictures and write the model file `out`.

    `fg_masks`: folder with masks of the part; one for each picture is used as it is, fewer teach the rest.
    `empty_scene`: picture of the scene without a part. `zones`: what an alarm means where. `findings`: warnings
    about the data, the first of which are kept in the model file.
    `resume`: go on with a stopped run of the same pictures and settings; the weights become those of a run that was
    never stopped, and its zones are kept where none are given. `go_on`: what does that, for what is said where this one
    is stopped; empty where nothing does.

    Raises DataError for too few pictures, for one that comes twice, and where none that is held out is like the others;
    the errors of reading them, SettingError for a device that is not there or masks without a use, TrainingError where
    the result must not be used, OutputError where `out` cannot be written, Stopped after Ctrl-C, SIGTERM or SIGHUP.
    Nothing is left half-written.
    """
    watch, progress = stopwatch(), progress or Silence()
    choose_device(settings.device)
    shown = Shown(fg_masks, empty_scene)
    if shown and settings.foreground == "off":
        raise SettingError(
            "foreground=off takes the whole picture for the part: leave it out, or the masks and the scene."
        )
    run_dir = prepare_run_dir(out)
    with claimed(run_dir), using_machine(settings):
        with leaving_no_empty_folder(run_dir):
            remove_leftovers(out, run_dir)
            past = find_run(out, run_dir, settings, progress) if resume else None
            ready = prepare(images, settings, run_dir, progress, shown, past)
        with saying_what_is_saved(run_dir, go_on):
            zones = keep_zones(run_dir, zones, resume, progress)
            plan, start = batch_plan(ready.settings, ready.gate), past.step if past else 0
            stream = batches(ready.material, plan, start, ready.settings.steps)
            model = new_model(ready.settings, ready.material.images, ready.gate.accepted)
            trained = run(model, stream, start, ready.settings, run_dir, progress, ready.note)
            onnx, calibration, scores, certificate = deploy(trained.model, ready, progress)
            highest = name_highest(scores, ready.split.held_out, ready.split.fit)
            took = trained.earlier + watch()
            manifest = {
                "category": text_of_path(category_name),
                "train_minutes": round(took.minutes, 3),
                "processor_minutes": round(took.busy, 3),  # of all threads
                **describe_run(trained.model, ready),
                "chosen": settings.differing(ready.settings),  # by training itself, in place of what was asked for
                "highest_held_out": highest,
                "findings": [text_of_path(finding) for finding in shorten_findings(findings)],
                **({"zones": zones.to_json()} if zones else {}),
            }
            write_bundle(
                out,
                manifest=manifest,
                onnx=with_decision(onnx, describe_decision(calibration, manifest)),
                weights=save({name: value.contiguous() for name, value in trained.model.state_dict().items()}),
                calibration=calibration,
                parity=certificate.to_json(),
                card=describe_model(manifest, calibration),
                samples=sample_pictures(ready.pictures.resized, ready.foregrounds, ready.gate.per_image),
            )
        forget_run(run_dir)
    return TrainResult(out, ready.settings.steps, took.minutes, ready.gate, calibration, highest)


@dataclass(frozen=True)
class Ready:
    """All that training needs, decided before its first step."""

    split: Split
    pictures: Pictures
    gate: Gate  # without masks and proposal
    foregrounds: np.ndarray  # bool [N, H, W]: where part is in each whole picture
    material: Material
    settings: TrainSettings  # the number of steps settled
    note: str  # of the checkpoints


def prepare(
    images: Sequence[GoodImage],
    settings: TrainSettings,
    run_dir: Path,
    progress: Progress,
    shown: Shown,
    past: Past | None,
) -> Ready:
    """Read, hold out, find the part, settle the number of steps; what was decided in the past stays so."""
    if len(images) < 2:
        raise DataError(f"Training needs at least 2 normal pictures, and {len(images)} came. Give more; 100 is good.")
    if twice := [path for path, count in Counter(image.path for image in images).items() if count > 1]:
        raise DataError(f"{show_path(twice[0])} came more than once. Give each picture once.")
    split = split_held_out(images, settings.held_out, settings.seed, progress)
    progress.say(split.note)
    pictures = read_pictures(split.fit, settings.image_size, progress, square=settings.tile_px > 0)
    if past is not None:
        require_same_pictures(past, pictures.fingerprint, run_dir)
    all_held_out, told = split.held_out, fingerprint_shown(shown, images)
    split = hold_out_alike(split, describe_shapes(pictures.shapes, settings.tile_px), progress)
    gate = read_masks(run_dir) if past is not None and were_shown(run_dir, told) else None
    seen = Seen(pictures.resized, split.fit, pictures.shapes)
    gate = gate or choose_foreground(seen, all_held_out, shown, settings, progress)
    foregrounds = np.ones(pictures.resized.shape[:3], bool) if gate.masks is None else gate.masks > 0.5
    views, asked = (pictures.resized, foregrounds), settings
    if settings.tile_px < 0:
        settings = replace(settings, tile_px=choose_tile(pictures.shapes, pictures.input_shape, gate.accepted))
        if settings.tile_px:  # tiles have no aspect of their own: squares
            squares = read_pictures(split.fit, settings.image_size, progress, square=True)
            pictures = replace(squares, fingerprint=pictures.fingerprint)
            foregrounds = np.ones(pictures.resized.shape[:3], bool)
    if settings.tile_px:
        progress.say(f"pictures are seen in tiles of {settings.tile_px} px")
        if mirrored := tell_mirrored(pictures.shapes, settings.tile_px):
            progress.warn(mirrored)
        parts, rng = foregrounds if gate.accepted else None, np.random.default_rng([settings.seed, 11])
        views = cut_views(split.fit, pictures.resized, parts, settings.tile_px, rng, progress)
    else:
        progress.say(describe_view(pictures.shapes, pictures.input_shape))
    banks = make_banks(np.random.default_rng([settings.seed, 5]))
    gate = replace(gate, masks=None, proposal=None)  # foregrounds has them, in a quarter of the memory
    material = Material(*views, banks, pictures.grey)
    if past is not None:
        require_same_masks(past, foregrounds, run_dir)
        progress.say(f"going on after step {past.step} of {past.note.steps}")
        settled = replace(settings, steps=past.note.steps, minutes=0.0)
        return Ready(split, pictures, gate, foregrounds, material, settled, past.note.to_text())
    settled = fix_steps(settings, material, gate, run_dir, progress)
    discard_run(run_dir, progress)
    keep_masks(run_dir, gate, foregrounds, told)
    note = note_run(asked, settled.steps, pictures.fingerprint, foregrounds)
    return Ready(split, pictures, gate, foregrounds, material, settled, note.to_text())


def deploy(model: Baad, ready: Ready, progress: Progress) -> tuple[bytes, Calibration, tuple[float, ...], Certificate]:
    """The network as the line runs it, ONNX, its thresholds, the scores of the held-out pictures that they come from,
    and the proof that it judges as the network does.

    Raises TrainingError where it does not.
    """
    settings, gate, model, split = ready.settings, ready.gate, model.cpu(), ready.split
    scoring = scoring_of(settings, gate.accepted)
    if gate.accepted and not settings.tile_px:  # a tile has no place that is usual
        model.usual = find_usual_place(ready.material.foregrounds)
    fill_memory(model, ready, progress)
    if goes_by_place(ready):
        learn_places(model, ready.material.images, scoring, progress)
    graph = DeployGraph(model, ready.pictures.input_shape, scoring).eval()
    progress.say("exporting")
    onnx = export_onnx(graph)
    shape = ready.pictures.input_shape
    judging = partial(tiled, side=settings.tile_px, tile=shape, skip_background=gate.accepted)
    session, rate = judging(Session(onnx, settings.threads)), settings.false_alarms
    calibration, scores = calibrate(session, split.held_out, rate, progress, split.near_copies)
    normals = NormalSource("held-out normal pictures", scores, lambda index: read_image(split.held_out[index].path))
    usual = usual_shape(describe_shapes(ready.pictures.shapes, settings.tile_px))
    certificate = certify(graph, onnx, normals, calibration.threshold, settings, progress, judging, usual)
    require_parity(certificate)
    return onnx, calibration, scores, certificate


def fill_memory(model: Baad, ready: Ready, progress: Progress) -> None:
    """Remember patches of the normal pictures; level novelty and the error of the features on the held-out ones.

    Patches are remembered by their place, too, where the pictures are measured by place, the place tells much of a
    patch, and more defects are found by it.
    """
    settings, material, all_held_out = ready.settings, ready.material, ready.split.held_out
    held_out = [all_held_out[index] for index in spread_evenly(len(all_held_out), LEVELLED_ON)]
    parts = material.foregrounds if settings.mask_head else np.ones_like(material.foregrounds)  # else all is judged
    model.memory.remember(choose_codes(model.pdn, material.images, parts, CODES, settings.seed))
    seen = np.stack([resize_image(read_image(image.path), ready.pictures.input_shape) for image in held_out])
    if settings.tile_px:
        rng = np.random.default_rng([settings.seed, 17])
        seen = cut_views(held_out, seen, None, settings.tile_px, rng, Silence(), limit=LEVELLED_ON)[0]
    found = learn_gaussians(model.pdn, material.images, seen, progress) if goes_by_place(ready) else None
    if found is not None and found.telling > TELLING:
        placed = PlacedMemory()
        placed.remember(found)
        some = seen[spread_evenly(len(seen), TRIED_ON)]
        memories, grey = [model.memory, placed], ready.pictures.grey
        anywhere, at_place = try_memories(model.pdn, memories, some, grey, settings.seed, progress)
        if at_place > anywhere:
            model.placed = placed
    level_maps(model, seen)


def goes_by_place(ready: Ready) -> bool:
    """Whether what is usual at each place is learnt: whole pictures, no background found (docs/decisions/013)."""
    return ready.settings.by_place and not ready.gate.accepted and not ready.settings.tile_px


def describe_run(model: Baad, ready: Ready) -> dict[str, Any]:
    """The manifest's account of what the model was made from."""
    settings, gate = ready.settings, ready.gate
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "baad_version": baad.__version__,
        "size": settings.size,
        "input_shape": list(ready.pictures.input_shape),
        "settings": settings.to_dict(),
        "seed": settings.seed,
        "steps": settings.steps,
        "device": torch.device(choose_device(settings.device)).type,
        "n_train": len(ready.split.fit),
        "n_held_out": len(ready.split.held_out),
        "split": ready.split.note,
        "data_fingerprint": ready.pictures.fingerprint,
        "learnt_from": list(ready.pictures.files),
        "pdn_sha256": "random" if settings.pdn == "random" else hash_of(choose_pdn(settings, gate.accepted)),
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        **describe_cost(model, ready.pictures.input_shape),
        "gate": {
            "accepted": gate.accepted,
            "recipe": gate.recipe,
            "quality": round(float(gate.quality), 4),
            "reason": gate.reason,
            "worst": name_worst(gate.per_image, ready.split.fit, ready.split.held_out),
        },
        **(describe_framing(ready.foregrounds) if gate.accepted and settings.mask_head else {}),
        **describe_shapes(ready.pictures.shapes, settings.tile_px),
        "image_colours": list(ready.pictures.colours),
    }


def choose_pdn(settings: TrainSettings, has_foreground: bool) -> str:
    """The name of the PDN that a model holds, a key of PDN_SHAPES."""
    return name_pdn(settings.size, sees_near(settings, has_foreground))


def new_model(settings: TrainSettings, pictures: np.ndarray, has_foreground: bool) -> Baad:
    """The network as training starts with it: the PDN fitted to the pictures, seeded random weights for the rest."""
    pdn = choose_view(settings, pictures, has_foreground)
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        model = new_network(pdn, settings)
    model.offset = torch.tensor(measure_offset(model.pdn))
    return model.to(choose_device(settings.device), memory_format=torch.channels_last)  # type: ignore[call-overload]


def choose_view(settings: TrainSettings, pictures: np.ndarray, has_foreground: bool) -> Pdn:
    """The PDN as the settings have it, fitted to the pictures uint8 [N, H, W, 3].

    One with a near view where a background was found, which a wide view of the part would see (docs/decisions/008).
    """
    name = choose_pdn(settings, has_foreground)
    return fit_features(new_pdn(name, settings.seed) if settings.pdn == "random" else load_pdn(name), pictures)


def batch_plan(settings: TrainSettings, gate: Gate) -> BatchPlan:
    """How batches are drawn. Without a foreground there is no background to change."""
    synthesis = Plan(
        anomaly_share=settings.anomaly_share,
        background_share=settings.background_share if gate.accepted else 0.0,
        anomalies_on=settings.anomalies_on,
        paired=settings.invariance > 0 and gate.accepted,
    )
    return BatchPlan(settings.batch_size, settings.seed, synthesis, settings.mask_target, settings.steps // 3)


def fix_steps(
    settings: TrainSettings, material: Material, gate: Gate, run_dir: Path, progress: Progress
) -> TrainSettings:
    """Time some steps on a throw-away network, say how long training will take, and settle the number of steps."""
    timed = TIMED_STEPS if settings.minutes else min(5, settings.steps)
    trial = replace(settings, steps=timed, minutes=0.0)
    plan = batch_plan(trial, gate)
    trial_dir, stamps, busy = run_dir / "trial", list[float](), list[float]()
    trial_dir.mkdir(exist_ok=True)
    model, stream = new_model(trial, material.images, gate.accepted), batches(material, plan, 0, timed)
    try:
        run(model, stamped(stamped(stream, stamps), busy, time.process_time), 0, trial, trial_dir, Silence())
    finally:
        shutil.rmtree(trial_dir, ignore_errors=True)
    seconds = seconds_of_a_step(stamps)
    steps = max(1, round(60 * settings.minutes / seconds)) if settings.minutes else settings.steps
    if steps > MOST_STEPS:
        told = f"minutes={settings.minutes:g} are time for {steps} steps: {MOST_STEPS}, the most there are, are taken"
        progress.warn(f"{told}, about {format_seconds(MOST_STEPS * seconds)}.")
        steps = MOST_STEPS
    progress.say(f"{steps} steps on {len(material.images)} pictures, about {format_seconds(steps * seconds)}")
    if choose_device(settings.device) == "cpu" and (told := tell_shared(stamps, busy, torch.get_num_threads())):
        progress.warn(told)
    return replace(settings, steps=steps, minutes=0.0)
