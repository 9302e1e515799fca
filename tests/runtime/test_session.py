import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from baad.errors import BundleError, ImageError, MissingExtra, SettingError
from baad.runtime import openvino_network
from baad.runtime.onnx_network import OnnxNetwork
from baad.runtime.session import RawMaps, Session, settle_threads, unfold, usable_cores
from tests.runtime.tiny_model import SIDE, draw_part, tiny_onnx

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def session():
    return Session(tiny_onnx(), threads=1)


@pytest.mark.parametrize("shape", [(40, 60), (1, 1), (7, 300)])
def test_a_picture_of_any_size_gives_maps_of_the_networks_size(session, shape):
    raw = session.run(np.full((*shape, 3), (51, 160, 0), np.uint8))
    assert (raw.anomaly.shape, raw.anomaly.dtype) == ((SIDE, SIDE), np.float32)
    np.testing.assert_allclose(raw.anomaly, 2.0, atol=1e-5)
    np.testing.assert_allclose(raw.foreground, 0.2, atol=1e-6)
    assert raw.score == pytest.approx(2.0, abs=1e-5)
    assert raw.reconstruction.dtype == np.uint8
    assert np.array_equal(raw.reconstruction, np.full((SIDE, SIDE, 3), (51, 160, 0)))


def test_scores_are_raw_and_may_be_negative(session):
    assert session.run(np.zeros((5, 5, 3), np.uint8)).score == -8.0


@pytest.mark.parametrize(("batch", "together"), [("B", [8, 3]), (1, [1] * 11)])
def test_pictures_of_one_size_go_together_where_the_graph_takes_more_than_one(monkeypatch, batch, together):
    session, counts = Session(tiny_onnx(batch=batch), threads=1), []
    run = session._network.run

    def counted(outputs, inputs):
        counts.append(len(inputs["image"]))
        return run(outputs, inputs)

    monkeypatch.setattr(session._network, "run", counted)
    pictures = [draw_part(green=100 + 10 * index) for index in range(11)]
    raws = session.run_batch(pictures)
    assert counts == together
    for raw, picture in zip(raws, pictures, strict=True):
        alone = session.run(picture)
        assert raw.score == alone.score and np.array_equal(raw.reconstruction, alone.reconstruction)


def test_a_batch_of_different_sizes_is_the_pictures_one_by_one(session):
    pictures = [draw_part(), draw_part((64, 30), green=200)]
    for raw, picture in zip(session.run_batch(pictures), pictures, strict=True):
        assert raw.score == session.run(picture).score


def test_pictures_that_are_views_are_read_as_they_look(session):
    picture = draw_part(green=220)
    assert session.run(picture[:, ::-1]).score == pytest.approx(session.run(picture).score, abs=1e-4)


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)], ids=str
)
def test_arrays_that_are_no_pictures_are_refused(session, picture):
    with pytest.raises(ImageError, match="uint8 \\[H, W, 3\\]"):
        session.run(picture)


def test_unfolding_lays_the_four_pixels_of_a_cell_side_by_side():
    folded = (np.arange(24, dtype=np.float32) / 255.0).reshape(12, 1, 2)  # two cells beside one another
    assert unfold(folded)[..., 0].tolist() == [[0, 2, 1, 3], [4, 6, 5, 7]]
    assert unfold(folded)[0, 0].tolist() == [0, 8, 16]


def test_a_folded_reconstruction_is_unfolded_when_it_is_asked_for():
    maps = np.zeros((2, 2), np.float32)
    assert RawMaps(maps, maps, 0.0, np.ones((12, 1, 1), np.float32)).reconstruction.tolist() == [[[255] * 3] * 2] * 2


def test_a_reconstruction_may_be_left_out():
    assert Session(tiny_onnx(drop="reconstruction"), threads=1).run(draw_part()).reconstruction is None


@pytest.mark.parametrize(
    ("provider", "settings"), [("CUDAExecutionProvider", {"use_tf32": "0"}), ("CPUExecutionProvider", {})]
)
def test_a_graphics_card_computes_in_whole_32_bit_floats(monkeypatch, provider, settings):
    class Started(Exception):
        pass

    def start(onnx, options, providers, provider_options):
        assert (providers, provider_options) == ([provider], [settings])
        raise Started

    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [provider])
    monkeypatch.setattr("onnxruntime.InferenceSession", start)
    with pytest.raises(BundleError) as told:
        OnnxNetwork(b"", 1, provider)
    assert isinstance(told.value.__cause__, Started)


