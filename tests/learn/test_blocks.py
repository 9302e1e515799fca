import torch
from torch import nn

from baad.learn.blocks import ConvBlock, ResidualBlock, count_macs, count_parameters, fold_batch_norms


def test_macs_of_one_convolution_are_outputs_times_kernel():
    layer = nn.Conv2d(2, 3, 3, padding=1)
    assert count_macs(layer, torch.zeros(1, 2, 4, 4)) == (3 * 4 * 4) * (2 * 3 * 3)
    assert count_parameters(layer) == 3 * 2 * 9 + 3


def test_counting_leaves_training_mode_as_it_was():
    block = ConvBlock(2, 2).train()
    count_macs(block, torch.zeros(1, 2, 4, 4))
    assert block.training


def test_folding_batch_norms_changes_no_output():
    torch.manual_seed(0)
    net = nn.Sequential(ConvBlock(3, 8, 5, 2), ResidualBlock(8))
    for _ in range(5):
        net(torch.rand(4, 3, 16, 16))  # statistics away from 0 and 1
    net.eval()
    image = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        before = net(image)
        after = fold_batch_norms(net)(image)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in net.modules())
    assert torch.allclose(before, after, atol=1e-5)
