import re
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from baad.bundle import read_bundle
from baad.data.decode import read_image
from baad.data.folder import read_folder
from baad.data.geometry import resize_image
from baad.data.reading import read_category
from baad.data.sample import GoodImage
from baad.data.split import split_held_out
from baad.errors import DataError, SettingError
from baad.foreground.gate import Gate
from baad.learn.batches import Material
from baad.learn.foreground_masks import Shown
from baad.learn.loop import TIMED_STEPS
from baad.learn.placed_memory import TELLING, Gaussians, PlacedMemory
from baad.learn.reload import load_model
from baad.learn.train import (
    batch_plan,
    describe_run,
    fill_memory,
    fix_steps,
    new_model,
    prepare,
    prepare_run_dir,
    train,
)
from baad.learn.views import cut_views
from baad.progress import PlainLines, Silence
from baad.settings import MOST_STEPS, TrainSettings
from tests.factory import save_picture, write_category
from tests.fake_model import brightness_graph, fake_certificate

ONE_STEP = TrainSettings(
    **{"size": "tiny", "pdn": "random", "image_size": 64, "steps": 1, "batch_size": 2, "held_out": 0.25},
    **{"foreground": "off", "threads": 1, "device": "cpu"},
)


@pytest.mark.parametrize(
    ("size", "view", "has_foreground", "scales"),
    [
        ("fast", "auto", True, 1),
        ("fast", "auto", False, 3),
        ("fast", "near", False, 1),
        ("fast", "wide", True, 3),
        ("tiny", "auto", True, 1),
        ("small", "near", True, 1),  # it has no other
    ],
)
def test_the_view_is_near_where_a_background_was_found(size, view, has_foreground, scales):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    settings = TrainSettings(size=size, view=view, pdn="random", device="cpu")
    assert len(new_model(settings, pictures, has_foreground).pdn.heads()) == scales


def write_textures(folder, count):
    """Pictures of nothing but one even texture, 64 x 64: there is no part in them, and no background."""
    rng = np.random.default_rng(3)
    for number in range(count):
        noise = cv2.GaussianBlur(rng.normal(0, 1, (64, 64)), (0, 0), 1.0)
        pixels = np.array([150, 130, 100]) + 60.0 * noise[..., None]
        save_picture(folder / f"{number:02d}.png", np.clip(pixels, 0, 255).astype(np.uint8))
    return folder


def test_a_refused_background_leaves_the_very_model_that_no_search_would(tmp_path, monkeypatch):
    picture = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    weights, maps = [], []

    def export(graph):
        weights.append({name: value.clone() for name, value in graph.state_dict().items()})
        with torch.no_grad():
            maps.append(graph(picture))
        return brightness_graph()

    monkeypatch.setattr("baad.learn.train.export_onnx", export)
    monkeypatch.setattr("baad.learn.train.certify", lambda *anything: fake_certificate())
    images = read_folder(write_textures(tmp_path / "even", 14)).train
    settings = TrainSettings(
        **{"size": "tiny", "pdn": "random", "image_size": 64, "steps": 3, "batch_size": 4, "held_out": 0.25},
        **{"background_share": 0.9, "invariance": 1.0, "threads": 1, "device": "cpu"},
    )
    chance = torch.get_rng_state()
    auto, off = (train(images, replace(settings, foreground=each), tmp_path / each).gate for each in ("auto", "off"))
    assert torch.equal(torch.get_rng_state(), chance)  # who calls draws on as if nothing had been
    assert auto.tried and auto.reason.startswith("no background") and off.reason == "switched off"
    assert batch_plan(settings, auto) == batch_plan(settings, off)  # few steps draw only some of what it says
    assert weights[0]["model.places.centre"].numel() > 1  # what is usual at each place was learnt
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    assert all(torch.equal(*pair) for pair in zip(*maps))  # anomaly map, foreground, score, reconstruction