@pytest.mark.parametrize(
    ("onnx", "complaint"),
    [
        (b"", "does not load"),
        (b"not a graph", "does not load"),
        (tiny_onnx(drop="foreground"), "no 'foreground'"),
        (tiny_onnx(rename=("image", "input")), "no 'image'"),
        (tiny_onnx(rename=("pred_score", "score")), "no 'pred_score'"),
        (tiny_onnx(rename=("reconstruction", "picture"), drop="pred_score"), "no 'pred_score'"),
    ],
    ids=["empty", "garbage", "no foreground", "other input", "other score", "two faults"],
)
def test_a_graph_of_another_contract_is_refused_in_one_line(onnx, complaint):
    with pytest.raises(BundleError, match=complaint) as caught:
        Session(onnx)
    assert "\n" not in str(caught.value)


def test_values_that_are_not_numbers_never_become_a_verdict():
    with pytest.raises(BundleError, match="not numbers"):
        Session(tiny_onnx(scale=float("inf")), threads=1).run(draw_part())


def test_more_threads_than_cores_are_never_started(monkeypatch):
    monkeypatch.setattr("baad.runtime.session.usable_cores", lambda: 2)
    assert [settle_threads(asked) for asked in (0, 1, 2, 3, 100_000)] == [2, 1, 2, 2, 2]
    assert Session(tiny_onnx(), threads=100_000).threads == 2  # took all memory


def test_no_threads_means_all_cores_and_a_negative_number_is_refused():
    assert Session(tiny_onnx()).threads == usable_cores() >= 1
    assert Session(tiny_onnx(), threads=1).threads == 1
    with pytest.raises(SettingError, match="threads is -1"):
        Session(tiny_onnx(), threads=-1)


@pytest.mark.skipif(not Path("/proc/self/task").exists() or usable_cores() < 2, reason="needs Linux and two cores")
def test_pinning_ties_the_threads_that_onnx_runtime_starts_and_leaves_the_callers_free():
    def tied():
        return sum(len(os.sched_getaffinity(int(task))) == 1 for task in os.listdir("/proc/self/task"))

    free = os.sched_getaffinity(0)
    before = tied()
    one = Session(tiny_onnx(), threads=1, pin=True)
    assert tied() == before
    two = Session(tiny_onnx(), threads=2, pin=True)
    two.run(draw_part())
    patience = time.monotonic() + 10  # each thread ties itself when it first runs
    while tied() == before and time.monotonic() < patience:
        time.sleep(0.01)
    one.run(draw_part())
    assert tied() == before + 1
    assert os.sched_getaffinity(0) == free


def test_an_unknown_provider_and_one_that_is_not_installed_are_told_apart(monkeypatch):
    with pytest.raises(SettingError, match="cpu, cuda"):
        Session(tiny_onnx(), provider="tpu")
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(MissingExtra, match="pip uninstall onnxruntime; pip install onnxruntime-gpu"):
        Session(tiny_onnx(), provider="cuda")
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(openvino_network, "_new_core", openvino_network._new_core.__wrapped__)  # none made before
    with pytest.raises(MissingExtra, match=r"\.\[openvino\]"):
        Session(tiny_onnx(), provider="openvino")


def test_openvino_says_what_onnx_runtime_says(session):
    pytest.importorskip("openvino")
    other = Session(tiny_onnx(), threads=1, provider="openvino")
    for picture in (draw_part((SIDE, SIDE), green=220), draw_part((SIDE, SIDE))):
        one, two = session.run(picture), other.run(picture)
        np.testing.assert_allclose(two.anomaly, one.anomaly, atol=1e-4)
        np.testing.assert_allclose(two.foreground, one.foreground, atol=1e-6)
        assert two.score == pytest.approx(one.score, abs=1e-4)


def test_openvino_says_the_same_of_pictures_of_the_usual_size_and_of_others():
    pytest.importorskip("openvino")
    plain = Session(tiny_onnx(), threads=1, provider="openvino")
    prepared = Session(tiny_onnx(), threads=1, provider="openvino", usual=(SIDE, SIDE))
    pictures = [draw_part((SIDE, SIDE), green=220), draw_part((SIDE + 40, SIDE)), draw_part((SIDE, SIDE))]
    for picture in pictures:
        one, two = plain.run(picture), prepared.run(picture)
        np.testing.assert_allclose(two.anomaly, one.anomaly, atol=1e-4)
        assert two.score == pytest.approx(one.score, abs=1e-4)
    together = [raw.score for raw in prepared.run_batch([pictures[0], pictures[2]])]
    assert together == pytest.approx([plain.run(pictures[0]).score, plain.run(pictures[2]).score], abs=1e-4)


