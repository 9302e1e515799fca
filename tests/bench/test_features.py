import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from baad.bench import features as room
from baad.bench.candidates import Candidate
from baad.bench.features import FeatureSettings, compare_features, format_features
from baad.bench.latency import Latency, tell_threads
from baad.bench.made_with import hash_pdn
from baad.bench.rows import read_rows, write_rows
from baad.errors import DataError, InputError, SettingError
from baad.learn.pdn import PDN_SHAPES, WEIGHTS, new_pdn
from baad.progress import Silence
from baad.settings import TrainSettings
from tests.factory import write_category
from tests.learn.photos import channels_last_teacher, colour_teacher

QUICK = FeatureSettings(candidates=("fast", "random"), memory=500, seconds=0)


@pytest.fixture
def category(tmp_path):
    return write_category(tmp_path / "disc", normals=3, good=1, defective=2)


def test_each_candidate_gets_a_row_and_finished_ones_are_not_run_again(category, tmp_path, monkeypatch):
    rows = compare_features([category], tmp_path / "out", QUICK, Silence())
    assert [(row["candidate"], row["category"]) for row in rows] == [("fast", "disc"), ("random", "disc")]
    assert all(0.0 <= row[key] <= 1.0 for row in rows for key in ("image_auroc", "pixel_auroc"))
    assert [(row["input_size"], row["stride"], row["channels"]) for row in rows] == [(256, 4, 128)] * 2
    assert rows[0]["r2"] == json.loads((WEIGHTS / "pdn_fast.json").read_text())["fidelity_on_unseen_photos"]["r2"]
    assert [rows[1][key] for key in ("r2", "cosine", "cka", "ms", "gmac")] == [None] * 5
    assert [row["pdn_sha256"] for row in rows] == [hash_pdn(TrainSettings())[:12], "random"]
    monkeypatch.setattr(room, "score_features", lambda *_, **__: pytest.fail("run again"))
    assert compare_features([category], tmp_path / "out", QUICK, Silence()) == rows


def test_rows_of_other_weights_are_made_anew(category, tmp_path):
    rows = compare_features([category], tmp_path / "out", QUICK, Silence())
    file = tmp_path / "out" / "results.jsonl"
    file.write_text(file.read_text().replace(rows[0]["pdn_sha256"], "0" * 12))
    assert sorted(row["candidate"] for row in read_rows(file, ())) == ["fast", "random"]
    again = compare_features([category], tmp_path / "out", QUICK, Silence())
    assert sorted(again, key=str) == sorted(rows, key=str)


def test_rows_of_two_seeds_stand_beside_each_other_and_the_page_shows_those_of_its_own(category, tmp_path):
    quick = replace(QUICK, candidates=("random",))
    for seed in (0, 1):
        rows = compare_features([category], tmp_path / "out", replace(quick, seed=seed), Silence())
    assert [(row["candidate"], row["seed"]) for row in rows] == [("random", 0), ("random", 1)]
    second = f"| disc | {rows[1]['image_auroc']:.3f} |"
    page = format_features([{**rows[0], "image_auroc": 0.25}, rows[1]], {}, replace(quick, seed=1))
    assert "seed 1;" in page and second in page and "0.250" not in page


def test_rows_of_other_training_pictures_are_made_anew_and_those_that_do_not_tell_are_kept(
    category, tmp_path, monkeypatch
):
    quick = replace(QUICK, candidates=("random",))
    (row,) = compare_features([category], tmp_path / "out", quick, Silence())
    write_rows(tmp_path / "out" / "results.jsonl", [{key: row[key] for key in row if key != "pictures_sha256"}])
    with monkeypatch.context() as patched:
        patched.setattr(room, "score_features", lambda *_, **__: pytest.fail("run again"))
        compare_features([category], tmp_path / "out", quick, Silence())
    write_rows(tmp_path / "out" / "results.jsonl", [row])
    picture = sorted((category / "train").rglob("*.png"))[0]
    Image.fromarray(255 - np.asarray(Image.open(picture))).save(picture)
    (again,) = compare_features([category], tmp_path / "out", quick, Silence())
    assert again["pictures_sha256"] != row["pictures_sha256"]


def test_the_teacher_is_seen_at_both_sizes_as_it_is(category, tmp_path, monkeypatch):
    monkeypatch.setattr("baad.bench.candidates.load_teacher", colour_teacher)
    both = replace(QUICK, candidates=("teacher", "teacher_512"))
    rows = compare_features([category], tmp_path / "out", both, Silence())
    assert [(row["input_size"], row["stride"], row["channels"]) for row in rows] == [(256, 8, 140), (512, 8, 140)]


def test_a_teacher_whose_maps_are_laid_out_otherwise_is_refused(category, tmp_path, monkeypatch):
    monkeypatch.setattr("baad.bench.candidates.load_teacher", channels_last_teacher)
    with pytest.raises(InputError, match=r"^last gives maps .* of pictures of 512 px"):
        compare_features([category], tmp_path / "out", replace(QUICK, candidates=("teacher_512",)), Silence())


def test_weights_of_a_distillation_come_before_those_of_the_package(category, tmp_path, monkeypatch):
    monkeypatch.setitem(PDN_SHAPES, "two_scale", PDN_SHAPES["fast"])
    for suffix in ("json", "safetensors"):
        shutil.copy(WEIGHTS / f"pdn_fast.{suffix}", tmp_path / f"pdn_two_scale.{suffix}")
    settings = replace(QUICK, candidates=("two_scale", "fast"), pdns=tmp_path)
    rows = compare_features([category], tmp_path / "out", settings, Silence())
    assert rows[0]["image_auroc"] == rows[1]["image_auroc"]


