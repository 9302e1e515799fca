import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from sklearn import metrics as reference

from baad.metrics.ranking import ScoreBins, auroc, auroc_of, average_precision, count_levels, f1_max, fit_bins


def figures(scores, positive):
    positives, negatives = count_levels(np.asarray(scores), np.asarray(positive, bool))
    return [float(figure(positives, negatives)) for figure in (auroc, average_precision, f1_max)]


def best_f1(scores, positive):
    def f1(threshold):
        reported = scores >= threshold
        return 2 * (reported & positive).sum() / (reported.sum() + positive.sum())

    return max(f1(threshold) for threshold in np.unique(scores))


def test_one_of_two_defects_above_the_only_normal_is_half_the_area():
    assert figures([3, 2, 1], [True, False, True]) == [0.5, pytest.approx((1 + 2 / 3) / 2), pytest.approx(0.8)]


def test_scores_that_are_all_equal_rank_like_chance():
    assert figures([1, 1, 1, 1], [True, False, True, False]) == [0.5, 0.5, pytest.approx(2 / 3)]


def test_figures_of_a_single_class_are_not_numbers():
    assert np.isnan(figures([1, 2], [True, True])).all()
    assert np.isnan(figures([1, 2], [False, False])).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=40), st.floats(0.001, 1000))
def test_figures_agree_with_scikit_learn_on_tied_scores(pairs, scale):
    scores = np.array([score for score, _ in pairs]) * scale
    positive = np.array([label for _, label in pairs])
    assume(positive.any() and not positive.all())
    assert figures(scores, positive) == [
        pytest.approx(reference.roc_auc_score(positive, scores)),
        pytest.approx(reference.average_precision_score(positive, scores)),
        pytest.approx(best_f1(scores, positive)),
    ]


def test_leading_axes_are_independent():
    positives, negatives = np.array([[1, 0], [0, 1]]), np.array([[0, 1], [1, 0]])
    np.testing.assert_array_equal(auroc(positives, negatives), [1, 0])
    np.testing.assert_array_equal(average_precision(positives, negatives), [1, 0.5])
    np.testing.assert_allclose(f1_max(positives, negatives), [1, 2 / 3])


def test_a_value_on_an_edge_belongs_to_the_level_above_it():
    bins = ScoreBins(np.array([1.0, 2.0], np.float32))
    values = np.array([2.5, 2.0, 1.5, 0.0], np.float32)
    assert bins.levels(values).tolist() == [0, 0, 1, 2]
    assert bins.count(values.reshape(2, 2)).tolist() == [2, 1, 1]


def test_few_distinct_values_get_a_level_each():
    bins = fit_bins(np.array([5, 1, 5, 3], np.float32))
    counts = bins.count(np.array([5, 5, 3, 1], np.float32))
    assert counts[counts > 0].tolist() == [2, 1, 1]


@pytest.mark.parametrize("shape_scores", [lambda x: x, np.exp, np.tanh], ids=["normal", "long tail", "saturated"])
def test_the_error_of_binned_pixel_figures_is_below_the_documented_one(shape_scores):
    rng = np.random.default_rng(1)
    smooth = gaussian_filter(rng.normal(size=(300, 400)), 2)
    defect = gaussian_filter(rng.normal(size=(300, 400)), 8) > 0.06
    assert 0.002 < defect.mean() < 0.1
    scores = shape_scores(8 * smooth + 3 * defect).astype(np.float32)
    bins = fit_bins(scores.ravel()[::3], bins=2**13)
    binned = bins.count(scores[defect]), bins.count(scores[~defect])
    exact = count_levels(scores.ravel(), defect.ravel())
    allowed = 1e-4 * 2**16 / 2**13  # the error shrinks with the number of levels; 2**16 are used in earnest
    for figure in (auroc, average_precision, f1_max):
        assert float(figure(*binned)) == pytest.approx(float(figure(*exact)), abs=allowed)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50), st.integers(4, 64))
def test_counting_finds_every_value_at_the_level_it_is_given(values, count):
    scores = np.array(values, np.float32)
    bins = fit_bins(scores, bins=count)
    np.testing.assert_array_equal(bins.count(scores), np.bincount(bins.levels(scores), minlength=bins.size))
    order = np.argsort(-scores, kind="stable")
    assert (np.diff(bins.levels(scores)[order]) >= 0).all()


def test_two_lists_of_scores_are_compared_by_what_they_know():
    assert auroc_of([0.1, 0.4], [0.4, 0.9]) == 0.875
    assert auroc_of([0.1, np.nan], [0.2]) == 1.0
    assert np.isnan(auroc_of([np.nan], [])) and np.isnan(auroc_of([0.5], []))
