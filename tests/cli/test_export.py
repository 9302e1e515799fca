import pytest

from tests.factory import write_category
from tests.fake_model import write_fake_model


def test_a_model_whose_weights_are_no_weights_is_refused(baad, tmp_path):
    model = write_fake_model(tmp_path / "model.baad")
    told = baad("export", model, "-o", tmp_path / "line")
    assert told.code == 2
    assert "weights" in told.err and f"{model} is as it was: baad export can be tried again" in told.err
    assert not (tmp_path / "line").exists()


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
