import cv2
import numpy as np
import pytest

from baad.foreground.classify import fit_classifier
from baad.foreground.correct import alike_in_area, are_thin, teach_masks
from baad.foreground.propose import Painted, make_proposal
from baad.foreground.refine import overlap
from tests.foreground.scenes import clutter, describe, put_part


class Blank:
    """A recipe that finds its half of every picture: its upper one."""

    def score(self, images, features, own):
        rows = np.linspace(1.0, 0.0, 32, dtype=np.float32)[None, :, None]
        return np.broadcast_to(rows, (len(images), 32, 32))


@pytest.fixture(scope="module")
def drawn():
    """Parts in front of the same clutter, where no recipe was asked yet."""
    rng = np.random.default_rng(0)
    scene = clutter(rng)
    images, truths = (np.stack(each) for each in zip(*(put_part(scene, rng) for _ in range(4))))
    return images, describe(images), truths


def test_a_classifier_tells_apart_what_no_line_can():
    rng = np.random.default_rng(0)
    vectors = rng.uniform(-2, 2, (2000, 2)).astype(np.float32)
    inner = np.hypot(*vectors.T) < 1.2
    found = fit_classifier(vectors, inner, np.ones(2000), rng).share(vectors) > 0.5
    assert (found == inner).mean() > 0.95


def test_both_sides_count_the_same_however_many_cells_they_have():
    vectors, part = np.zeros((100, 1), np.float32), np.arange(100) == 0  # all alike, one of them part
    share = fit_classifier(vectors, part, np.ones(100), np.random.default_rng(0)).share(vectors)
    assert np.allclose(share, 0.5, atol=0.01)


def test_one_painted_mask_teaches_the_other_pictures_and_stays_as_it_is(drawn):
    images, features, truths = drawn
    wrong = make_proposal("wrong", Blank(), Blank().score(images, features, np.arange(4)), images)
    taught = teach_masks(images, features, [wrong], Painted(np.array([2]), truths[[2]]), np.random.default_rng(0))
    found = taught.masks >= 0.5
    assert np.array_equal(found[2], truths[2])
    assert min(overlap(mask, truth) for mask, truth in zip(found, truths)) > 0.9


def test_what_is_thinner_than_a_cell_teaches_nothing_and_is_known_to():
    rng = np.random.default_rng(0)
    scene, truths = clutter(rng), np.zeros((4, 256, 256), np.uint8)
    for truth in truths:
        cv2.line(truth, (int(rng.integers(20, 100)), 10), (int(rng.integers(150, 240)), 245), 1, 3)
    images = np.where(truths[..., None] > 0, np.uint8(200), scene)
    painted = Painted(np.array([0, 1]), truths[:2] > 0)
    assert are_thin(painted)
    assert teach_masks(images, describe(images), [], painted, np.random.default_rng(0)) is None


def test_a_mask_of_one_side_only_teaches_nothing(drawn):
    images, features, truths = drawn
    nothing = Painted(np.array([0]), np.zeros_like(truths[[0]]))
    assert teach_masks(images, features, [], nothing, np.random.default_rng(0)) is None


@pytest.mark.parametrize(
    ("shown", "found", "alike"),
    [(0.005, 0.004, True), (0.005, 0.5, True), (0.3, 0.02, False), (0.95, 0.96, True), (0.3, 0.99, False)],
)
def test_what_was_taught_must_be_like_the_painted_masks_in_area(shown, found, alike):
    def cover(share):
        return (np.arange(10_000) < share * 10_000).reshape(100, 100)

    masks = np.stack([cover(found), cover(shown), cover(found)]).astype(np.float32)
    assert alike_in_area(masks, Painted(np.array([1]), cover(shown)[None])) is alike
    assert alike_in_area(masks[1:2], Painted(np.array([0]), cover(shown)[None]))  # nothing else to compare
