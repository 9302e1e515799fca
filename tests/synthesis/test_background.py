import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from baad.synthesis.background import (
    CHANGES,
    FEATHER,
    _things,
    change_background,
    has_background,
    mix,
    shift_part,
    soften_edge,
)
from baad.synthesis.site import Sources

seeds = st.integers(0, 2**32 - 1)
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def draw_case(seed: int, height: int = 60, width: int = 72) -> tuple[np.ndarray, np.ndarray]:
    """A lively picture and an ellipse on it, its part."""
    rng = np.random.default_rng(seed)
    picture = cv2.resize(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8), (width, height))
    part = np.zeros((height, width), np.uint8)
    centre = (int(rng.integers(20, width - 20)), int(rng.integers(20, height - 20)))
    cv2.ellipse(part, centre, (14, 10), float(rng.uniform(0, 180)), 0, 360, 1, -1)
    return picture, part > 0


def erode(part: np.ndarray, pixels: int) -> np.ndarray:
    side = 2 * pixels + 1
    return cv2.erode(part.astype(np.uint8), np.ones((side, side), np.uint8)) > 0


@relaxed
@given(seed=seeds)
def test_the_part_itself_never_changes(banks, seed):
    picture, part = draw_case(seed)
    others = np.stack([draw_case(seed + 1)[0], picture])
    sources = Sources(others, np.stack([draw_case(seed + 1)[1], part]), banks)
    scenery = change_background(picture, part, sources, np.random.default_rng(seed))
    assert scenery.picture.dtype == np.uint8 and scenery.picture.shape == picture.shape
    assume(np.array_equal(scenery.foreground, part))  # else it was shifted, as below
    inner = erode(part, FEATHER)
    assert np.array_equal(scenery.picture[inner], picture[inner])


@relaxed
@given(seed=seeds)
def test_a_shifted_part_takes_its_pixels_along(seed):
    picture, part = draw_case(seed)
    moved, outline = shift_part(picture, part, np.random.default_rng(seed))
    dy, dx = (
        round(float(np.mean(after) - np.mean(before))) for before, after in zip(np.nonzero(part), np.nonzero(outline))
    )
    assert abs(dy) <= 0.06 * 60 + 1 and abs(dx) <= 0.06 * 72 + 1
    back = cv2.warpAffine(
        moved,
        np.array([[1.0, 0, -dx], [0, 1, -dy]]),
        (72, 60),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )
    inner = erode(part, FEATHER)
    inner[:6], inner[-6:], inner[:, :6], inner[:, -6:] = False, False, False, False
    assert np.array_equal(back[inner], picture[inner])


@relaxed
@given(seed=seeds)
def test_the_soft_edge_is_narrow(seed):
    _, part = draw_case(seed)
    behind = soften_edge(part, np.random.default_rng(seed))
    assert (behind[erode(part, FEATHER)] == 0).all()
    assert (behind[erode(~part, FEATHER)] > 0.999).all()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_every_change_is_seen_and_repeats_with_its_seed(banks, change):
    picture, part = draw_case(3)
    sources = Sources(np.stack([draw_case(4)[0]]), np.stack([draw_case(4)[1]]), banks)
    seen = 0
    for seed in range(8):
        changed = change(picture, part, sources, np.random.default_rng(seed))
        assert changed.shape == picture.shape and changed.dtype == np.uint8
        assert np.array_equal(changed, change(picture, part, sources, np.random.default_rng(seed)))
        seen += bool(np.abs(changed.astype(int) - picture)[~part].max() >= 8)
    assert seen >= 6


def test_things_lie_on_a_background_that_stays(banks):
    picture, part = draw_case(5)
    sources, kept = Sources(picture[None], part[None], banks), []
    for seed in range(40):
        changed = _things(picture, part, sources, np.random.default_rng(seed))
        kept.append(float((changed == picture).all(axis=2)[~part].mean()))
    assert 0.5 < min(kept) < 0.9 and np.median(kept) < 0.99  # few or many, and never another scene


def test_things_lie_beside_the_part_more_than_elsewhere(banks, monkeypatch):
    picture, part = draw_case(5, 120, 144)
    sources, near = Sources(picture[None], part[None], banks), ~part & ~erode(~part, 6)

    def lie_near():
        """Of the background beside the part what share is changed, for that of all of it."""
        changed = np.zeros(part.shape)
        for seed in range(80):
            changed += (_things(picture, part, sources, np.random.default_rng(seed)) != picture).any(axis=2)
        return changed[near].mean() / changed[~part].mean()

    often = lie_near()
    monkeypatch.setattr("baad.synthesis.background.BESIDE", 2.0)  # all that is background is beside the part
    assert often > 1.5 * lie_near()


def test_mixing_keeps_the_first_where_the_weight_is_zero():
    first, second = np.full((2, 2, 3), 7, np.uint8), np.full((2, 2, 3), 207, np.uint8)
    weight = np.array([[0.0, 1.0], [0.5, 0.0]], np.float32)
    assert mix(first, second, weight)[..., 0].tolist() == [[7, 207], [107, 7]]


def test_other_pictures_may_have_another_size(banks):
    picture, part = draw_case(0)
    other, other_part = draw_case(1, 80, 50)
    for seed in range(40):
        sources = Sources(other[None], other_part[None], banks)
        assert change_background(picture, part, sources, np.random.default_rng(seed)).picture.shape == picture.shape


def test_a_thin_strip_of_background_is_never_shifted_away(banks):
    picture, _ = draw_case(0)
    part = np.ones((60, 72), bool)
    part[:, :3] = False  # 3 of 72 columns; a shift may take 4
    assert any(shift_part(picture, part, np.random.default_rng(seed))[1].all() for seed in range(20))
    sources = Sources(picture[None], part[None], banks)
    for seed in range(400):
        scenery = change_background(picture, part, sources, np.random.default_rng(seed))
        assert has_background(scenery.foreground)
