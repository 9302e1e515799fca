"""THE SEAM between training and the line: one verified zip, `model.baad`.

manifest.json        what the model is and how it was made; `files` holds the SHA-256 of every other member
model.onnx           all that the runtime needs of the network
weights.safetensors  to train on
calibration.json     thresholds, and the good scores that they come from
parity.json          the certificate: other runtimes judge as PyTorch does; older files lack it
card.md              what the manifest says, for people
samples/             a few pictures of the training set

Nothing in it is ever executed or unpickled. Equal contents make equal bytes.
"""

import hashlib
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from baad.atomic import replacing
from baad.data.decode import show_path
from baad.errors import BundleError
from baad.self_contained import is_self_contained
from baad.verdict.calibration import Calibration
from baad.verdict.drawn import is_zones

SCHEMA = 1  # of the manifest and the list of members; raised when an old program could not read a new file
PRODUCT = "baad"
MANIFEST, ONNX, WEIGHTS, CALIBRATION, PARITY, CARD = (
    "manifest.json",
    "model.onnx",
    "weights.safetensors",
    "calibration.json",
    "parity.json",
    "card.md",
)
SAMPLES = "samples/"

WELL_FORMED: dict[str, Callable[[Any], bool]] = {  # what the program reads of a manifest must be what it takes it for
    "category": lambda value: isinstance(value, str),
    "seed": lambda value: isinstance(value, int),
    "steps": lambda value: isinstance(value, int),
    "tile_px": lambda value: isinstance(value, int) and value >= 0,
    "n_train": lambda value: isinstance(value, int),
    "parameters": lambda value: isinstance(value, (int, float)),
    "macs": lambda value: isinstance(value, (int, float)),
    "findings": lambda value: isinstance(value, list),
    "device": lambda value: isinstance(value, str),
    "train_minutes": lambda value: isinstance(value, (int, float)),
    "processor_minutes": lambda value: isinstance(value, (int, float)),
    "settings": lambda value: isinstance(value, dict),
    "chosen": lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
    "gate": lambda value: isinstance(value, dict) and _are_masks(value.get("worst", [])),
    "learnt_from": lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
    "image_colours": lambda value: isinstance(value, list) and set(map(str, value)) <= {"grey", "colour"},
    "image_shapes": lambda value: isinstance(value, list) and all(map(_is_shape, value)),
    "part_share": lambda value: _is_range(value),
    "part_centre": lambda value: isinstance(value, list) and len(value) == 2 and all(map(_is_range, value)),
    "zones": is_zones,
    "input_shape": lambda value: _is_shape(value),
}

MIB = 2**20
SIZE_LIMITS = {MANIFEST: 64 * MIB, ONNX: 1024 * MIB, WEIGHTS: 1024 * MIB, CALIBRATION: 64 * MIB, PARITY: MIB, CARD: MIB}
SAMPLE_LIMIT = 64 * MIB
MEMBER_LIMIT = 1000
LONGEST_SIDE = 2**31  # px
CHUNK = MIB


@dataclass(frozen=True)
class Bundle:
    """A model file that has been read and verified."""

    manifest: dict[str, Any]
    onnx: bytes
    calibration: Calibration
    path: Path


def write_bundle(
    path: Path,
    *,
    manifest: Mapping[str, Any],
    onnx: bytes,
    weights: bytes,
    calibration: Calibration,
    card: str,
    samples: Mapping[str, bytes],
    parity: Mapping[str, Any] | None = None,
) -> Path:
    """Write `path` whole or not at all. `samples` maps members' names, such as "samples/0.jpg", to their contents.

    `parity` is what the certificate says, if there is one.
    Adds `schema`, `product` and `files` to the manifest. Raises OutputError where the disk refuses.
    """
    members = {
        ONNX: onnx,
        WEIGHTS: weights,
        CALIBRATION: _json_bytes(calibration.to_json()),
        **({} if parity is None else {PARITY: _json_bytes(parity)}),
        CARD: card.encode("utf-8"),
        **{name: samples[name] for name in sorted(samples)},
    }
    if unknown := [name for name in members if not _is_known(name)]:
        raise ValueError(f"{unknown[0]!r} does not belong in a model file")
    return _write_members(path, manifest, members)


@dataclass(frozen=True)
class Judgement:
    """What in a model file depends on its thresholds; the arguments of `write_bundle`."""

    onnx: bytes
    calibration: Calibration
    parity: Mapping[str, Any]
    card: str


