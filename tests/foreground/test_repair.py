import numpy as np

from baad.foreground.repair import look_again, usual_area
from tests.foreground.test_quality import squares


def scores_of(masks, elsewhere=()):
    """[N, 64, 64]: high on the mask, and nearly as high on the boxes elsewhere, (picture, rows, columns) each."""
    scores = masks[:, 2::4, 2::4].astype(np.float32)
    for index, rows, columns in elsewhere:
        scores[index, rows, columns] = np.maximum(scores[index, rows, columns], 0.8)
    return scores


def test_a_piece_that_makes_the_part_too_large_is_dropped():
    images, truth = squares()
    taken = truth.copy()
    taken[3, :, 236:] = True  # a strip along the right edge, taken for part in one picture
    repaired = look_again(images, scores_of(truth, [(3, slice(0, 64), slice(59, 64))]), taken, usual_area(taken))
    assert (repaired[3] == truth[3]).mean() > 0.99
    others = np.arange(len(truth)) != 3
    assert np.array_equal(repaired[others], taken[others])


def test_a_part_that_was_lost_is_found_again():
    images, truth = squares()
    taken = truth.copy()
    taken[2] = False
    repaired = look_again(images, scores_of(truth), taken, usual_area(taken))
    assert (repaired[2] == truth[2]).mean() > 0.99


def test_a_part_in_many_pieces_may_be_kept_whole():
    images, truth = squares()
    truth[:], taken = False, np.zeros_like(truth)
    for row in range(3):
        for column in range(4):
            truth[:, 24 + 70 * row : 64 + 70 * row, 10 + 60 * column : 50 + 60 * column] = True
    images[:] = 128
    images[truth] = (220, 60, 40)
    taken = truth.copy()
    taken[2] = False
    repaired = look_again(images, scores_of(truth), taken, usual_area(taken))
    assert (repaired[2] == truth[2]).mean() > 0.99


def test_where_parts_are_of_any_size_no_area_is_usual():
    images, truth = squares(sides=(20, 50, 110))
    assert usual_area(truth) is None
    assert look_again(images, scores_of(truth), truth, None) is truth


def test_a_mask_that_is_worse_than_most_is_looked_at_again_though_its_area_is_usual():
    images, truth = squares()
    taken = truth.copy()
    taken[1] = np.roll(truth[1], 50, axis=1)  # beside the part
    repaired = look_again(images, scores_of(truth), taken, usual_area(taken))
    assert (repaired[1] == truth[1]).mean() > 0.99