def test_names_that_are_no_utf8_do_not_cost_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr("baad.learn.train.export_onnx", lambda graph: brightness_graph())
    monkeypatch.setattr("baad.learn.train.certify", lambda *anything: fake_certificate())
    folder = write_textures(tmp_path / "kr\udce4tzer", 6)
    for file in folder.iterdir():
        file.rename(folder / f"pr\udcfcf {file.name}")
    images, told = read_folder(folder).train, {"category_name": folder.name, "findings": ["pr\udcfcf.png: dark."]}
    manifest = read_bundle(train(images, ONE_STEP, tmp_path / "model.baad", **told).path).manifest
    assert manifest["category"] == "kr\ufffdtzer" and manifest["findings"] == ["pr\ufffdf.png: dark."]
    assert all(re.fullmatch("pr\ufffdf 0.\\.png", each["image"]) for each in manifest["highest_held_out"])


def test_the_model_names_the_device_that_auto_stood_for(tmp_path, monkeypatch):
    monkeypatch.setattr("baad.learn.train.export_onnx", lambda graph: brightness_graph())
    monkeypatch.setattr("baad.learn.train.certify", lambda *anything: fake_certificate())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    images = read_folder(write_textures(tmp_path / "even", 4)).train
    model = train(images, replace(ONE_STEP, device="auto"), tmp_path / "m.baad").path
    assert read_bundle(model).manifest["device"] == "cpu"


def test_a_training_is_not_lost_to_thousands_of_findings_about_its_data(tmp_path, monkeypatch):
    monkeypatch.setattr("baad.learn.train.export_onnx", lambda graph: brightness_graph())
    monkeypatch.setattr("baad.learn.train.certify", lambda *anything: fake_certificate())
    images = read_folder(write_textures(tmp_path / "even", 4)).train
    found = [f"{index}: {'a name of many letters ' * 10}" for index in range(10_000)]
    model = train(images, ONE_STEP, tmp_path / "m.baad", findings=found).path
    assert read_bundle(model).manifest["findings"] == [*found[:100], "... and 9900 more"]


def test_a_held_out_picture_that_the_line_refuses_sets_no_threshold(tmp_path, monkeypatch):
    monkeypatch.setattr("baad.learn.train.export_onnx", lambda graph: brightness_graph())
    monkeypatch.setattr("baad.learn.train.certify", lambda *anything: fake_certificate())
    images = read_folder(write_textures(tmp_path / "even", 16)).train
    odd = split_held_out(images, ONE_STEP.held_out, ONE_STEP.seed).held_out[0].path
    save_picture(odd, np.full((64, 32, 3), 255, np.uint8))
    result = train(read_folder(tmp_path / "even").train, ONE_STEP, tmp_path / "m.baad")
    assert len(result.calibration.scores) == 3 and odd.name not in [each["image"] for each in result.highest]
    assert read_bundle(result.path).manifest["n_held_out"] == 3


def test_defects_are_grey_where_every_picture_is(tmp_path):
    coloured = read_folder(write_textures(tmp_path / "even", 5)).train
    for number in range(5):
        save_picture(tmp_path / "grey" / f"{number}.png", read_image(coloured[number].path)[..., :1].repeat(3, axis=2))
    grey = read_folder(tmp_path / "grey").train
    for images, is_grey in ((coloured, False), (grey, True), ((*grey[:4], coloured[4]), False)):
        run_dir = prepare_run_dir(tmp_path / "m.baad")
        ready = prepare(images, ONE_STEP, run_dir, Silence(), Shown(), None)
        assert ready.material.grey == is_grey


def test_a_picture_that_comes_twice_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr("baad.learn.train.split_held_out", None)
    images = read_folder(write_textures(tmp_path / "even", 4)).train
    with pytest.raises(DataError, match=r"00\.png came more than once"):
        train([*images, images[0]], ONE_STEP, tmp_path / "m.baad")
    assert not list(tmp_path.glob("*.run"))


def test_novelty_is_levelled_on_held_out_pictures_spread_over_them_all(tmp_path, monkeypatch):
    """In name order the first ones may be of one session."""
    held_out = [
        GoodImage(save_picture(tmp_path / f"{i}.png", np.full((64, 64, 3), 20 * i, np.uint8))) for i in range(9)
    ]
    seen = []
    monkeypatch.setattr("baad.learn.train.LEVELLED_ON", 3)
    monkeypatch.setattr("baad.learn.train.choose_codes", lambda *_: None)
    monkeypatch.setattr("baad.learn.train.level_maps", lambda model, pictures: seen.extend(pictures))
    material = SimpleNamespace(images=None, foregrounds=np.ones((1, 64, 64), bool))
    ready = SimpleNamespace(
        **{
            "settings": replace(ONE_STEP, by_place=False),
            "material": material,
            "gate": SimpleNamespace(accepted=False),
        },
        **{"split": SimpleNamespace(held_out=held_out), "pictures": SimpleNamespace(input_shape=(64, 64), grey=False)},
    )
    fill_memory(SimpleNamespace(memory=SimpleNamespace(remember=lambda codes: None), pdn=None), ready, Silence())
    assert [int(picture.max()) for picture in seen] == [0, 80, 160]