def rewrite_bundle(path: Path, out: Path, changes: Mapping[str, Any], judgement: Judgement | None = None) -> Path:
    """The same model with other entries in its manifest; None takes an entry away. `out` may be `path` itself.

    `judgement`: what it holds in place of the old thresholds. Raises BundleError as `read_bundle` does, OutputError
    where the disk refuses.
    """
    path = Path(path)
    with _opened(path) as archive:
        manifest = _read_manifest(archive, path)
        members = {name: _read_verified(archive, path, manifest, name, keep=True) for name in manifest["files"]}
    if judgement is not None:
        members[ONNX], members[CARD] = judgement.onnx, judgement.card.encode("utf-8")
        members[CALIBRATION] = _json_bytes(judgement.calibration.to_json())
        members[PARITY] = _json_bytes(judgement.parity)
    changed = {name: value for name, value in {**manifest, **changes}.items() if value is not None}
    return _write_members(Path(out), changed, members)


def _write_members(path: Path, manifest: Mapping[str, Any], members: Mapping[str, bytes]) -> Path:
    files = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    manifest = {**manifest, "schema": SCHEMA, "product": PRODUCT, "files": files}
    members = {MANIFEST: _json_bytes(manifest), **members}
    for name, content in members.items():
        if len(content) > _size_limit(name):
            raise ValueError(f"{name!r} of {len(content)} bytes is too large for a model file")
    synced = replacing(Path(path), synced=True)  # what it was trained from is deleted next
    with synced as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)  # dated 1980: the date of making is in the manifest
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
    return Path(path)


def read_bundle(path: Path) -> Bundle:
    """Read a model file; every member is compared with its checksum first.

    Raises BundleError where the file is missing, damaged, changed, of another program, or of a newer BAAD.
    """
    path = Path(path)
    kept: dict[str, bytes] = {}
    with _opened(path) as archive:
        manifest = _read_manifest(archive, path)
        for name in manifest["files"]:
            content = _read_verified(archive, path, manifest, name, keep=name in (ONNX, CALIBRATION))
            if name in (ONNX, CALIBRATION):
                kept[name] = content
    _require_self_contained(kept[ONNX], path)
    return Bundle(manifest, kept[ONNX], Calibration.from_json(_parse_json(kept[CALIBRATION], path)), path)


def require(manifest: Mapping[str, Any], *keys: str) -> None:
    """Raise BundleError where a manifest, or an object in it, lacks an entry that judging can do without."""
    for key in keys:
        if key not in manifest:
            raise BundleError(
                f"The model file's manifest has no {key!r}, which is needed here, though not to judge pictures. Train "
                "the model again with `baad train`."
            )


def read_member(path: Path, name: str) -> bytes:
    """One verified member, such as "card.md" or "samples/0.jpg". Raises BundleError as `read_bundle` does."""
    path = Path(path)
    with _opened(path) as archive:
        if name == MANIFEST:
            return _read_limited(archive, path, MANIFEST)
        manifest = _read_manifest(archive, path)
        if name not in manifest["files"]:
            raise BundleError(f"{path} holds no {name}. It holds: {', '.join(manifest['files'])}.")
        return _read_verified(archive, path, manifest, name, keep=True)


def is_bundle(path: Path) -> bool:
    """Whether the manifest of a file says that it is a model of BAAD, of whatever version."""
    try:
        manifest = _parse_json(read_member(path, MANIFEST), path)
    except (BundleError, KeyError):  # no zip that can be read, or without a manifest
        return False
    return isinstance(manifest, dict) and manifest.get("product") == PRODUCT


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive at `path`; whatever is wrong with it comes out as one line that says what to do."""
    try:
        _require_file(path)
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError as error:
        raise BundleError(f"There is no model file {path}. Make one with `baad train`.") from error
    except OSError as error:
        raise BundleError(f"Cannot read the model file {path}: {error.strerror or error}.") from error
    except zipfile.BadZipFile as error:
        raise BundleError(_explain_bad_zip(path)) from error
    except (zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError, struct.error) as error:
        # cut off, encrypted, odd compression, names that are no text
        raise _damaged(path, str(error)) from error


def _require_file(path: Path) -> None:
    """Neither a folder, nor a pipe that never ends, nor a device that has no end."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise BundleError(f"{path} is a folder, not a model file. The model file comes first, then the pictures.")
    if not stat.S_ISREG(mode):
        raise BundleError(f"{path} is a pipe or a device, not a file. Give the model file itself.")