def test_a_folder_of_weights_that_is_none_is_refused_before_any_work(category, tmp_path):
    with pytest.raises(DataError, match=r"absent is not a folder\. Give --pdns"):
        compare_features([category], tmp_path / "out", replace(QUICK, pdns=tmp_path / "absent"), Silence())
    assert not (tmp_path / "out").exists()


def test_designs_that_come_from_the_package_although_a_folder_was_given_are_named(category, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(Silence, "warn", lambda _, text: said.append(text))
    for suffix in ("json", "safetensors"):
        shutil.copy(WEIGHTS / f"pdn_tiny.{suffix}", tmp_path / f"pdn_tiny.{suffix}")
    settings = replace(QUICK, candidates=("tiny", "fast", "random"), pdns=tmp_path)
    compare_features([category], tmp_path / "out", settings, Silence())
    named = f"{tmp_path} holds no weights of fast: those of the package are measured"
    assert [text for text in said if "weights" in text] == [named]


def test_two_categories_of_one_name_are_refused_before_any_is_read(category, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "time_candidates", lambda *_: pytest.fail("the work began"))
    twin = write_category(tmp_path / "other" / "disc", normals=3, good=1, defective=1)
    with pytest.raises(DataError, match="both called disc"):
        compare_features([category, twin], tmp_path / "out", QUICK, Silence())


def test_unknown_candidates_and_those_without_weights_are_clear_errors(category, tmp_path):
    with pytest.raises(SettingError, match="Unknown candidate 'huge'"):
        compare_features([category], tmp_path / "out", replace(QUICK, candidates=["huge"]), Silence())
    with pytest.raises(SettingError, match=r"weights of 'depthwise'.*baad distill --size depthwise"):
        compare_features([category], tmp_path / "out", replace(QUICK, candidates=["depthwise"]), Silence())
    assert not (tmp_path / "out").exists()


def test_times_are_taken_together_and_only_when_one_is_missing(tmp_path, monkeypatch):
    taken = []

    def measure(networks, threads, seconds, progress):
        taken.append(sorted(networks))
        where = f"processor{tell_threads(threads)}"
        return {name: Latency(size, 1.0, {"onnxruntime": 2.0}, where) for name, (_, size) in networks.items()}

    monkeypatch.setattr(room, "measure_latency", measure)
    named = {name: Candidate(name, new_pdn("tiny", 0), 256, 4, 96, "") for name in ("random", "teacher")}
    settings = replace(QUICK, seconds=1.0, threads=1)
    room.time_candidates({"random": named["random"]}, tmp_path, settings, Silence())
    found = room.time_candidates(named, tmp_path, settings, Silence())
    assert room.time_candidates(named, tmp_path, settings, Silence()) == found
    assert taken == [["pdn_s", "random", "wrn50_layer3"], ["pdn_s", "random", "teacher", "wrn50_layer3"]]
    room.time_candidates(named, tmp_path, replace(settings, teacher="wide_resnet50_2"), Silence())
    assert len(taken) == 3  # times of another teacher are not its own
    monkeypatch.setattr(room, "usable_cores", lambda: 2)
    two = replace(settings, teacher="wide_resnet50_2", threads=2)
    assert room.time_candidates(named, tmp_path, replace(two, seconds=0), Silence())  # as they were taken
    room.time_candidates(named, tmp_path, two, Silence())
    assert len(taken) == 4


def test_no_candidates_are_a_clear_error(category, tmp_path):
    with pytest.raises(SettingError, match="--candidates names none: give some, such as teacher"):
        compare_features([category], tmp_path / "out", replace(QUICK, candidates=[]), Silence())


def test_rows_of_other_test_pictures_or_another_memory_are_made_anew():
    wanted = {"candidate": "fast", "category": "a", "seed": 0, "pdn_sha256": "1", "tested_on": "2", "memory": 10}
    assert room._made(wanted | {"image_auroc": 0.9}, wanted)
    assert not room._made(wanted | {"tested_on": "3"}, wanted)
    assert not room._made(wanted | {"memory": 20}, wanted)
    of_before = {key: wanted[key] for key in ("candidate", "category", "seed", "pdn_sha256")}
    assert room.complete_row(of_before, wanted) == wanted  # from then on it tells
    assert room.complete_row(of_before | {"memory": 20}, wanted) == of_before | {"memory": 20}


def test_means_are_over_the_categories_that_all_candidates_have():
    row = {
        "seed": 0,
        "pixel_auroc": None,
        "r2": None,
        "cosine": None,
        "cka": None,
        "input_size": 256,
        "stride": 4,
        "channels": 8,
    }
    rows = [
        {"candidate": "fast", "category": "a", "image_auroc": 0.9} | row,
        {"candidate": "fast", "category": "b", "image_auroc": 0.7} | row,
        {"candidate": "random", "category": "a", "image_auroc": 0.5} | row,
    ]
    times = {"fast": Latency(256, 0.7, {"x": 4.0, "y": 5.0}), "pdn_s": Latency(256, 19.0, {"x": 90.0, "y": 80.0})}
    page = format_features(rows, times, QUICK)
    assert "| b | 0.700 | – |\n| mean | 0.900 | 0.500 |" in page
    assert "| fast | 0.900 | – | 0.70 | 4.00 | 5.00 | – | – | – | – | 256 | 4 | 8 |" in page
    assert "`fast` is 20.0x faster than pdn_s" in page
