import numpy as np

from baad.foreground.suggest import suggest_pictures

LOOKS = np.array([[0.0], [0.1], [5.0], [5.1], [9.0]], np.float32)
NOBODY = np.zeros(0, int)


def test_the_worst_comes_first_and_then_what_is_bad_and_unlike_it():
    quality = np.array([0.1, 0.2, 0.9, 0.5, 0.95])
    assert suggest_pictures(quality, LOOKS, NOBODY, count=2) == (0, 3)


def test_a_painted_picture_is_never_named_and_what_is_like_it_comes_last():
    assert suggest_pictures(np.full(5, 0.5), LOOKS, np.array([2]), count=4) == (0, 4, 1, 3)


def test_without_masks_the_most_usual_picture_comes_first():
    assert suggest_pictures(None, LOOKS, NOBODY, count=2) == (2, 0)


def test_there_are_never_more_names_than_pictures():
    assert set(suggest_pictures(None, LOOKS, np.array([0, 1, 2]))) == {3, 4}
