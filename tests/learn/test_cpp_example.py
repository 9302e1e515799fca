"""The C++ program in examples/cpp, built against the OpenVINO that pip installed, beside Python."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baad.data.decode import read_image
from baad.learn.hand_over import export_model
from baad.progress import Silence
from baad.runtime.detector import Detector

openvino = pytest.importorskip("openvino")
CPP = Path(__file__).parents[2] / "examples" / "cpp"


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """Calls the program with a folder and pictures -> exit code, standard output, standard error."""
    missing = [tool for tool in ("cmake", "c++", "make") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"the C++ example is not built: there is no {' and no '.join(missing)} here")
    build, home = tmp_path_factory.mktemp("build"), openvino.utils.get_cmake_path()
    for words in (["-S", str(CPP), "-B", str(build), f"-DOpenVINO_DIR={home}"], ["--build", str(build)]):
        done = subprocess.run(["cmake", *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def call(folder, *files):
        done = subprocess.run([str(build / "judge"), str(folder), *map(str, files)], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.fixture(scope="module")
def model(small):
    return small[0]


@pytest.fixture(scope="module")
def exported(model, disc, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "line"
    given = {"form": "openvino", "precision": "fp32", "pictures": disc.train, "progress": Silence(), "threads": 1}
    return export_model(model, out, **given).folder


@pytest.fixture
def line(exported, tmp_path):
    """A copy of the export, to be changed."""
    return Path(shutil.copytree(exported, tmp_path / "line"))


@pytest.fixture
def part(tmp_path):
    Image.new("RGB", (96, 96)).save(tmp_path / "part.ppm")
    return tmp_path / "part.ppm"


def change(line, **decision):
    """Keys of decision.json, those given first."""
    told = json.loads((line / "decision.json").read_text())
    (line / "decision.json").write_text(json.dumps(decision | told | decision))


def test_it_judges_as_python_does(judge, line, model, disc, tmp_path):
    detector, pictures = Detector.load(model, threads=1).for_any_size(), []
    for number, image in enumerate((*disc.train[:4], *disc.test)):
        pixels = read_image(image.path)[: 60 + number, :, :]
        pictures.append(pixels)
        Image.fromarray(pixels).save(tmp_path / f"{number}.ppm")
    scores = sorted(detector.predict(pixels).score for pixels in pictures)
    detector = detector.with_threshold((scores[2] + scores[3]) / 2)  # so that both verdicts come
    near_copies = {"pixel_maxima": [9.0], "scores": [-9.0]}  # whose keys are those of all, and come first
    change(line, groups=near_copies, threshold=detector.calibration.threshold)
    code, told, wrong = judge(line, *(tmp_path / f"{number}.ppm" for number in range(len(pictures))))
    assert code == 0, wrong
    labels = set()
    for row, pixels in zip(told.splitlines(), pictures, strict=True):
        label, _, score, _, threshold, _, p_value = row.split()
        verdict = detector.predict(pixels)
        labels.add(label)
        assert label == verdict.label
        assert float(score) == pytest.approx(verdict.score, abs=1e-4)
        assert float(threshold) == pytest.approx(verdict.threshold, abs=1e-5)
        assert float(p_value) == pytest.approx(verdict.p_value, abs=1e-5)
    assert labels == {"ok", "ng"}


@pytest.mark.parametrize(
    ("decision", "problem"),
    [
        ({"tile_px": 96}, "judges in tiles"),
        ({"zones": []}, "has zones"),
        ({"threshold": "high"}, "threshold in decision.json is no number"),
        ({"threshold": float("nan")}, "threshold in decision.json is no number"),
        ({"scores": [1.5, None]}, "scores in decision.json is no number"),
    ],
)
def test_it_refuses_a_decision_that_it_cannot_carry_out(judge, line, part, decision, problem):
    change(line, **decision)
    code, told, wrong = judge(line, part)
    assert (code, told) == (2, "") and problem in wrong


def test_a_decision_with_the_line_ends_of_windows_is_read(judge, line, part):
    plain = judge(line, part)
    decision = line / "decision.json"
    decision.write_bytes(decision.read_bytes().replace(b"\n", b"\r\n"))
    assert judge(line, part) == plain and plain[0] == 0


def test_it_refuses_a_score_that_is_no_number(judge, line, part):
    """A comparison with it is false, and would say "ok"."""
    from openvino import opset13 as ops

    image = ops.parameter([1, -1, -1, 3], np.uint8, name="image")
    score = ops.multiply(ops.reduce_sum(ops.convert(image, "f32"), [1, 2, 3]), np.float32(np.nan))
    image.output(0).set_names({"image"})
    score.output(0).set_names({"pred_score"})
    openvino.save_model(openvino.Model([score], [image]), line / "model.xml", compress_to_fp16=False)
    code, told, wrong = judge(line, part)
    assert (code, told) == (2, "") and "gives no number" in wrong


def test_it_says_what_it_cannot_read(judge, exported, tmp_path):
    (tmp_path / "cut.ppm").write_bytes(b"P6 10 10 255\n123")
    code, told, wrong = judge(exported, tmp_path / "cut.ppm")
    assert (code, told) == (2, "") and "ends too early" in wrong