def _explain_bad_zip(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PK\x03\x04":
        return f"The model file {path} is truncated or damaged. Copy it again, or train the model again."
    return f"{path} is not a BAAD model file. Give the file that `baad train` wrote."


def _read_manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """Manifest of an archive whose list of members is as the manifest says."""
    names = archive.namelist()
    if MANIFEST not in names:
        raise BundleError(f"{path} is a zip but not a BAAD model file: it has no {MANIFEST}.")
    manifest = _parse_json(_read_limited(archive, path, MANIFEST), path)
    if not isinstance(manifest, dict) or manifest.get("product") != PRODUCT:
        raise BundleError(f"{path} is the file of another program. Give the file that `baad train` wrote.")
    schema = manifest.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise _damaged(path, f"schema is {schema!r}")
    if schema > SCHEMA:
        made_by = f"BAAD {show_path(str(manifest.get('baad_version', '')))}".strip()
        raise BundleError(
            f"{path} was made by a newer version ({made_by}, schema {schema}; this one reads up to {SCHEMA}). "
            "Install that version of BAAD, or a newer one."
        )
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(isinstance(digest, str) for digest in files.values()):
        raise _damaged(path, "the manifest lists no files")
    for key, fits in WELL_FORMED.items():
        if key in manifest and not fits(manifest[key]):
            raise _damaged(path, f"{key} is {str(manifest[key])[:60]!r}")
    for name in (ONNX, CALIBRATION, *files):
        if name not in names or name not in files:
            raise BundleError(f"The model file {path} lacks {name}. Copy it again, or train the model again.")
    unlisted = sorted(set(names) - set(files) - {MANIFEST})
    if unlisted or len(set(names)) < len(names) or len(names) > MEMBER_LIMIT or not all(map(_is_known, files)):
        raise _damaged(path, f"it holds members that do not belong there {unlisted[:3] or ''}".rstrip())
    return manifest


def _read_verified(archive: zipfile.ZipFile, path: Path, manifest: dict[str, Any], name: str, keep: bool) -> bytes:
    """Compare a member with its checksum -> its content, or nothing where it is not to be kept."""
    digest, content = hashlib.sha256(), bytearray()
    for chunk in _chunks(archive, path, name):
        digest.update(chunk)
        if keep:
            content += chunk
    if digest.hexdigest() != manifest["files"][name]:
        raise BundleError(
            f"The model file {path} was changed after it was made: {name} is not what the manifest says. "
            "Do not use it; take the original, or train the model again."
        )
    return bytes(content)


def _read_limited(archive: zipfile.ZipFile, path: Path, name: str) -> bytes:
    return b"".join(_chunks(archive, path, name))


def _require_self_contained(onnx: bytes, path: Path) -> None:
    """A runtime would open the files that a graph names, wherever they lie, and no checksum covers those."""
    try:
        if is_self_contained(onnx):
            return
    except ValueError as error:
        raise _damaged(path, f"{ONNX}: {error}") from error
    raise BundleError(f"The network in the model file {path} wants other files, which BAAD's never do. Do not use it.")


def _chunks(archive: zipfile.ZipFile, path: Path, name: str) -> Iterator[bytes]:
    """Contents of a member piece by piece, never more than its limit: the size in a zip's header can lie."""
    left = _size_limit(name)
    with archive.open(name) as member:
        while chunk := member.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _damaged(path, f"{name} is larger than {_size_limit(name) // MIB} MiB")
            yield chunk


def _size_limit(name: str) -> int:
    return SIZE_LIMITS.get(name, SAMPLE_LIMIT)


def _is_known(name: str) -> bool:
    """Whether a member may be called so: no folders but samples/, nothing that would be written outside of one."""
    if name in SIZE_LIMITS:
        return name != MANIFEST
    parts = PurePosixPath(name).parts
    return name.startswith(SAMPLES) and len(parts) == 2 and parts[1] != ".." and "\\" not in name and ":" not in name


def _are_masks(value: Any) -> bool:
    """Whether it is a list of samples that show masks of training pictures, with their quality."""
    kinds: dict[str, type | tuple[type, ...]] = {"sample": str, "image": str, "quality": (int, float)}
    return isinstance(value, list) and all(
        isinstance(each, dict) and all(isinstance(each.get(key), kind) for key, kind in kinds.items()) for each in value
    )


def _is_shape(value: Any) -> bool:
    plain = isinstance(value, list) and len(value) == 2
    return plain and all(isinstance(side, int) and 0 < side <= LONGEST_SIDE for side in value)


def _is_range(value: Any) -> bool:
    """Two shares, the lower first."""
    plain = isinstance(value, list) and len(value) == 2 and all(type(share) in (int, float) for share in value)
    return plain and 0 <= value[0] <= value[1] <= 1


def _json_bytes(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def _parse_json(content: bytes, path: Path) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> BundleError:
    return BundleError(f"The model file {path} is damaged: {reason}. Copy it again, or train the model again.")
