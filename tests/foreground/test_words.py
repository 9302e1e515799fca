import numpy as np

from baad.foreground.words import combine, enlarge, find_words, have_usual_area, word_odds
from tests.foreground.scenes import clutter, describe


def test_a_word_that_lies_on_the_part_has_the_higher_odds():
    read = np.repeat([0, 1, 2], [200, 400, 400]).reshape(1, 10, 100)
    guess = (read == 0) | ((read == 1) & (np.arange(100) % 2 == 0))  # all of word 0, half of word 1, none of word 2
    odds = word_odds(read, guess, 3)
    assert odds[0] > odds[1] > odds[2]


def test_a_word_never_seen_has_the_odds_of_the_average():
    read, guess = np.zeros((1, 10, 10), int), np.zeros((1, 10, 10))
    guess[0, :3] = 1.0
    odds = word_odds(read, guess, 2)
    assert np.isclose(odds[0], odds[1])


def test_shares_of_a_cell_count_as_shares():
    read = np.tile([0, 1], 50).reshape(1, 10, 10)
    whole, half = (word_odds(read, np.where(read == 0, share, 0.0), 2) for share in (1.0, 0.5))
    assert whole[0] - whole[1] >= half[0] - half[1] > 0


def test_cells_of_one_look_read_as_one_word():
    images = np.stack([clutter(np.random.default_rng(seed), 5) for seed in range(3)])
    images[:, :128] = (250, 250, 250)
    features = describe(images)
    read = find_words(images, features, np.random.default_rng(0)).read(images, features)
    assert read.shape == (3, 64, 64)
    assert len(np.unique(read[:, 4:20, 4:-4])) == 1
    assert len(np.unique(read[:, 40:])) > 3


def test_combined_scores_do_not_depend_on_the_unit_of_the_score():
    rng = np.random.default_rng(1)
    score, odds = rng.normal(size=(2, 16, 16)).astype(np.float32), rng.normal(size=(2, 32, 32)).astype(np.float32)
    assert np.allclose(combine(score, odds), combine(50.0 * score + 3.0, odds), atol=1e-3)
    assert enlarge(score[0], 32).shape == (32, 32)


def covering(*shares):
    """Guesses [N, 10, 10] that cover these shares of their pictures."""
    return np.stack([(np.arange(100) < 100 * share).reshape(10, 10).astype(np.float32) for share in shares])


def test_a_picture_whose_guess_took_something_else_in_teaches_nothing():
    assert have_usual_area(covering(0.2, 0.25, 0.2, 0.6)).tolist() == [True, True, True, False]


def test_where_parts_are_of_any_size_all_pictures_teach():
    assert have_usual_area(covering(0.02, 0.1, 0.4, 0.9)).all()
