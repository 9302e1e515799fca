import numpy as np

from baad.learn.foreground_masks import find_usual_place


def test_a_part_that_lies_still_has_a_usual_place():
    masks = np.zeros((10, 32, 32), bool)
    masks[:, 8:24, 8:24] = True
    usual = find_usual_place(masks)
    assert usual.shape == (1, 1, 8, 8)
    assert float(usual[0, 0, 4, 4]) == 1.0 and float(usual[0, 0, 0, 0]) == 0.0


def test_a_part_that_lies_anywhere_has_none():
    masks = np.zeros((4, 32, 32), bool)
    for index in range(4):
        masks[index, 8 * index : 8 * index + 8, :16] = True
    assert find_usual_place(masks).shape == (1, 1, 1, 1) and float(find_usual_place(masks).max()) == 0.0