@pytest.mark.parametrize(("mask_head", "share"), [(True, 0.25), (False, 1.0)])
def test_patches_of_the_background_are_remembered_where_no_mask_head_tells_it_apart(monkeypatch, mask_head, share):
    """Without the head all of a picture is judged, so all of it has to be known."""
    settings = TrainSettings(size="tiny", pdn="random", image_size=64, mask_head=mask_head, tile_px=0, by_place=False)
    parts = np.zeros((2, 64, 64), bool)
    parts[:, :32, :32] = True
    material = SimpleNamespace(images=np.zeros((2, 64, 64, 3), np.uint8), foregrounds=parts)
    seen = []
    monkeypatch.setattr("baad.learn.train.choose_codes", lambda pdn, images, parts, *rest: seen.append(parts))
    monkeypatch.setattr("baad.learn.train.level_maps", lambda *anything: None)
    monkeypatch.setattr("baad.learn.train.read_image", lambda path: material.images[0])
    model = SimpleNamespace(memory=SimpleNamespace(remember=lambda codes: None), pdn=None)
    pictures, split = (
        SimpleNamespace(input_shape=(64, 64), grey=False),
        SimpleNamespace(held_out=[SimpleNamespace(path="a")]),
    )
    fill_memory(model, SimpleNamespace(settings=settings, material=material, split=split, pictures=pictures), Silence())
    assert seen[0].mean() == share


@pytest.mark.parametrize("mask_head", [True, False])
def test_only_a_model_that_sees_the_part_says_where_it_lay(monkeypatch, mask_head):
    """Without the head all counts as part, and every picture would be doubted for it."""
    monkeypatch.setattr("baad.learn.train.describe_cost", lambda *anything: {})
    parts = np.zeros((2, 64, 64), bool)
    parts[:, :32, :32] = True
    ready = SimpleNamespace(
        settings=TrainSettings(size="tiny", pdn="random", image_size=64, mask_head=mask_head, tile_px=0, device="cpu"),
        gate=SimpleNamespace(accepted=True, recipe="static", quality=0.7, reason="found", per_image=()),
        foregrounds=parts,
        split=SimpleNamespace(fit=[], held_out=[], note=""),
        pictures=SimpleNamespace(input_shape=(64, 64), shapes=[(64, 64)], fingerprint="", files=(), colours=("grey",)),
    )
    assert ("part_share" in describe_run(None, ready)) is mask_head


@pytest.mark.parametrize(
    ("telling", "found", "placed"),
    [(2 * TELLING, (0.8, 0.9), True), (2 * TELLING, (0.9, 0.8), False), (TELLING / 2, (0.8, 0.9), False)],
)
def test_places_are_remembered_where_they_tell_much_and_find_more(monkeypatch, telling, found, placed):
    """Parts that lie anywhere on a plain table: the place tells much of a patch, and finds less."""
    settings = TrainSettings(size="tiny", pdn="random", image_size=64, tile_px=0)
    images = np.zeros((2, 64, 64, 3), np.uint8)
    gaussians = Gaussians(torch.ones(1, 2), torch.zeros(1, 8, 8), torch.ones(16, 1, 1), telling)
    monkeypatch.setattr("baad.learn.train.choose_codes", lambda *anything: None)
    monkeypatch.setattr("baad.learn.train.level_maps", lambda *anything: None)
    monkeypatch.setattr("baad.learn.train.learn_gaussians", lambda *anything: gaussians)
    monkeypatch.setattr("baad.learn.train.try_memories", lambda *anything: found)
    monkeypatch.setattr("baad.learn.train.read_image", lambda path: images[0])
    memory = SimpleNamespace(remember=lambda codes: None)
    model = SimpleNamespace(memory=memory, placed=PlacedMemory(), pdn=None)
    material = SimpleNamespace(images=images, foregrounds=images[..., 0] == 0)
    pictures, split = (
        SimpleNamespace(input_shape=(64, 64), grey=False),
        SimpleNamespace(held_out=[SimpleNamespace(path="a")]),
    )
    ready = {"settings": settings, "material": material, "split": split, "pictures": pictures}
    fill_memory(model, SimpleNamespace(**ready, gate=SimpleNamespace(accepted=False)), Silence())
    assert model.placed.known is placed


