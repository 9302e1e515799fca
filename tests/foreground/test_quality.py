import numpy as np

from baad.foreground.quality import agree_with_motion, judge_contours


def squares(count=6, sides=(100,), colour=(220, 60, 40)):
    """Pictures of one square each, on grey, and their true masks."""
    rng = np.random.default_rng(0)
    images = np.clip(rng.normal(128, 4, (count, 256, 256, 3)), 0, 255).astype(np.uint8)
    masks = np.zeros((count, 256, 256), bool)
    for index in range(count):
        y, x = rng.integers(20, 120, 2)
        side = sides[index % len(sides)]
        masks[index, y : y + side, x : x + side] = True
    images[masks] = colour
    return images, masks


def test_true_masks_are_better_than_shifted_ones():
    images, masks = squares()
    true = judge_contours(images, masks, 1.0)
    shifted = judge_contours(images, np.roll(masks, 30, axis=2), 1.0)
    assert true.figure > 0.8 > 0.5 > shifted.figure
    assert (true.per_image > shifted.per_image).all()


def test_all_figures_lie_between_zero_and_one():
    images, masks = squares()
    for some in (masks, ~masks, masks & False, masks | True):
        found = judge_contours(images, some, 0.9)
        values = [found.contrast, found.edge, found.inside, found.steadiness, found.area, found.shape, found.figure]
        assert all(0.0 <= value <= 1.0 for value in values)
        assert found.figure <= found.shape


def test_no_mask_and_a_mask_of_everything_are_worth_nothing():
    images, masks = squares()
    assert judge_contours(images, masks & False, 1.0).figure == 0.0
    assert judge_contours(images, masks | True, 1.0).figure == 0.0


def test_the_background_in_place_of_the_part_is_worth_nothing():
    images, masks = squares()
    assert judge_contours(images, ~masks, 1.0).figure < 0.05


def test_areas_that_differ_lower_the_figure():
    same, different = squares(sides=(80,)), squares(sides=(30, 130))
    assert judge_contours(*different, 1.0).steadiness < judge_contours(*same, 1.0).steadiness == 1.0


def test_one_bad_mask_shows_in_its_own_figure_only():
    images, masks = squares()
    spoilt = masks.copy()
    spoilt[2] = np.roll(spoilt[2], 40, axis=1)
    found = judge_contours(images, spoilt, 1.0)
    assert found.per_image.argmin() == 2
    assert found.figure > 0.8


def test_motion_speaks_against_masks_only_where_it_is_trusted():
    masks = np.zeros((2, 8, 8), bool)
    masks[:, :4] = True
    assert agree_with_motion(0.6, masks, masks, 0.9) == 0.6
    assert np.isclose(agree_with_motion(0.6, masks, ~masks, 0.5), 0.3)
    assert agree_with_motion(0.6, masks, ~masks, 0.0) == 0.6
