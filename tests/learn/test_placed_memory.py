import numpy as np
import pytest
import torch
from torch import nn

from baad.learn.placed_memory import (
    LENT,
    RIDGE,
    TELLING,
    Gaussians,
    PlacedMemory,
    from_blocks,
    learn_gaussians,
    to_blocks,
)
from baad.learn.places import LEAST
from baad.progress import Silence


class Shades(nn.Module):
    """As a PDN: images [B, 3, H, W] -> features [B, 3, H / 4, W / 4] that vary by about 1: ten times the colours."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 10.0 * nn.functional.avg_pool2d(images, 4)


def draw_pictures(count: int, seed: int, still: bool = True) -> np.ndarray:
    """Shades that differ from one 8x8 px to the next, uint8 [N, 64, 64, 3]; ten times less on the left half, or on
    either half, by chance."""
    rng = np.random.default_rng(seed)
    pictures = 128.0 + np.kron(rng.normal(0.0, 30.0, (count, 8, 8, 3)), np.ones((1, 8, 8, 1)))
    for picture in pictures:
        half = slice(0, 32) if still or rng.random() < 0.5 else slice(32, 64)
        picture[:, half] = 128.0 + (picture[:, half] - 128.0) / 10.0
    return pictures.clip(0, 255).astype(np.uint8)


def test_blocks_hold_neighbours_and_come_back_where_they_were():
    maps = torch.arange(2 * 3 * 4 * 8.0).reshape(2, 3, 4, 8)
    blocks = to_blocks(maps, 2)  # [2, 8, 4, 3]
    assert torch.equal(blocks[1, 5, :, 2], maps[1, 2, 2:4, 2:4].flatten())
    assert torch.equal(from_blocks(blocks[..., 1], (4, 8), 2)[:, 0], maps[:, 1])


@pytest.mark.parametrize(("few", "side"), [(64, 1), (63, 2)])  # 64 places: each by itself, or four together
def test_novelty_is_the_mahalanobis_distance_from_the_patches_of_the_same_place(monkeypatch, few, side):
    monkeypatch.setattr("baad.learn.placed_memory.FEW_PLACES", few)
    pictures = draw_pictures(20, seed=0)
    found = learn_gaussians(Shades(), pictures, draw_pictures(4, seed=1), Silence())
    features = Shades()(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255.0)
    patches = features.double().reshape(20, 3, 8, 2, 8, 2).mean((3, 5))  # [20, 3, 8, 8]
    offsets = to_blocks(patches - patches.mean(0), side)  # [20, blocks, side * side, 3]
    own = torch.einsum("nbpi,nbpj->bij", offsets, offsets) / side**2
    shared = own.mean(0) / 20.0
    covariance = (own + LENT * shared) / (19.0 + LENT) + RIDGE * shared.diagonal().mean() * torch.eye(3)
    expected = torch.einsum("nbpi,bij,nbpj->nbp", offsets, torch.linalg.inv(covariance), offsets).sqrt()
    memory = PlacedMemory()
    memory.remember(found)
    assert memory(features).flatten().numpy() == pytest.approx(
        from_blocks(expected, (8, 8), side).flatten().numpy(), rel=1e-3
    )


def test_places_tell_something_where_the_part_stands_still_alone():
    still = learn_gaussians(Shades(), draw_pictures(40, 0), draw_pictures(8, 1), Silence())
    moving = learn_gaussians(Shades(), draw_pictures(40, 0, still=False), draw_pictures(8, 1, still=False), Silence())
    assert still.telling > 2 * TELLING
    assert moving.telling < TELLING


def test_what_is_usual_elsewhere_is_new_at_a_place_that_never_has_it():
    memory = PlacedMemory()
    memory.remember(learn_gaussians(Shades(), draw_pictures(40, 0), draw_pictures(8, 1), Silence()))
    picture = draw_pictures(1, seed=2)
    picture[:, 16:48, 8:24] = picture[:, 16:48, 40:56]  # as strong as is usual on the right
    novelty = memory(Shades()(torch.from_numpy(picture).permute(0, 3, 1, 2).float() / 255.0))[0, 0]
    assert novelty[2:6, 1:3].mean() > 2 * max(novelty[:, 3].mean(), novelty[:, 5:].mean())


def test_a_few_pictures_tell_nothing_and_leave_the_memory_empty():
    assert learn_gaussians(Shades(), draw_pictures(LEAST - 1, 0), draw_pictures(2, 1), Silence()) is None
    assert not PlacedMemory().known


def test_two_hundred_pictures_are_all_learnt_from():
    found = learn_gaussians(Shades(), draw_pictures(200, 0), draw_pictures(2, 1), Silence())
    mean = Shades()(torch.from_numpy(draw_pictures(200, 0)).permute(0, 3, 1, 2).float() / 255.0).mean(0)
    expected = torch.einsum("kc,chw->khw", found.axes, nn.functional.avg_pool2d(mean, 2))
    assert found.mean.numpy() == pytest.approx(expected.numpy(), abs=1e-4)  # 150 of them have other means


def test_pictures_that_do_not_vary_are_remembered_all_the_same():
    memory, picture = PlacedMemory(), draw_pictures(1, 0)
    memory.remember(learn_gaussians(Shades(), picture.repeat(LEAST, axis=0), picture, Silence()))
    assert torch.isfinite(memory.factor).all()
    features = Shades()(torch.from_numpy(picture).permute(0, 3, 1, 2).float() / 255.0)
    assert memory(features).max() < 0.1 < memory(features + 1.0).min()


def test_large_grids_share_a_covariance_among_more_places():
    def blocks_of(side: int) -> int:
        pictures = np.random.default_rng(0).integers(0, 256, (LEAST, side, side, 3), dtype=np.uint8)
        return len(learn_gaussians(Shades(), pictures, pictures[:1], Silence()).factor)

    assert (blocks_of(256), blocks_of(512)) == (1024, 1024)


def test_it_says_what_it_costs():
    memory = PlacedMemory()
    memory.remember(Gaussians(torch.zeros(5, 8), torch.zeros(5, 4, 8), torch.zeros(8, 5, 5), 1.0))
    assert memory.cost() == (5 * 8 + 5 * 32 + 8 * 25, 32 * 5 * (8 + 5))
