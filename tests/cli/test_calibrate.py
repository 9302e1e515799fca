import numpy as np
import pytest

from baad.runtime.detector import Detector
from tests.factory import save_result, write_category, write_folder
from tests.fake_model import write_fake_model
from tests.learn.small_model import write_small_model


@pytest.fixture
def trained(tmp_path):
    from baad.data.reading import read_category

    category = read_category(write_folder(tmp_path / "parts", normals=12, size=(72, 96)))
    return write_small_model(tmp_path / "model.baad", category.train)[0]


def test_the_threshold_is_set_anew_and_told(baad, trained, tmp_path):
    today = write_folder(tmp_path / "today", normals=12, size=(72, 96), seed=9)
    told = baad("calibrate", trained, today, "-o", tmp_path / "today.baad", "--false-alarms", "20%", "--threads", "1")
    assert told.code == 0, told.err
    now = Detector.load(tmp_path / "today.baad", threads=1).calibration
    assert f"threshold {now.threshold:.4g} in place of" in told.out and "from 12 pictures" in told.out
    assert "the old threshold rejects" in told.out and "look at them" in told.out
    assert (now.n, now.false_alarm_rate) == (12, 0.2)
    assert "warning: --false-alarms 20% cannot be kept with 12 held-out pictures" in told.err  # 14 keep it
    shown = baad("info", tmp_path / "today.baad").out
    assert "from 12" in told.out and "highest" in shown and "from 12 good pictures given later" in shown


def test_overlays_among_the_pictures_set_no_threshold_and_that_is_said(baad, trained, tmp_path):
    today = write_folder(tmp_path / "today", normals=4, size=(72, 96), seed=9)
    for name in ("a.png", "b.png"):
        save_result(today / "seen" / name, np.full((72, 200, 3), 90, np.uint8))
    told = baad("calibrate", trained, today, "-o", tmp_path / "today.baad", "--threads", "1")
    assert told.code == 0 and "from 4 pictures" in told.out
    assert "4 normal pictures; 2 overlays and maps of BAAD left aside" in told.err


def test_what_cannot_be_is_said_and_nothing_is_written(baad, trained, tmp_path):
    out = tmp_path / "today.baad"
    tests_alone = write_category(tmp_path / "disc", normals=0, good=2, defective=2)
    for words, said in (
        ((trained, tests_alone), "holds no normal pictures"),
        ((write_fake_model(tmp_path / "fake.baad"), write_folder(tmp_path / "b", normals=3)), "weights"),
        ((trained, write_folder(tmp_path / "c", normals=3, size=(40, 200))), "another aspect"),
        ((trained, write_folder(tmp_path / "d", normals=3), "--false-alarms", "2"), "--false-alarms"),
    ):
        told = baad("calibrate", *words, "-o", out)
        assert told.code == 2 and said in told.err and "Traceback" not in told.err
        assert not out.exists()
