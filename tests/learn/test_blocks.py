import pytest
import torch
from torch import nn

from baad.learn.blocks import (
    ConvBlock,
    DepthwiseBlock,
    InvertedBlock,
    Negated,
    RepBlock,
    ResidualBlock,
    count_macs,
    count_parameters,
    fold_batch_norms,
)


def test_macs_of_one_convolution_are_outputs_times_kernel():
    layer = nn.Conv2d(2, 3, 3, padding=1)
    assert count_macs(layer, torch.zeros(1, 2, 4, 4)) == (3 * 4 * 4) * (2 * 3 * 3)
    assert count_parameters(layer) == 3 * 2 * 9 + 3


def test_counting_leaves_training_mode_as_it_was():
    block = ConvBlock(2, 2).train()
    count_macs(block, torch.zeros(1, 2, 4, 4))
    assert block.training


@pytest.mark.parametrize(
    "block",
    [
        ConvBlock(3, 8, 5, 2),
        ResidualBlock(3),
        RepBlock(3, 8, 5, 2),
        RepBlock(3, 3),
        RepBlock(3, 3, 1),
        RepBlock(3, 3, 5, groups=3),
        Negated(3, 8),
        DepthwiseBlock(3, 8, 5, 2),
        InvertedBlock(3, 3),
        InvertedBlock(3, 8, 5, 2, expand=1),
    ],
    ids=lambda block: f"{type(block).__name__}-{count_parameters(block)}",
)
def test_folding_changes_no_output_and_leaves_neither_norm_nor_branch(block):
    torch.manual_seed(0)
    net = nn.Sequential(block)
    for _ in range(5):
        net(torch.rand(4, 3, 16, 16))  # statistics away from 0 and 1
    net.eval()
    image = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        before = net(image)
        after = fold_batch_norms(net)(image)
    assert not any(isinstance(layer, nn.BatchNorm2d | RepBlock | Negated) for layer in net.modules())
    assert torch.allclose(before, after, atol=1e-5)


def test_branches_that_pass_the_input_on_add_up():
    block = RepBlock(1, 1).eval()  # norms do nothing yet, but for 1e-5 in the variance
    with torch.no_grad():
        block.dense[0].weight.zero_()
        block.point[0].weight.fill_(2.0)
        merged = block.merged()
        assert merged(torch.ones(1, 1, 3, 3)).flatten().tolist() == pytest.approx([3.0] * 9, abs=1e-4)
    assert merged[0].weight[0, 0].flatten().tolist() == pytest.approx([0, 0, 0, 0, 3, 0, 0, 0, 0], abs=1e-4)


def test_a_block_of_stride_2_learns_from_pictures_with_channels_last():
    block = RepBlock(3, 32, 5, 2).to(memory_format=torch.channels_last)
    pictures = torch.rand(14, 3, 96, 96).contiguous(memory_format=torch.channels_last)
    plain = RepBlock(3, 32, 5, 2)
    plain.load_state_dict(block.state_dict())
    for each, images in ((block, pictures), (plain, pictures.contiguous())):
        each(images).square().mean().backward()
    assert torch.allclose(block.point[0].weight.grad, plain.point[0].weight.grad, atol=1e-4)
