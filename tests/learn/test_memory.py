import numpy as np
import torch

from baad.learn.memory import Memory, choose_codes, choose_coreset, pool_patches
from baad.learn.pdn import new_pdn


def test_codes_are_chosen_far_from_each_other():
    assert choose_coreset(torch.tensor([[0.0], [0.1], [10.0], [4.0]]), 3).tolist() == [0, 2, 3]


def test_an_empty_memory_finds_nothing_new():
    assert torch.equal(Memory(4, 8)(torch.rand(2, 4, 8, 8)), torch.zeros(2, 1, 4, 4))


def test_novelty_is_the_weighed_distance_to_the_nearest_code():
    memory, features, codes = Memory(3, 2), torch.rand(1, 3, 4, 4), torch.rand(2, 3)
    memory.remember(codes)
    nearest = torch.cdist(pool_patches(features)[0].flatten(1).T, codes).amin(1)  # [4]
    assert torch.allclose(memory(features).flatten(), nearest, atol=1e-4)
    memory.level.set(centre=0.5, gain=2.0)
    assert torch.allclose(memory(features).flatten(), 2.0 * (nearest - 0.5), atol=1e-4)


def test_the_memory_keeps_patches_of_the_part_alone():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 60, (4, 64, 64, 3), dtype=np.uint8)
    part = np.zeros((4, 64, 64), bool)
    part[:, 16:48, 16:48] = True
    pictures[part] += 150  # the part is bright
    pdn, memory = new_pdn("tiny", 0), Memory(128, 32)
    codes = choose_codes(pdn, pictures, part, 32, seed=0)
    assert torch.equal(codes, choose_codes(pdn, pictures, part, 32, seed=0))
    memory.remember(codes)
    image = torch.from_numpy(pictures[:1]).permute(0, 3, 1, 2).float() / 255.0
    novelty = memory(pdn(image))[0, 0]
    assert novelty[3:5, 3:5].mean() < novelty[0, :].mean()  # its middle is known, the dark border is not


def test_pictures_that_show_no_part_are_not_remembered_unless_none_does():
    def codes_of(pictures: np.ndarray, part: np.ndarray) -> np.ndarray:
        return np.unique(choose_codes(pdn, pictures, part, 256, seed=0).numpy().round(4), axis=0)

    pdn, rng = new_pdn("tiny", 0), np.random.default_rng(0)
    pictures, part = rng.integers(0, 256, (3, 64, 64, 3), dtype=np.uint8), np.zeros((3, 64, 64), bool)
    part[:2] = True
    known = codes_of(pictures, part)
    assert len(known) == 2 * 64  # patches of the first two pictures
    assert len(codes_of(pictures, np.zeros_like(part))) == 3 * 64
