"""Going on with a stopped run: what its checkpoint belongs to, and whether this call asks for the same run.

A run folder, MODEL.run, holds
    checkpoint.safetensors    weights, moments, steps done; in its header the RunNote
    foreground.safetensors    where the part is in each training picture, and what the gate said
    zones.json                drawn zones, where some were given
    losses.jsonl              a line a step
"""

import glob
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save

import baad
from baad.atomic import write_bytes, write_text
from baad.errors import BaadError, BundleError, DataError, OutputError, SettingError, TrainingError
from baad.foreground.gate import Gate
from baad.learn.checkpoint import CHECKPOINT, read_header
from baad.progress import Progress
from baad.settings import TrainSettings
from baad.verdict.drawn import DrawnZones, read_zones

MASKS, ZONES = "foreground.safetensors", "zones.json"
ANEW = "leave --resume away to begin anew"


@dataclass(frozen=True)
class RunNote:
    """What the weights of a run depend on."""

    settings: dict[str, Any]  # as they were asked for: minutes not yet turned into steps
    steps: int  # as they were settled
    pictures: str  # SHA-256 of the training pictures
    foreground: str  # SHA-256 of their masks
    versions: dict[str, str]

    def to_text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Past:
    """What was found of a stopped run."""

    note: RunNote
    step: int  # steps done


def note_run(settings: TrainSettings, steps: int, pictures: str, foregrounds: np.ndarray) -> RunNote:
    """The note of a run. foregrounds: bool [N, H, W]."""
    return RunNote(settings.to_dict(), steps, pictures, fingerprint_masks(foregrounds), current_versions())


def fingerprint_masks(foregrounds: np.ndarray) -> str:
    return hashlib.sha256(np.packbits(foregrounds).tobytes()).hexdigest()


def current_versions() -> dict[str, str]:
    return {"baad": baad.__version__, "torch": torch.__version__}


def place_run(out: Path) -> Path:
    """Where the run folder of the model file `out` lies."""
    return out.with_name(out.name + ".run")


def find_run(out: Path, run_dir: Path, settings: TrainSettings, progress: Progress) -> Past | None:
    """The stopped run of the model file `out`; None where nothing of it was saved yet.

    Raises TrainingError where the model is finished, BundleError for a damaged checkpoint, SettingError where the
    settings are others than those the run began with.
    """
    file = run_dir / CHECKPOINT
    if not file.exists():
        if out.exists():
            raise TrainingError(f"{out} is finished: there is nothing to go on with. To train it again, {ANEW}.")
        progress.say(f"nothing was saved in {run_dir} yet: training starts from the beginning, as this call has it")
        return None
    past = read_run(file)
    then, now = past.note.settings, settings.to_dict()
    others = [name for name in now if then.get(name) != now[name]]
    if others:
        listed = ", ".join(f"{name} was {then.get(name)!r} and is {now[name]!r}" for name in others)
        raise SettingError(f"The run in {run_dir} began with other settings: {listed}. Give the same, or {ANEW}.")
    if past.note.versions != current_versions():
        progress.warn(f"the run began with {_listed(past.note.versions)}: the weights may differ in their last digits")
    return past


def can_go_on(out: Path, settings: TrainSettings) -> bool:
    """Whether a stopped run of the model file `out` is there that began with these settings, and is whole."""
    run_dir = place_run(out)
    try:
        began = read_run(run_dir / CHECKPOINT).note.settings
        read_masks(run_dir)
    except BundleError:  # absent or damaged
        return False
    return began == settings.to_dict()


