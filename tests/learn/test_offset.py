import numpy as np
import pytest
import torch
import torch.nn.functional as F

from baad.learn.deploy import Alignment
from baad.learn.memory import Memory, pool_patches
from baad.learn.offset import _draw_noise, measure_offset
from baad.learn.pdn import load_pdn, shipped_pdns


def test_cells_that_tell_of_their_own_place_are_not_offset():
    assert measure_offset(lambda images: F.avg_pool2d(images, 4)) == (0.0, 0.0)


def test_an_offset_is_found_as_it_is_down_and_to_the_right():
    def told_late(images):
        return F.avg_pool2d(torch.roll(images, (3, 6), (2, 3)), 4)

    down, right = measure_offset(told_late)
    assert abs(down - 3) <= 0.25 and abs(right - 6) <= 0.25


def test_a_stride_without_a_window_around_its_cell_looks_to_the_upper_left():
    down, right = measure_offset(lambda images: F.avg_pool2d(images, 3, 1, 1)[..., ::4, ::4])  # px 0 stands for 0 to 3
    assert abs(down - 1.5) <= 0.25 and abs(right - 1.5) <= 0.25


def test_features_that_do_not_change_have_no_offset():
    assert measure_offset(lambda images: torch.zeros(1, 2, 32, 32)) == (0.0, 0.0)


@pytest.mark.parametrize("name", shipped_pdns())
def test_novelty_lies_where_what_is_new_lies(name):
    """A spot in drawn pictures that measure_offset has not seen: within a px and a half of its place."""
    pdn, rng = load_pdn(name), np.random.default_rng(5)
    plain, kept = Alignment((128, 128)), Alignment((128, 128), measure_offset(pdn))
    found = {"plain": [], "kept": []}
    rows, columns = torch.meshgrid(torch.arange(128) + 0.5, torch.arange(128) + 0.5, indexing="ij")
    for _ in range(12):
        centre = rng.uniform(50, 78, 2)
        picture = torch.from_numpy(_draw_noise(rng)).permute(2, 0, 1)[None].float()
        spot = torch.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / 32.0)
        memory = Memory(pdn.head.out_channels, codes=256)
        with torch.no_grad():
            memory.remember(pool_patches(pdn(picture))[0].flatten(1).T)
            novelty = memory(pdn(picture * (1.0 - 0.4 * spot).float()))
            for key, align in (("plain", plain), ("kept", kept)):
                mass = (align.novelty(novelty)[0, 0] - align.novelty(memory(pdn(picture)))[0, 0]).clamp(min=0).square()
                at = torch.arange(64) * 2.0 + 1.0
                told = [(mass.sum(1) * at).sum() / mass.sum(), (mass.sum(0) * at).sum() / mass.sum()]
                found[key].append(np.array(told) - centre)
    plainly, now = (np.mean(found[key], axis=0) for key in ("plain", "kept"))
    assert (plainly > 1.5).all() and (np.abs(now) < 1.5).all()
