from dataclasses import fields

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baad.synthesis.banks import Banks, make_banks
from baad.synthesis.recipe import MARGIN, Example, Plan, draw_example, mark_difference

BANKS = make_banks(np.random.default_rng(0), size=64, noises=12, patterns=12, scenes=4)
seeds = st.integers(0, 2**32 - 1)
sides = st.integers(8, 90)


def draw_case(height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A picture with some texture, a part on it, and three others."""
    rng = np.random.default_rng(seed)
    pictures = np.stack(
        [
            cv2.resize(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
            for _ in range(4)
        ]
    )
    parts = np.zeros((4, height, width), bool)
    top, left = rng.integers(0, height // 2), rng.integers(0, width // 2)
    parts[:, top : top + height // 2, left : left + width // 2] = True
    return pictures[0], parts[0], pictures[1:], parts[1:]


def draw(case, seed: int, banks: Banks = BANKS, **plan) -> Example:
    return draw_example(*case, np.random.default_rng(seed), Plan(**plan), banks)


@settings(max_examples=60, deadline=None)
@given(height=sides, width=sides, seed=seeds, where=st.sampled_from(["foreground", "anywhere"]))
def test_any_size_gives_what_is_promised_and_leaves_its_inputs_alone(height, width, seed, where):
    case = draw_case(height, width, seed)
    before = [array.copy() for array in case]
    example = draw(case, seed, anomalies_on=where, background_share=0.5)
    for image in (example.corrupted, example.clean):
        assert image.dtype == np.uint8 and image.shape == (height, width, 3)
    for mask in (example.defect, example.foreground, example.replaced):
        assert mask.dtype == bool and mask.shape == (height, width)
    assert all(np.array_equal(old, new) for old, new in zip(before, case))


@settings(max_examples=60, deadline=None)
@given(height=sides, width=sides, seed=seeds)
def test_the_mask_is_exactly_where_a_channel_differs_by_8_levels(height, width, seed):
    example = draw(draw_case(height, width, seed), seed, anomaly_share=1.0, background_share=0.5)
    difference = np.abs(example.corrupted.astype(int) - example.clean.astype(int)).max(axis=2)
    assert np.array_equal(example.defect, difference >= 8)


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_the_same_seed_gives_the_same_example(seed):
    case = draw_case(40, 48, seed)
    first, second = draw(case, seed, background_share=0.5), draw(case, seed, background_share=0.5)
    assert all(np.array_equal(getattr(first, f.name), getattr(second, f.name)) for f in fields(Example))


@settings(max_examples=30, deadline=None)
@given(height=sides, width=sides, seed=seeds)
def test_without_anomalies_nothing_is_called_a_defect(height, width, seed):
    example = draw(draw_case(height, width, seed), seed, anomaly_share=0.0, background_share=1.0)
    assert not example.defect.any()
    assert np.array_equal(example.corrupted, example.clean)


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_defects_stay_on_the_part_and_a_narrow_margin(seed):
    case = draw_case(64, 80, seed)
    example = draw(case, seed, anomaly_share=1.0, background_share=0.0, seam_share=0.0)
    reach = int(MARGIN * np.sqrt(64 * 80))
    near = cv2.dilate(case[1].astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    assert np.array_equal(example.corrupted[~near], example.clean[~near])


def test_defects_are_drawn_as_often_as_asked_and_large_and_small_ones_alike():
    case = draw_case(128, 128, 5)
    areas = [int(draw(case, seed, anomaly_share=1.0).defect.sum()) for seed in range(120)]
    assert sum(area == 0 for area in areas) < 6
    assert min(area for area in areas if area) < 30 < 1000 < max(areas)


def test_defects_anywhere_reach_the_background():
    case = draw_case(64, 64, 1)
    outside = [
        draw(case, seed, anomaly_share=1.0, anomalies_on="anywhere").defect[~case[1]].any() for seed in range(20)
    ]
    assert sum(outside) > 10


def test_a_part_that_fills_the_picture_keeps_its_background():
    image, part, others, parts = draw_case(48, 48, 2)
    whole = np.ones_like(part)
    for seed in range(10):
        example = draw((image, whole, others, parts), seed, anomaly_share=0.0, background_share=1.0, seam_share=0.0)
        assert np.array_equal(example.clean, image) and not example.replaced.any()


def test_without_a_part_there_is_no_defect():
    image, part, others, parts = draw_case(48, 48, 2)
    example = draw((image, np.zeros_like(part), others, parts), 0, anomaly_share=1.0, background_share=1.0)
    assert not example.defect.any()


def test_other_pictures_are_not_needed():
    image, part, _, _ = draw_case(48, 48, 2)
    none = np.zeros((0, 48, 48, 3), np.uint8), np.zeros((0, 48, 48), bool)
    found = [
        draw((image, part, *none), seed, anomaly_share=1.0, background_share=0.5).defect.any() for seed in range(30)
    ]
    assert sum(found) > 20


@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_replaced_is_background_that_changed(seed):
    case = draw_case(64, 64, seed)
    example = draw(case, seed, anomaly_share=0.0, background_share=1.0, seam_share=0.0)
    assert not (example.replaced & example.foreground).any()
    assert np.array_equal(example.replaced, mark_difference(case[0], example.clean) & ~example.foreground)


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_a_seam_changes_no_pixel_visibly(seed):
    case = draw_case(64, 64, seed)
    example = draw(case, seed, anomaly_share=0.0, background_share=0.0, seam_share=1.0)
    assert not mark_difference(case[0], example.clean).any()


@pytest.mark.parametrize("levels, marked", [(7, False), (8, True), (-8, True)])
def test_eight_levels_are_a_difference(levels, marked):
    first = np.full((1, 1, 3), 100, np.uint8)
    second = first.copy()
    second[0, 0, 1] = 100 + levels
    assert mark_difference(first, second)[0, 0] == marked
