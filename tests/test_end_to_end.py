"""The whole way through the command: a tiny drawn category, a few steps of training, figures, verdicts."""

import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from baad import train
from baad.bundle import read_bundle, read_member
from baad.data.reading import read_category
from baad.settings import TrainSettings, load_settings
from tests.factory import draw_picture, save_picture, write_category

TINY = ("image_size=128", "batch_size=4", "threads=1", "held_out=0.25", "device=cpu")
BLOCKED = ("torch", "cv2", "scipy", "jinja2", "onnx", "onnxscript", "safetensors", "sklearn")


def settings(*more):
    return [word for change in (*TINY, *more) for word in ("--set", change)]


@pytest.fixture(scope="module")
def category(tmp_path_factory):
    return write_category(tmp_path_factory.mktemp("category") / "disc", normals=16, good=4, defective=4, size=(72, 96))


@pytest.fixture(scope="module")
def trained(category, tmp_path_factory):
    """A model of a few steps, made by the command in a process of its own; what it printed."""
    model = tmp_path_factory.mktemp("model") / "disc.baad"
    command = [sys.executable, "-m", "baad", "train", str(category), "-o", str(model), "--steps", "12", *settings()]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    return model, done


def test_training_says_beforehand_how_long_and_afterwards_what_it_promises(trained):
    model, done = trained
    assert "12 steps on 12 pictures, about" in done.stderr
    assert done.stdout.startswith(f"{model}: 12 steps")
    assert "of good parts" in done.stdout
    highest = json.loads(read_member(model, "manifest.json"))["highest_held_out"]
    assert f"highest of the held-out pictures: {highest[0]['image']}" in done.stdout and len(highest) == 3


def test_the_model_file_holds_all_it_should_and_nothing_else(trained, category):
    with zipfile.ZipFile(trained[0]) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("manifest.json"))
        offset = load(archive.read("weights.safetensors"))["offset"]
    assert (offset > 1).all()  # px: the network was asked where its features tell of what they see
    required = {"manifest.json", "model.onnx", "weights.safetensors", "calibration.json", "parity.json", "card.md"}
    assert required <= names
    assert all(name.startswith("samples/") for name in names - required)
    assert any(name.startswith("samples/") for name in names)
    assert TrainSettings(**manifest["settings"]).image_size == 128
    assert (manifest["category"], manifest["steps"], manifest["seed"]) == ("disc", 12, 0)
    assert (manifest["n_train"], manifest["n_held_out"], manifest["image_shapes"]) == (12, 4, [[72, 96]])
    assert len(set(manifest["learnt_from"])) == 12
    assert re.fullmatch(r"\d{4}-\d\d-\d\d.*", manifest["created"])
    assert manifest["baad_version"] and manifest["versions"]
    assert str(category.parent) not in json.dumps(manifest)  # no path of this machine


def test_training_ends_with_a_proof_that_other_runtimes_judge_alike(trained):
    model, done = trained
    told = json.loads(read_member(model, "parity.json"))
    assert (told["pictures"], told["near"], told["source"]) == (32, 16, "held-out normal pictures")
    assert all(row["holds"] and row["flips"] == 0 for row in told["comparisons"])
    assert "ONNX Runtime" in done.stderr and "0 verdicts flipped" in done.stderr


def test_info_tells_parameters_cost_threshold_and_foreground(baad, trained):
    told = baad("info", trained[0])
    assert told.code == 0
    for word in ("parameters", "GMAC", "threshold", "foreground", "12 steps", "96x72", "0 verdicts flipped"):
        assert word in told.out


def test_evaluation_and_prediction_give_the_same_scores(baad, trained, category, tmp_path):
    model = trained[0]
    told = baad("evaluate", model, category, "--json", tmp_path / "e.json", "--html", tmp_path / "e.html")
    assert told.code == 0
    row = json.loads((tmp_path / "e.json").read_text())
    assert (row["n_normal"], row["n_defective"]) == (4, 4)
    assert all(0 <= row[name] <= 1 for name in ("image_auroc", "pixel_auroc", "au_pro_30", "au_pro_05"))
    told = baad("predict", model, category / "test", "--json", "-")
    records = [json.loads(line) for line in told.out.splitlines()]
    good = [record["score"] for record in records if "good" in record["file"]]
    bad = [record["score"] for record in records if "good" not in record["file"]]
    auroc = np.mean([(b > g) + 0.5 * (b == g) for b in bad for g in good])
    assert auroc == pytest.approx(row["image_auroc"], abs=1e-4)
    page, gate = (tmp_path / "e.html").read_text(), read_bundle(model).manifest["gate"]
    assert "reconstruction" in page
    assert gate["accepted"] and "Where the part was found" in page
    assert gate["worst"] and all(each["image"] in page for each in gate["worst"])


