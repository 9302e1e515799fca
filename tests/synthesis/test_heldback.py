from pathlib import Path

import numpy as np
import pytest

from baad.synthesis import heldback
from baad.synthesis.heldback import KINDS, SEEN, draw_defect
from tests.factory import draw_picture
from tests.imports import imported_modules

DRAWN = draw_picture((96, 112), np.random.default_rng(0))
OTHER = draw_picture((96, 112), np.random.default_rng(1)).image


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_can_be_seen_and_its_mask_is_exact(kind):
    found = [draw_defect(DRAWN.image, DRAWN.part, OTHER, kind, seed) for seed in range(6)]
    assert sum(defect.any() for _, defect in found) >= 5
    for picture, defect in found:
        assert picture.dtype == np.uint8 and picture.shape == DRAWN.image.shape
        differs = np.abs(picture.astype(int) - DRAWN.image).max(axis=2) >= SEEN
        assert np.array_equal(defect, differs)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_changes_further_than_two_pixels_off_the_part(kind):
    picture, _ = draw_defect(DRAWN.image, DRAWN.part, OTHER, kind, 3)
    rows, columns = np.nonzero((picture != DRAWN.image).any(axis=2))
    assert len(rows)
    for row, column in zip(rows, columns):
        assert DRAWN.part[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3].any()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_grey_picture_stays_grey_and_a_seed_repeats(kind):
    grey = np.repeat(DRAWN.image[..., :1], 3, axis=2)
    before = grey.copy()
    first, again = (draw_defect(grey, DRAWN.part, OTHER, kind, 5)[0] for _ in range(2))
    assert (first == first[..., :1]).all() and np.array_equal(first, again) and np.array_equal(grey, before)


def test_it_shares_no_code_with_training():
    assert not [name for name in imported_modules(Path(heldback.__file__)) if name.startswith("baad")]
