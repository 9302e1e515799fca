import cv2
import numpy as np
import pytest

from baad.synthesis.defects import KINDS, add_defect, defocus, find_edge, stands_out
from baad.synthesis.recipe import mark_difference
from baad.synthesis.site import Sources


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    """Three pictures of a lively disc on calm ground, and the disc."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(60, 200, (3, 12, 12, 3), dtype=np.uint8)
    pictures = np.stack([cv2.resize(each, (96, 96), interpolation=cv2.INTER_CUBIC) for each in coarse])
    along = np.linspace(-1, 1, 96)
    part = np.hypot(along[:, None], along[None]) < 0.7
    pictures[:, ~part] = 240
    return pictures, part


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_gives_visible_defects(banks, scene, name):
    pictures, part = scene
    sources = Sources(pictures[1:], np.stack([part, part]), banks)
    seen = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        changed = add_defect(pictures[0], (48, 40), part.astype(np.float32), 96.0, KINDS[name], sources, rng, part)
        difference = mark_difference(pictures[0], changed)
        assert not difference[~part].any()
        seen += np.count_nonzero(difference) >= 6
    assert seen >= 8


def test_a_piece_of_noise_on_noise_does_not_stand_out():
    rng = np.random.default_rng(0)
    assert not stands_out(rng.normal(0, 12, (40, 40, 3)).astype(np.float32))
    assert stands_out(rng.normal(25, 12, (40, 40, 3)).astype(np.float32))
    assert not stands_out(np.zeros((5, 5, 3), np.float32))


def test_defocus_keeps_the_strength():
    shape = np.zeros((9, 9), np.float32)
    shape[4, 4] = 1.0
    blurred = defocus(shape, 1.0)
    assert blurred.shape == (13, 13) and np.isclose(blurred.max(), 1.0) and np.count_nonzero(blurred > 0.3) > 4


def test_the_edge_is_where_the_part_ends(scene):
    _, part = scene
    for seed in range(20):
        row, column = find_edge(part, (48, 48), np.random.default_rng(seed))
        ring = cv2.dilate(part.astype(np.uint8), np.ones((7, 7), np.uint8)) - part
        assert ring[row, column]


def test_a_part_that_fills_the_picture_has_no_edge():
    assert find_edge(np.ones((8, 8), bool), (3, 4), np.random.default_rng(0)) == (3, 4)
