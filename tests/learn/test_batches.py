from dataclasses import replace

import numpy as np
import pytest
import torch

from baad.learn.batches import Batch, BatchPlan, Material, batches, draw_ahead, draw_batch, vary_view
from baad.synthesis.banks import make_banks
from baad.synthesis.recipe import Plan


@pytest.fixture(scope="module")
def material():
    rng = np.random.default_rng(0)
    images = rng.integers(60, 200, (6, 64, 64, 3), dtype=np.uint8)
    foregrounds = np.zeros((6, 64, 64), bool)
    foregrounds[:, 16:48, 16:48] = True
    return Material(images, foregrounds, make_banks(np.random.default_rng(1)), False)


def plan(**changes) -> BatchPlan:
    values = dict(batch_size=4, seed=0, synthesis=Plan(), mask_target="clean", ramp_steps=0)
    return BatchPlan(**(values | changes))


def same(first: Batch, second: Batch) -> bool:
    pairs = zip(vars(first).values(), vars(second).values())
    return all(one is other if one is None else torch.equal(one, other) for one, other in pairs)


def test_what_is_invented_for_grey_pictures_of_a_colour_camera_has_colours(material):
    grey = replace(material, images=material.images[..., :1].repeat(3, axis=3))
    spread = {}
    for is_grey in (True, False):
        drawn = draw_batch(replace(grey, grey=is_grey), plan(batch_size=32, ramp_steps=0), 1)
        colours = (drawn.corrupted - drawn.corrupted.mean(1, keepdim=True)).abs().amax(1, keepdim=True)
        spread[is_grey] = float(colours[drawn.defect > 0].mean())
    assert spread[False] > 2 * spread[True]


def test_drawing_ahead_keeps_to_one_thread_and_leaves_training_its_own():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        drawn = [(asked, torch.get_num_threads()) for asked in draw_ahead(lambda step: torch.get_num_threads(), 0, 5)]
    finally:
        torch.set_num_threads(before)
    assert drawn == [(1, 2)] * 5


def test_a_batch_depends_on_seed_and_step_alone(material):
    stream = list(batches(material, plan(), 0, 5))
    assert same(stream[3], draw_batch(material, plan(), 3))
    assert same(stream[4], next(batches(material, plan(), 4, 5)))
    assert not same(stream[0], stream[1])
    assert not same(stream[0], draw_batch(material, plan(seed=1), 0))


def test_shapes_and_ranges_are_those_stated(material):
    batch = draw_batch(material, plan(), 0)
    assert batch.corrupted.shape == batch.clean.shape == (4, 3, 64, 64)
    assert batch.defect.shape == batch.foreground.shape == batch.replaced.shape == (4, 1, 64, 64)
    assert batch.mask_target.shape == (4, 1, 16, 16)
    assert batch.elsewhere is None
    for value in (value for value in vars(batch).values() if value is not None):
        assert float(value.min()) >= 0.0 and float(value.max()) <= 1.0
    assert batch.pictures().dtype == np.uint8


def test_background_changes_are_ramped_in(material):
    full = plan(synthesis=Plan(anomaly_share=0.0, background_share=1.0), ramp_steps=1000)
    assert draw_batch(material, full, 0).replaced.sum() == 0.0

    def changed(step):
        """Share of pictures whose background is changed about a step."""
        batches = [draw_batch(material, full, step + more) for more in range(20)]
        return float(np.mean([batch.replaced.flatten(1).amax(dim=1).mean() for batch in batches]))

    assert 0.3 < changed(490) < 0.7 and changed(1000) == 1.0


def test_the_union_target_adds_the_defect_to_the_mask(material):
    anywhere = Plan(anomaly_share=1.0, background_share=0.0, anomalies_on="anywhere")
    clean = draw_batch(material, plan(synthesis=anywhere), 3)
    union = draw_batch(material, plan(synthesis=anywhere, mask_target="union"), 3)
    assert float(union.mask_target.sum()) > float(clean.mask_target.sum())
    assert torch.equal(clean.defect, union.defect)


def test_a_varied_view_moves_picture_and_mask_together():
    image = np.zeros((64, 64, 3), np.uint8)
    foreground = np.zeros((64, 64), bool)
    foreground[20:40, 24:44] = True
    image[foreground] = 255
    for seed in range(20):
        moved, mask = vary_view(image, foreground, np.random.default_rng(seed))
        bright = moved.mean(axis=2) > 127
        assert (bright ^ mask).mean() < 0.02


def test_a_paired_batch_shows_the_same_part_and_defect_on_another_background(material):
    pairs = plan(synthesis=Plan(anomaly_share=1.0, background_share=0.0, paired=True))
    batch = draw_batch(material, pairs, 0)
    inside = -torch.nn.functional.max_pool2d(-batch.foreground, 7, 1, 3) > 0  # [B, 1, H, W]
    change = (batch.elsewhere - batch.corrupted).abs() * inside
    assert float(change.max()) == 0.0
    assert float((batch.elsewhere - batch.corrupted).abs().mean()) > 0.01


def test_pairing_changes_nothing_else_in_a_picture(material):
    alone, paired = (draw_batch(material, plan(batch_size=1, synthesis=Plan(paired=flag)), 2) for flag in (False, True))
    assert alone.elsewhere is None
    assert torch.equal(alone.corrupted, paired.corrupted) and torch.equal(alone.clean, paired.clean)
