import numpy as np

from baad.foreground.refine import clean_mask, drop_strays, overlap, refine_mask, refine_masks, soften, typical_area
from baad.foreground.scores import Cut


def disc(size=256, radius=60):
    y, x = np.mgrid[:size, :size]
    return (y - size // 2) ** 2 + (x - size // 2) ** 2 < radius**2


def test_half_of_two_shifted_squares_overlaps():
    left, right = np.zeros((2, 4, 6), bool)
    left[:, :4], right[:, 2:] = True, True
    assert overlap(left, right) == 1 / 3
    assert overlap(left & False, right & False) == 1.0


def test_a_coarse_score_is_pulled_to_the_contour_of_the_picture():
    truth = disc()
    rng = np.random.default_rng(0)
    image = np.where(truth[..., None], [200, 60, 40], [60, 90, 160]) + rng.normal(0, 5, (256, 256, 3))
    y, x = np.mgrid[:16, :16]
    score = 1.0 - np.hypot(y - 7.5, x - 7.5).astype(np.float32) / 9.0  # a cone, cut a quarter too far out
    cut = Cut(level=0.48, sure_background=0.3, sure_part=0.75, separation=1.0)
    refined = refine_mask(np.clip(image, 0, 255).astype(np.uint8), score, cut)
    coarse = np.kron(score, np.ones((16, 16))) > cut.level
    assert overlap(refined, truth) > 0.97 > overlap(coarse, truth)


def test_where_the_picture_shows_nothing_the_score_stands():
    image = np.full((256, 256, 3), 128, np.uint8)
    score = disc(32, 8).astype(np.float32)
    cut = Cut(level=0.5, sure_background=0.1, sure_part=0.9, separation=1.0)
    assert overlap(refine_mask(image, score, cut), disc(256, 64)) > 0.8


def test_an_empty_or_full_score_is_left_alone():
    image = np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    cut = Cut(level=0.5, sure_background=0.2, sure_part=0.8, separation=1.0)
    assert not refine_mask(image, np.zeros((8, 8), np.float32), cut).any()
    assert refine_mask(image, np.ones((8, 8), np.float32), cut).all()


def test_crumbs_go_and_small_holes_are_filled_but_large_ones_stay():
    mask = np.zeros((128, 128), bool)
    mask[20:100, 20:100] = True
    mask[30:36, 30:36] = False  # a small hole
    mask[60:90, 60:90] = False  # a large one
    mask[110:115, 110:115] = True  # a crumb
    cleaned = clean_mask(mask)
    assert cleaned[32, 32] and not cleaned[75, 75] and not cleaned[112, 112]
    assert cleaned[50, 50] and not cleaned[10, 10]


def test_softened_masks_keep_their_contour_at_one_half():
    masks = disc()[None]
    soft = soften(masks)
    assert soft.dtype == np.float32 and soft.min() >= 0.0 and soft.max() <= 1.0
    assert overlap(soft[0] >= 0.5, masks[0]) > 0.98


def test_a_stray_piece_at_the_border_is_dropped_where_parts_lie_inside():
    masks = np.zeros((3, 20, 20), bool)
    masks[:, 5:10, 5:10] = True
    strayed = masks.copy()
    strayed[1, 12:, :] = True
    typical = typical_area(strayed)
    assert typical == 25 / 400
    assert np.array_equal(drop_strays(strayed, typical), masks)


def test_a_part_that_is_cut_by_the_border_in_one_picture_stays():
    masks = np.zeros((3, 20, 20), bool)
    masks[:2, 5:10, 5:10] = True
    masks[2, 5:10, :5] = True
    assert np.array_equal(drop_strays(masks, typical_area(masks)), masks)


def test_parts_that_span_the_picture_are_left_alone():
    masks = np.zeros((3, 20, 20), bool)
    masks[:, 8:12, :] = True
    masks[1, 2:5, 5:10] = True
    assert typical_area(masks) is None
    assert np.array_equal(drop_strays(masks, None), masks)


def test_many_pictures_are_refined_like_one_by_one():
    images = np.random.default_rng(2).integers(0, 255, (5, 64, 64, 3)).astype(np.uint8)
    scores = np.random.default_rng(3).normal(size=(5, 8, 8)).astype(np.float32)
    cut = Cut(level=0.2, sure_background=-0.5, sure_part=0.8, separation=1.0)
    one_by_one = [refine_mask(image, score, cut) for image, score in zip(images, scores)]
    assert np.array_equal(refine_masks(images, scores, cut), np.stack(one_by_one))
