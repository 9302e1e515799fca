import pytest

from baad.data.reading import read_category
from tests.factory import write_category
from tests.fake_model import write_fake_model
from tests.learn.small_model import write_small_model


def test_a_model_whose_weights_are_no_weights_is_refused(baad, tmp_path):
    model = write_fake_model(tmp_path / "model.baad")
    told = baad("export", model, "-o", tmp_path / "line")
    assert told.code == 2
    assert "weights" in told.err and f"{model} is as it was: baad export can be tried again" in told.err
    assert not (tmp_path / "line").exists()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    parts = write_category(tmp_path_factory.mktemp("parts") / "disc", normals=16, good=1, defective=1, size=(72, 96))
    return write_small_model(tmp_path_factory.mktemp("model") / "disc.baad", read_category(parts).train)[0], parts


@pytest.mark.parametrize(
    ("words", "network", "said"),
    [
        ((), "model.onnx", "onnx, fp32; "),
        (("--format", "triton", "--name", "housing"), "housing/1/model.onnx", "triton, fp32; "),
        (("--format", "openvino", "--precision", "fp16", "--fixed", "1x72x96"), "model.xml", "openvino, fp16; "),
    ],
)
def test_a_model_is_written_for_the_line_and_what_was_proven_is_said(baad, trained, tmp_path, words, network, said):
    if "openvino" in words:
        pytest.importorskip("openvino")
    told = baad("export", *trained, "-o", tmp_path / "line", *words)
    assert told.code == 0, told.err
    assert said in told.out and "0 verdicts flipped" in told.out + told.err
    assert (tmp_path / "line" / network).is_file()
    assert list((tmp_path / "line").rglob("decision.json")) and list((tmp_path / "line").rglob("parity.json"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "coreml"), "give one of onnx, openvino, triton"),
        (("--precision", "int8"), "give --format openvino"),
        (("--format", "openvino", "--precision", "int8"), "give the folder that the model was trained on"),
        (("--format", "triton", "--name", "../up"), "cannot name a model"),
        (("--fixed", "480x640"), "such as 1x480x640"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(baad, model, tmp_path, words, said):
    told = baad("export", model, "-o", tmp_path / "line", *words)
    assert told.code == 2
    assert said in told.err and "Traceback" not in told.err
    assert not (tmp_path / "line").exists()


def test_a_folder_without_good_pictures_proves_nothing(baad, model, tmp_path):
    only_tests = write_category(tmp_path / "parts", normals=0, good=1, defective=1)
    told = baad("export", model, only_tests, "-o", tmp_path / "line")
    assert told.code == 2 and "holds no normal pictures" in told.err
    assert not (tmp_path / "line").exists()