def test_pictures_of_the_usual_size_and_no_others_go_through_the_copy():
    pytest.importorskip("openvino")
    prepared = Session(tiny_onnx(), threads=1, provider="openvino", usual=(SIDE, SIDE))
    prepared._network._compiled = None  # so that whatever needs the graph of any size fails
    assert np.isfinite(prepared.run(draw_part((SIDE, SIDE))).score)
    with pytest.raises(ImageError, match="cannot run"):
        prepared.run(draw_part((SIDE + 40, SIDE)))


def test_openvino_prepares_a_copy_for_the_usual_size_alone(monkeypatch):
    openvino = pytest.importorskip("openvino")
    shapes, precisions = [], []

    def remember(core, model, *settings):
        shapes.append(model.inputs[0].get_partial_shape())
        precisions.append(settings[-1]["INFERENCE_PRECISION_HINT"])
        return real(core, model, *settings)

    real = openvino.Core.compile_model
    monkeypatch.setattr(openvino.Core, "compile_model", remember)
    Session(tiny_onnx(), threads=1, provider="openvino", usual=(SIDE, SIDE + 8))
    assert [shape.is_dynamic for shape in shapes] == [True, False]
    assert list(shapes[1].to_shape()) == [1, SIDE, SIDE + 8, 3]
    assert precisions == ["f32", "f32"]  # else processors with bfloat16 judge otherwise, and no other one shows it


def test_openvino_may_be_shared_between_threads():
    pytest.importorskip("openvino")
    shared = Session(tiny_onnx(), threads=1, provider="openvino")
    pictures = [draw_part(green=100 + 5 * step) for step in range(20)]
    with ThreadPoolExecutor(4) as pool:
        found = [raw.score for raw in pool.map(shared.run, pictures)]
    assert found == [shared.run(picture).score for picture in pictures]


def test_ctrl_c_is_heard_after_two_networks_in_openvino_came_and_went():
    pytest.importorskip("openvino")
    code = (
        "import gc, os, signal; from baad.runtime.session import Session\n"
        "from tests.runtime.tiny_model import tiny_onnx\n"
        "first = Session(tiny_onnx(), threads=1, provider='openvino')\n"
        "second = Session(tiny_onnx(), threads=1, provider='openvino')\n"
        "del first; gc.collect(); del second; gc.collect()\n"
        "signal.signal(signal.SIGINT, lambda *a: print('heard'))\n"
        "os.kill(os.getpid(), signal.SIGINT)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_openvino_keeps_little_of_the_sizes_of_pictures_and_the_environment_as_it_was():
    pytest.importorskip("openvino")
    code = (
        "import os, numpy as np; from baad.runtime.session import Session\n"
        "from tests.runtime.tiny_model import tiny_onnx\n"
        "session = Session(tiny_onnx(), threads=1, provider='openvino')\n"
        "for number in range(500):\n"
        "    session.run(np.zeros((40 + number % 23 * 7, 40 + number, 3), np.uint8))\n"
        "    if number in (99, 499):\n"
        "        print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6)\n"
        "print('ONEDNN_PRIMITIVE_CACHE_CAPACITY' in os.environ)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    early, late, changed = done.stdout.split()
    assert float(late) - float(early) < 20  # MB; 5 were seen, and 45 with OpenVINO's own settings
    assert changed == "False"  # PyTorch's oneDNN would read it, too, and be slower


def test_openvino_refuses_what_is_no_graph_in_one_line():
    pytest.importorskip("openvino")
    with pytest.raises(BundleError, match="does not load in OpenVINO") as caught:
        Session(b"not a graph", provider="openvino")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("granted", "cores"), [("max 100000", 4), ("200000 100000", 2), ("150000 100000", 2)])
def test_no_more_threads_than_a_container_is_given_time_for(tmp_path, monkeypatch, granted, cores):
    quota = tmp_path / "cpu.max"
    quota.write_text(f"{granted}\n")
    monkeypatch.setattr("baad.runtime.session.QUOTA", quota)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1, 2, 3}, raising=False)
    assert settle_threads(0) == settle_threads(9) == cores