def test_the_line_judges_without_the_training_packages(baad, trained, category):
    model = trained[0]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({BLOCKED!r}))\n"
        f"sys.argv = ['baad', 'predict', {str(model)!r}, {str(category / 'test')!r}, '--json', '-']\n"
        "from baad.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    here = baad("predict", model, category / "test", "--json", "-").out
    assert [json.loads(line)["score"] for line in done.stdout.splitlines()] == pytest.approx(
        [json.loads(line)["score"] for line in here.splitlines()], abs=1e-4
    )


def test_a_picture_unlike_all_training_pictures_is_skipped_or_judged_with_a_note(baad, trained, tmp_path):
    picture = save_picture(tmp_path / "long.png", draw_picture((40, 400), np.random.default_rng(0)).image)
    told = baad("predict", trained[0], picture)
    assert told.code == 3 and "--any-size" in told.err
    record = json.loads(baad("predict", trained[0], picture, "--any-size", "--json", "-").out)
    assert "aspect" in record["notes"][0]


@dataclass(frozen=True)
class Machine:
    """What a training must leave as it found it."""

    threads: int
    smallest: float  # half of a number near zero; 0 where the processor drops such numbers


def look_at_machine():
    return Machine(torch.get_num_threads(), float(np.float32(1e-40) * np.float32(0.5)))


@pytest.fixture(scope="module")
def again(category, tmp_path_factory):
    """The same training from Python, in this process; what the machine was like before and after."""
    out = tmp_path_factory.mktemp("again") / "disc.baad"
    before = look_at_machine()
    train(read_category(category).train, load_settings(None, [*TINY, "steps=12"]), out, category_name="disc")
    return out, before, look_at_machine()


def test_the_same_seed_gives_the_same_model(trained, again):
    first, second = (read_bundle(path).manifest["files"] for path in (trained[0], again[0]))
    assert second["weights.safetensors"] == first["weights.safetensors"]
    assert second["calibration.json"] == first["calibration.json"]


def test_training_leaves_the_process_as_it_was(again):
    assert again[2] == again[1]


def test_masks_of_the_user_are_used_as_they_are(baad, category, tmp_path):
    for picture in sorted((category / "train" / "good").iterdir()):
        mask = np.zeros((72, 96), bool)
        mask[:, :48] = True
        save_picture(tmp_path / "masks" / f"{picture.stem}.png", mask)
    told = baad(
        *("train", category, "-o", tmp_path / "m.baad", "--fg-masks", tmp_path / "masks", "--steps", 1, "-q"),
        *settings(),
    )
    assert told.code == 0, told.err
    gate = json.loads(baad("info", tmp_path / "m.baad", "--json").out)["gate"]
    assert (gate["accepted"], gate["recipe"]) == (True, "user")


def test_masks_of_no_picture_stop_training_and_leave_nothing(baad, category, tmp_path):
    save_picture(tmp_path / "masks" / "nobody.png", np.ones((72, 96), bool))
    told = baad("train", category, "-o", tmp_path / "m.baad", "--fg-masks", tmp_path / "masks", *settings())
    assert told.code == 2
    assert "no mask for" in told.err
    assert [file.name for file in tmp_path.iterdir()] == ["masks"]


def test_the_demo_writes_one_page_on_the_users_own_category(baad, category, tmp_path):
    told = baad("demo", category, "--out", tmp_path / "demo", "--steps", 2, *settings())
    assert told.code == 0, told.err
    page = tmp_path / "demo" / "index.html"
    assert told.out.strip().endswith(f"look at it: {page}")
    assert page.read_text().count("data:image/") >= 8 * 5
