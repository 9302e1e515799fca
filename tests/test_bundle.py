import hashlib
import json
import zipfile

import pytest

from baad.bundle import SCHEMA, SIZE_LIMITS, read_bundle, read_member, require, write_bundle
from baad.errors import BundleError, OutputError
from baad.runtime.session import Session
from baad.verdict.calibration import fit_calibration

GRAPH = b"\x12\x05graph" * 1000  # an ONNX model of a thousand producers' names
CALIBRATION = fit_calibration([0.5, -1.0], [1.0, 2.0], ["mon", "tue"], 0.01)


def write(path, **changes):
    contents = {
        "manifest": {"category": "disc", "baad_version": "0.1.0", "seed": 0},
        "onnx": GRAPH,
        "weights": b"tensors",
        "calibration": CALIBRATION,
        "card": "# Disc ä\n",
        "samples": {"samples/1.jpg": b"one", "samples/0.jpg": b"zero"},
    }
    return write_bundle(path, **(contents | changes))


def rewrite(path, change=None, *, manifest=None, compression=zipfile.ZIP_STORED):
    """Write the members of a model file anew: `change` maps names to contents, None leaves a member out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if manifest is not None:
        members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | manifest).encode()
    members |= change or {}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def refusal(path):
    with pytest.raises(BundleError) as caught:
        read_bundle(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.fixture
def model(tmp_path):
    return write(tmp_path / "model.baad")


def test_what_was_written_is_read(model):
    bundle = read_bundle(model)
    assert bundle.onnx == GRAPH
    assert bundle.calibration == CALIBRATION
    assert bundle.path == model
    assert bundle.manifest["category"] == "disc"
    assert (bundle.manifest["schema"], bundle.manifest["product"]) == (SCHEMA, "baad")
    assert read_member(model, "card.md").decode() == "# Disc ä\n"
    assert read_member(model, "samples/0.jpg") == b"zero"
    assert read_member(model, "weights.safetensors") == b"tensors"


def test_the_manifest_lists_the_checksum_of_every_other_member(model):
    files = read_bundle(model).manifest["files"]
    with zipfile.ZipFile(model) as archive:
        assert archive.namelist() == ["manifest.json", *files]
        for name, digest in files.items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest


def test_equal_contents_make_equal_bytes(tmp_path):
    one = write(tmp_path / "one.baad")
    other = write(tmp_path / "other.baad", samples={"samples/0.jpg": b"zero", "samples/1.jpg": b"one"})
    assert one.read_bytes() == other.read_bytes()


def test_a_model_file_that_was_packed_anew_with_compression_is_read(model):
    assert read_bundle(rewrite(model, compression=zipfile.ZIP_DEFLATED)).onnx == GRAPH


def test_a_file_that_is_missing_says_how_to_make_one(tmp_path):
    assert "baad train" in refusal(tmp_path / "none.baad")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04K\x01."], ids=["empty", "text", "pickle"])
def test_what_is_no_zip_is_no_model(tmp_path, content):
    (tmp_path / "model.baad").write_bytes(content)
    assert "is not a BAAD model file" in refusal(tmp_path / "model.baad")


def test_a_folder_is_no_model(tmp_path):
    assert "is a folder, not a model file" in refusal(tmp_path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_called_so(model, share):
    content = model.read_bytes()
    model.write_bytes(content[: int(share * len(content))])
    assert "truncated or damaged" in refusal(model)


def test_a_foreign_zip_is_told_apart_from_a_foreign_program(tmp_path, model):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("data.pkl", b"")
    assert "it has no manifest.json" in refusal(tmp_path / "other.zip")
    assert "another program" in refusal(rewrite(model, manifest={"product": "other"}))


@pytest.mark.parametrize("content", [b"[]", b"7"], ids=["list", "number"])
def test_a_manifest_that_is_no_object_is_of_another_program(model, content):
    assert "another program" in refusal(rewrite(model, {"manifest.json": content}))


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000], ids=["cut", "no text", "deep"])
def test_a_manifest_that_is_no_json_is_damaged(model, content):
    assert "is damaged" in refusal(rewrite(model, {"manifest.json": content}))


@pytest.mark.parametrize("name", ["model.onnx", "weights.safetensors", "calibration.json", "card.md", "samples/1.jpg"])
def test_a_changed_member_is_refused_by_its_checksum(model, name):
    message = refusal(rewrite(model, {name: b"tampered"}))
    assert name in message
    assert "was changed after it was made" in message


def test_a_flipped_bit_on_the_disk_is_found(model):
    content = bytearray(model.read_bytes())
    content[content.index(b"graph")] ^= 1
    model.write_bytes(content)
    refusal(model)


@pytest.mark.parametrize("name", ["model.onnx", "calibration.json", "card.md"])
def test_a_missing_member_is_named(model, name):
    assert f"lacks {name}" in refusal(rewrite(model, {name: None}))


@pytest.mark.parametrize("name", ["code.py", "samples/../../evil", "samples/a/b", "/etc/passwd"])
def test_a_member_that_does_not_belong_there_is_refused(model, name):
    assert "do not belong" in refusal(rewrite(model, {name: b"x"}))
    listed = json.loads(read_zip(model, "manifest.json"))["files"] | {name: hashlib.sha256(b"x").hexdigest()}
    assert "do not belong" in refusal(rewrite(model, manifest={"files": listed}))


def read_zip(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def test_a_name_that_appears_twice_is_refused(model):
    with zipfile.ZipFile(model, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("model.onnx", b"second")
    assert "do not belong" in refusal(model)


def test_a_newer_schema_says_to_install_a_newer_version(model):
    message = refusal(rewrite(model, manifest={"schema": SCHEMA + 1, "baad_version": "9.9"}))
    assert "BAAD 9.9" in message
    assert "Install that version" in message


@pytest.mark.parametrize("schema", [None, "1", 0, True, 1.5], ids=str)
def test_a_schema_that_cannot_be_is_damage(model, schema):
    assert "schema is" in refusal(rewrite(model, manifest={"schema": schema}))


@pytest.mark.parametrize("files", [None, [], {}, {"model.onnx": 7}], ids=str)
def test_a_manifest_without_a_list_of_files_is_refused(model, files):
    refusal(rewrite(model, manifest={"files": files}))


def test_a_bomb_is_not_unpacked(model, monkeypatch):
    monkeypatch.setitem(SIZE_LIMITS, "card.md", 2**20)
    card = b"0" * (2**20 + 1)
    files = json.loads(read_zip(model, "manifest.json"))["files"] | {"card.md": hashlib.sha256(card).hexdigest()}
    rewrite(model, {"card.md": card}, manifest={"files": files}, compression=zipfile.ZIP_DEFLATED)
    assert model.stat().st_size < 20_000
    assert "larger than 1 MiB" in refusal(model)


def test_a_calibration_that_cannot_be_is_refused_although_its_checksum_fits(model):
    content = b'{"threshold": 1}'
    files = json.loads(read_zip(model, "manifest.json"))["files"]
    files["calibration.json"] = hashlib.sha256(content).hexdigest()
    rewrite(model, {"calibration.json": content}, manifest={"files": files})
    with pytest.raises(BundleError, match="calibration cannot be read"):
        read_bundle(model)


def test_an_empty_network_is_left_to_who_loads_it(model):
    files = json.loads(read_zip(model, "manifest.json"))["files"] | {"model.onnx": hashlib.sha256(b"").hexdigest()}
    rewrite(model, {"model.onnx": b""}, manifest={"files": files})
    with pytest.raises(BundleError, match="does not load"):
        Session(read_bundle(model).onnx, 1)


def test_a_member_that_is_not_there_is_answered_with_those_that_are(model):
    with pytest.raises(BundleError, match=r"holds no samples/9\.jpg.*card\.md"):
        read_member(model, "samples/9.jpg")


def test_a_failure_while_writing_leaves_the_old_model(model, tmp_path):
    before = model.read_bytes()
    with pytest.raises(TypeError):
        write(model, manifest={"seed": object()})
    assert model.read_bytes() == before
    assert list(tmp_path.iterdir()) == [model]


def test_sample_names_that_would_leave_the_folder_are_never_written(tmp_path):
    with pytest.raises(ValueError, match="does not belong"):
        write(tmp_path / "model.baad", samples={"../evil.jpg": b""})


def test_a_manifest_that_could_not_be_read_is_not_written(tmp_path, monkeypatch):
    many = {"seed": 0, "learnt_from": ["0" * 16] * 5000}
    assert read_bundle(write(tmp_path / "model.baad", manifest=many)).manifest["seed"] == 0
    monkeypatch.setitem(SIZE_LIMITS, "manifest.json", 80_000)
    with pytest.raises(ValueError, match="too large"):
        write(tmp_path / "other.baad", manifest=many)
    assert not (tmp_path / "other.baad").exists()


def test_a_place_that_cannot_be_written_is_said_plainly(tmp_path):
    (tmp_path / "model.baad").mkdir()
    with pytest.raises(OutputError, match="Cannot write"):
        write(tmp_path / "model.baad")


def test_an_entry_that_a_command_needs_is_named_where_the_manifest_lacks_it(model):
    manifest = read_bundle(model).manifest
    require(manifest, "category", "seed")
    with pytest.raises(BundleError, match=r"no 'gate'.*baad train"):
        require(manifest, "seed", "gate")


@pytest.mark.parametrize(
    "entry",
    [
        {"n_train": "many"},
        {"macs": None},
        {"parameters": []},
        {"findings": "none"},
        {"learnt_from": 3},
        {"image_shapes": [[10**400, 1]]},
    ],
)
def test_an_entry_that_cannot_be_is_damage(model, entry):
    assert f"{next(iter(entry))} is" in refusal(rewrite(model, manifest=entry))
