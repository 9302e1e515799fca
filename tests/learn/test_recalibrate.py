import json
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from baad.bundle import MANIFEST, read_bundle, read_member
from baad.data.decode import read_image
from baad.data.reading import read_category
from baad.data.sample import GoodImage
from baad.data.split import split_held_out
from baad.errors import DataError, SettingError
from baad.learn.hand_over import export_model
from baad.learn.recalibrate import leave_out_learnt, recalibrate
from baad.progress import Silence
from baad.runtime.detector import Detector
from baad.verdict.promise import describe, promised_by, promised_rate
from tests.factory import save_picture, write_category
from tests.learn.small_model import SETTINGS, write_small_model


@pytest.fixture(scope="module")
def category(tmp_path_factory):
    return read_category(write_category(tmp_path_factory.mktemp("parts") / "disc", normals=16, size=(72, 96)))


@pytest.fixture(scope="module")
def model(category, tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("model") / "disc.baad", category.train)[0]


@pytest.fixture(scope="module")
def darker(category, tmp_path_factory):
    """The same parts under less light."""
    folder = tmp_path_factory.mktemp("today")
    return tuple(
        GoodImage(save_picture(folder / f"{index}.png", read_image(image.path) // 2))
        for index, image in enumerate(category.train)
    )


def test_thresholds_are_those_of_the_new_pictures_and_the_network_stays(model, darker, tmp_path):
    out = tmp_path / "today.baad"
    before, now = recalibrate(model, out, darker, None, Silence(), threads=1)
    old, new = Detector.load(model, threads=1), Detector.load(out, threads=1)
    assert (before, now) == (old.calibration, new.calibration) and now.threshold != before.threshold
    assert now.false_alarm_rate == before.false_alarm_rate and now.n == 16
    verdicts = [new.predict(image.path) for image in darker]
    assert now.scores == pytest.approx(sorted(verdict.score for verdict in verdicts))
    assert not any(verdict.label == "ng" for verdict in verdicts)  # 16 pictures: the highest is the threshold
    assert np.array_equal(old.score(darker[0].path).anomaly, new.score(darker[0].path).anomaly)


def test_all_that_tells_of_the_threshold_is_written_anew(model, darker, tmp_path):
    _, now = recalibrate(model, tmp_path / "today.baad", darker, 0.3, Silence(), threads=1)
    bundle = read_bundle(tmp_path / "today.baad")
    metadata = {entry.key: entry.value for entry in onnx.load_from_string(bundle.onnx).metadata_props}
    assert float(metadata["baad_threshold"]) == json.loads(metadata["baad_decision"])["threshold"] == now.threshold
    parity = json.loads(read_member(bundle.path, "parity.json"))
    assert parity["threshold"] == now.threshold and parity["source"].endswith("baad calibrate")
    assert f"threshold {now.threshold:.3f}" in read_member(bundle.path, "card.md").decode()
    manifest, before = bundle.manifest, read_bundle(model).manifest
    assert manifest["highest_held_out"][0]["score"] == pytest.approx(max(now.scores), abs=1e-4)
    assert {key for key in manifest if manifest[key] != before.get(key)} == {
        *("files", "n_held_out", "highest_held_out", "calibrated")
    }
    assert now.false_alarm_rate == 0.3


def test_pictures_that_training_learnt_from_do_not_count(model, category, darker, tmp_path):
    split = split_held_out(category.train, SETTINGS.held_out, SETTINGS.seed)
    warned = []
    progress = SimpleNamespace(say=lambda text: None, warn=warned.append, task=Silence().task)
    mixed = (*split.fit, *darker, *split.held_out)
    _, now = recalibrate(model, tmp_path / "mixed.baad", mixed, None, progress, threads=1)
    _, alone = recalibrate(model, tmp_path / "new.baad", (*darker, *split.held_out), None, Silence(), threads=1)
    assert now == alone and now.n == read_bundle(tmp_path / "mixed.baad").manifest["n_held_out"] == 20
    assert len(warned) == 1 and warned[0].startswith(f"{len(split.fit)} of 32 pictures are left out")
    with pytest.raises(DataError, match="Training learnt from all of the 12 pictures"):
        recalibrate(model, tmp_path / "none.baad", split.fit, None, Silence(), threads=1)
    assert not (tmp_path / "none.baad").exists()


def test_of_a_model_that_does_not_say_what_it_learnt_from_all_pictures_count_with_a_warning(darker):
    warned = []
    progress = SimpleNamespace(warn=warned.append)
    assert leave_out_learnt(darker, {}, progress) == darker
    assert len(warned) == 1 and "Give pictures taken later" in warned[0]


def test_a_model_may_be_calibrated_in_its_own_place_and_nothing_is_lost_where_that_fails(
    model, darker, category, tmp_path
):
    place = tmp_path / "model.baad"
    place.write_bytes(model.read_bytes())
    recalibrate(place, place, darker, None, Silence(), threads=1)
    good = place.read_bytes()
    long = save_picture(tmp_path / "long.png", np.zeros((40, 200, 3), np.uint8))
    with pytest.raises(DataError, match=r"1 of 17 pictures .*long\.png: .*another aspect"):
        recalibrate(place, place, (*darker, GoodImage(long)), None, Silence(), threads=1)
    with pytest.raises(SettingError):
        recalibrate(place, place, darker, 1.5, Silence(), threads=1)
    assert place.read_bytes() == good and read_member(place, MANIFEST)


def test_int8_is_refused_for_it_sets_thresholds_by_the_pictures_held_out_in_training(model, darker, category, tmp_path):
    pytest.importorskip("openvino")
    recalibrate(model, tmp_path / "today.baad", darker, None, Silence(), threads=1)
    asked = {"form": "openvino", "precision": "int8", "pictures": category.train, "progress": Silence(), "threads": 1}
    with pytest.raises(DataError, match="from baad calibrate"):
        export_model(tmp_path / "today.baad", tmp_path / "line", **asked)
    assert not (tmp_path / "line").exists()


def test_an_export_knows_the_pictures_held_out_in_training_whatever_thresholds_were_set_since(
    model, darker, category, tmp_path
):
    recalibrate(model, tmp_path / "today.baad", darker, None, Silence(), threads=1)
    warned = []
    progress = SimpleNamespace(say=lambda text: None, warn=warned.append, task=Silence().task)

    def name_source(pictures):
        asked = {"form": "onnx", "precision": "fp32", "pictures": pictures, "progress": progress, "threads": 1}
        folder = export_model(tmp_path / "today.baad", tmp_path / "line", **asked).folder
        return json.loads((folder / "parity.json").read_text("utf-8"))["source"]

    assert (name_source(category.train), warned) == ("held-out normal pictures", [])
    assert name_source(darker) == "normal pictures, not those held out in training" and len(warned) == 1


def test_copies_of_one_picture_promise_as_one_picture(model, darker, tmp_path):
    content = darker[0].path.read_bytes()
    copies = [GoodImage(tmp_path / f"{number}.png") for number in range(9)]
    for copy in copies:
        copy.path.write_bytes(content)
    _, now = recalibrate(model, tmp_path / "copies.baad", copies, 0.05, Silence(), threads=1)
    assert promised_by(now) == promised_rate(1) and now.n == 9
    assert "9 held-out pictures in 1 group of near copies" in describe(now)
    assert Detector.load(tmp_path / "copies.baad", threads=1).calibration == now
    _, now = recalibrate(model, tmp_path / "more.baad", (*copies, *darker[1:]), 0.05, Silence(), threads=1)
    assert promised_by(now) == promised_rate(16) and now.n == 24