def test_features_are_fitted_to_the_tiles_that_the_network_sees(tmp_path):
    category = read_category(write_category(tmp_path / "disc", normals=8, size=(192, 192)))
    settings = TrainSettings(
        **{"size": "tiny", "image_size": 64, "tile_px": 64, "steps": 1, "batch_size": 2, "held_out": 0.25},
        **{"foreground": "off", "threads": 1, "device": "cpu"},
    )
    model, _ = load_model(train(category.train, settings, tmp_path / "model.baad").path)
    fit = split_held_out(category.train, 0.25, 0).fit
    wholes = np.stack([resize_image(read_image(image.path), (64, 64)) for image in fit])
    tiles = cut_views(fit, wholes, None, 64, np.random.default_rng([0, 11]), Silence())[0]
    for pictures, fitted in ((tiles, True), (wholes, False)):
        features = model.pdn(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255.0)
        assert (abs(float(features.var((0, 2, 3)).mean()) - 1.0) < 0.02) is fitted


def test_the_trial_of_minutes_draws_what_training_draws(tmp_path, monkeypatch):
    plans = []

    def draw(material, plan, start, stop):
        plans.append(plan)
        return range(start, stop)

    monkeypatch.setattr("baad.learn.train.new_model", lambda *_: None)
    monkeypatch.setattr("baad.learn.train.batches", draw)
    monkeypatch.setattr("baad.learn.train.run", lambda model, stream, *_: list(stream))
    monkeypatch.setattr("baad.learn.train.seconds_of_a_step", lambda stamps: 0.02 * len(stamps))
    images = np.zeros((2, 64, 64, 3), np.uint8)
    for found in (True, False):
        gate = Gate(found, "border", 0.5, "", np.ones((2, 64, 64), np.float32) if found else None)
        settings = TrainSettings(minutes=1.0, invariance=1.0)
        settled = fix_steps(settings, Material(images, images[..., 0] == 0, None, False), gate, tmp_path, Silence())
        assert (settled.steps, settled.minutes) == (round(60 / (0.02 * (TIMED_STEPS + 1))), 0.0)
    assert [plan.synthesis.paired for plan in plans] == [True, False]
    assert [plan.synthesis.background_share > 0 for plan in plans] == [True, False]


def test_minutes_for_more_steps_than_there_are_take_as_many_as_there_are_and_say_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("baad.learn.train.new_model", lambda *_: None)
    monkeypatch.setattr("baad.learn.train.batches", lambda *_: [])
    monkeypatch.setattr("baad.learn.train.run", lambda *_: None)
    monkeypatch.setattr("baad.learn.train.seconds_of_a_step", lambda stamps: 0.01)
    material = Material(np.zeros((2, 64, 64, 3), np.uint8), np.ones((2, 64, 64), bool), None, False)
    settings = TrainSettings(minutes=600.0)
    settled = fix_steps(settings, material, Gate(False, "", 0.0, "", None), tmp_path, PlainLines())
    assert settled.steps == MOST_STEPS
    assert "minutes=600 are time for 3600000 steps: 1000000" in capsys.readouterr().err


def test_masks_of_the_part_are_refused_where_the_whole_picture_is_to_count_as_part(tmp_path):
    with pytest.raises(SettingError, match=r"foreground=off takes the whole picture for the part: leave it out"):
        train([], ONE_STEP, tmp_path / "model.baad", fg_masks=tmp_path)
    assert not any(tmp_path.iterdir())


def test_training_warns_of_tiles_that_are_larger_than_the_pictures(tmp_path, capsys):
    category = read_category(write_category(tmp_path / "disc", normals=8))
    for side, warned in ((96, 1), (64, 0)):
        train(category.train, replace(ONE_STEP, tile_px=side), tmp_path / "model.baad", PlainLines())
        assert capsys.readouterr().err.count(f"warning: tile_px is {side}, more than the pictures have") == warned
