import math

import numpy as np
import pytest
import torch
from PIL import Image

from baad.baselines.baseline import Normals
from baad.baselines.draem import (
    CHANGES,
    Draem,
    Finder,
    Pasted,
    Rebuilder,
    blend,
    change_texture,
    draw_mask,
    draw_pasted,
)
from baad.learn.blocks import count_macs, count_parameters
from baad.learn.network import describe_cost, new_network
from baad.learn.pdn import new_pdn
from baad.learn.pictures import to_images
from baad.progress import Silence
from baad.settings import TrainSettings
from baad.synthesis.banks import make_banks
from tests.baselines.pictures import draw_discs

SETTINGS = TrainSettings(image_size=64, batch_size=4, steps=40, threads=1)


@pytest.fixture(scope="module")
def banks():
    return make_banks(np.random.default_rng(0), noises=4, patterns=12, scenes=1)


@pytest.fixture(scope="module")
def fitted():
    torch.set_num_threads(1)
    pictures = draw_discs(4, (64, 64))[0]
    detector = Draem(SETTINGS)
    return detector, pictures, detector.fit(Normals(pictures, pictures[:0]), Silence())


def test_the_texture_shows_with_its_opacity_where_the_mask_is():
    picture, texture = np.full((1, 2, 3), 100, np.uint8), np.full((1, 2, 3), 200, np.uint8)
    assert blend(picture, texture, np.array([[True, False]]), 0.25)[0, :, 0].tolist() == [125, 100]


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("invert", [155, 235, 5]),
        ("stretch", [0, 0, 0, 255, 255, 255]),  # each channel has two values
    ],
)
def test_a_change_of_the_texture_is_what_its_name_says(name, wanted):
    texture = np.array([[[100, 20, 250], [120, 30, 255]]], np.uint8)
    changed = np.asarray(CHANGES[name](Image.fromarray(texture), np.random.default_rng(0)))
    assert changed.ravel().tolist()[: len(wanted)] == wanted


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_keeps_the_shape_and_alters_a_texture(name):
    texture = np.random.default_rng(0).integers(30, 220, (16, 24, 3), dtype=np.uint8)
    changed = np.asarray(CHANGES[name](Image.fromarray(texture), np.random.default_rng(1)))
    assert changed.shape == texture.shape and changed.dtype == np.uint8 and (changed != texture).any()


def test_a_texture_is_changed_in_three_different_ways(monkeypatch):
    called = []
    for name in CHANGES:
        monkeypatch.setitem(CHANGES, name, lambda texture, rng, name=name: called.append(name) or texture)
    for seed in range(50):
        called.clear()
        change_texture(np.zeros((4, 4, 3), np.uint8), np.random.default_rng(seed))
        assert len(called) == len(set(called)) == 3


def test_pictures_differ_from_the_clean_ones_inside_the_mask_alone(banks):
    batch = draw_pasted(draw_discs(4)[0], banks, TrainSettings(batch_size=40), 0)
    differs = (batch.corrupted != batch.clean).any(dim=1, keepdim=True)
    assert differs.any() and not (differs & (batch.defect == 0)).any()
    marked = batch.defect.flatten(1).any(1).float().mean()
    assert 0.2 <= marked <= 0.6  # half of them are meant to be; the noise may stay below the threshold


def test_what_is_pasted_is_grey_on_grey_pictures_and_nowhere_else(banks):
    grey = np.random.default_rng(0).integers(20, 230, (4, 32, 32, 1), dtype=np.uint8).repeat(3, axis=3)
    batch = draw_pasted(grey, banks, TrainSettings(batch_size=40), 0)
    assert (batch.corrupted != batch.clean).any() and (batch.corrupted == batch.corrupted[:, :1]).all()
    batch = draw_pasted(draw_discs(4)[0], banks, TrainSettings(batch_size=40), 0)
    spread = batch.corrupted.amax(1) - batch.corrupted.amin(1)
    assert spread.max() > 0.5  # the channels of the pictures themselves differ by noise alone


def test_three_in_ten_pictures_are_turned(banks):
    pictures = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    clean = draw_pasted(pictures, banks, TrainSettings(batch_size=400), 0).clean
    turned = (clean - to_images(pictures)).abs().flatten(1).mean(1) > 0.05
    assert turned.float().mean() == pytest.approx(0.3, abs=0.07)


def test_masks_lie_anywhere_and_are_of_any_size():
    rng = np.random.default_rng(0)
    masks = np.stack([draw_mask((64, 96), rng) for _ in range(200)])
    assert masks.any(0).mean() > 0.99
    areas = masks.mean((1, 2))
    assert areas.min() < 0.02 and areas.max() > 0.1


def test_the_loss_is_the_papers_l2_ssim_and_focal_loss():
    detector, seen = Draem(SETTINGS), []
    detector.rebuilder = lambda images: images + 0.2
    detector.finder = lambda both: seen.append(both) or torch.full((2, 1, 16, 16), math.log(3))  # a probability of 3/4
    corrupted, clean = torch.full((2, 3, 16, 16), 0.2), torch.full((2, 3, 16, 16), 0.8)
    loss = detector._loss(Pasted(corrupted, clean, torch.ones(2, 1, 16, 16)))
    alike = (2 * 0.4 * 0.8 + 0.01**2) / (0.4**2 + 0.8**2 + 0.01**2)  # of flat pictures
    assert loss.item() == pytest.approx(0.4**2 + 1 - alike + 0.25**2 * math.log(4 / 3), abs=1e-4)
    assert torch.equal(seen[0], torch.cat([corrupted, corrupted + 0.2], dim=1))


def test_the_score_is_the_highest_mean_over_21_by_21_pixels():
    anomaly = np.zeros((64, 64), np.float32)
    anomaly[32, 32] = 1.0
    assert Draem(SETTINGS).pool(anomaly) == pytest.approx(1 / 441)


def test_the_picture_passes_through_16_by_16_cells_without_a_skip():
    assert Rebuilder().eval().down(torch.zeros(1, 3, 256, 256)).shape == (1, 176, 16, 16)


def test_it_costs_what_baad_costs():
    views = [
        describe_cost(new_network(new_pdn(name, 0), TrainSettings()), (256, 256)) for name in ("fast", "fast_near")
    ]
    networks, images = (Rebuilder(), Finder()), (torch.zeros(1, 3, 256, 256), torch.zeros(1, 6, 256, 256))
    parameters, macs = (np.mean([view[name] for view in views]) for name in ("parameters", "macs"))
    assert sum(map(count_parameters, networks)) == pytest.approx(parameters, rel=0.25)
    assert sum(map(count_macs, networks, images)) == pytest.approx(macs, rel=0.25)


def test_a_short_training_finds_a_pasted_patch(fitted):
    detector, pictures, told = fitted
    spotted = pictures[0].copy()
    spotted[4:20, 4:20] = (20, 200, 220)
    normal, defective = detector.score(pictures[0]), detector.score(spotted)
    assert told.steps == 40 and defective.anomaly.shape == (64, 64)
    assert defective.anomaly[6:18, 6:18].mean() > 2 * normal.anomaly[6:18, 6:18].mean()
    assert defective.score > normal.score
    assert defective.reconstruction.shape == (64, 64, 3) and defective.reconstruction.dtype == np.uint8