def read_run(file: Path) -> Past:
    """What a checkpoint's header says. Raises BundleError."""
    header = read_header(file)
    try:
        return Past(RunNote(**json.loads(header["note"])), int(header["step"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{file} was not made by this version of BAAD. Delete it to start over.") from error


def require_same_pictures(past: Past, fingerprint: str, run_dir: Path) -> None:
    """Raise DataError where the training pictures are others than those the run began with."""
    if past.note.pictures != fingerprint:
        raise DataError(f"The run in {run_dir} began with other training pictures. Bring them back, or {ANEW}.")


def require_same_masks(past: Past, foregrounds: np.ndarray, run_dir: Path) -> None:
    """Raise DataError where the masks of the part are others than those the run began with."""
    if past.note.foreground != fingerprint_masks(foregrounds):
        raise DataError(f"The run in {run_dir} began with other masks of the part. Bring them back, or {ANEW}.")


def discard_run(run_dir: Path, progress: Progress) -> None:
    """Remove what an earlier run saved; it is said."""
    if (run_dir / CHECKPOINT).exists():
        progress.warn(f"what an earlier run saved in {run_dir} is discarded: training begins anew")
    for name in (CHECKPOINT, MASKS):  # not the zones, of which `keep_zones` decides
        (run_dir / name).unlink(missing_ok=True)


def forget_run(run_dir: Path) -> None:
    """Remove checkpoint, masks and zones; the log stays."""
    for name in (CHECKPOINT, MASKS, ZONES):
        (run_dir / name).unlink(missing_ok=True)


def remove_leftovers(out: Path, run_dir: Path) -> None:
    """Remove what a killed process left half-written."""
    shutil.rmtree(run_dir / "trial", ignore_errors=True)
    for file in [*run_dir.glob("*.partial"), *out.parent.glob(f"{glob.escape(out.name)}.*.partial")]:
        file.unlink(missing_ok=True)


def keep_masks(run_dir: Path, gate: Gate, foregrounds: np.ndarray, shown: str = "") -> None:
    """Save where the part is, bool [N, H, W], so that a resumed run need not find it again. shown: the fingerprint of
    what the user showed of it."""
    told = {name: getattr(gate, name) for name in ("accepted", "recipe", "reason", "tried", "suggested", "painted")}
    told |= {"quality": float(gate.quality)}
    told |= {"per_image": None if gate.per_image is None else [float(each) for each in gate.per_image]}
    header = {"gate": json.dumps(told), "shape": json.dumps(foregrounds.shape), "shown": shown}
    write_bytes(run_dir / MASKS, save({"masks": np.packbits(foregrounds)}, header))


def were_shown(run_dir: Path, shown: str) -> bool:
    """Whether the masks that were kept come from what is shown now, by its fingerprint, or nothing is shown now."""
    try:
        with safe_open(run_dir / MASKS, "numpy") as opened:
            return shown in ("", opened.metadata()["shown"])
    except Exception:  # as of read_masks: absent, damaged, or of an earlier version
        return shown == ""


def read_masks(run_dir: Path) -> Gate:
    """What `keep_masks` saved, masks as float32 [N, H, W]. Raises BundleError where that is absent or damaged."""
    file = run_dir / MASKS
    try:
        with safe_open(file, "numpy") as opened:
            header, bits = opened.metadata(), opened.get_tensor("masks")
        shape, told = json.loads(header["shape"]), json.loads(header["gate"])
        masks = np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).astype(np.float32)
        quality = None if told["per_image"] is None else np.array(told.pop("per_image"), np.float32)
        return Gate(**{**told, "masks": masks if told["accepted"] else None, "per_image": quality})
    except Exception as error:  # safetensors' own errors, and whatever a changed header may cause
        raise BundleError(f"{file} is absent or damaged ({error}): the run cannot go on. To train, {ANEW}.") from error


def keep_zones(run_dir: Path, zones: DrawnZones | None, resume: bool, progress: Progress) -> DrawnZones | None:
    """The drawn zones of this call, kept for the next; where it goes on with a run and none are given, that run's.

    Raises DataError where what was kept is damaged.
    """
    file = run_dir / ZONES
    if zones is None and resume and file.exists():
        progress.say("zones: those that the run began with")
        return read_zones(file)
    if zones:
        write_text(file, json.dumps(zones.to_json()))
    else:
        file.unlink(missing_ok=True)
    return zones


@contextmanager
def leaving_no_empty_folder(run_dir: Path) -> Iterator[None]:
    """Where an error stops the work before anything was learnt, the run's folder goes too."""
    try:
        yield
    except BaseException:
        if not any(file.stat().st_size for file in run_dir.iterdir()):
            shutil.rmtree(run_dir, ignore_errors=True)
        raise


def prepare_run_dir(out: Path) -> Path:
    """The folder beside the model file for log and checkpoint. Raises OutputError before any work is done."""
    run_dir = place_run(out)
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        (run_dir / "losses.jsonl").touch()
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise OutputError(
            f"Cannot write beside {out}: {error.strerror}{where}. Choose another place with -o."
        ) from error
    return run_dir


@contextmanager
def claimed(run_dir: Path) -> Iterator[None]:
    """Keep other trainings off a run folder; the claim ends with the process, however that ends.

    Raises TrainingError where one is at work there. On Windows nobody is kept off.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(run_dir, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        told = "Wait for it to end, or give another name with -o."
        raise TrainingError(f"Another training is at work in {run_dir}. {told}") from error
    except OSError:  # a file system without locks: nobody is kept off
        pass
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def saying_what_is_saved(run_dir: Path, go_on: str) -> Iterator[None]:
    """Add to an error, or to Ctrl-C, how many steps are saved and what goes on with them: `go_on`, nothing if empty."""
    try:
        yield
    except (BaadError, KeyboardInterrupt) as error:
        file = run_dir / CHECKPOINT
        if file.exists():
            past = read_run(file)
            rest = ", which repeats only the export and its proof" if past.step >= past.note.steps else ""
            told = f": go on with {go_on}{rest}" if go_on else "; the next call begins anew all the same"
            error.add_note(f"{past.step} of {past.note.steps} steps are saved in {run_dir}{told}.")
        else:
            error.add_note("No step of the training was saved yet.")
        raise


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
