import pytest
import torch

from baad.bench.peers import EfficientAdS, WideResNet50, dense_convolution, pdn_s
from baad.learn.blocks import count_macs, count_parameters, fold_batch_norms

IMAGES = torch.zeros(1, 3, 256, 256)


def test_pdn_s_has_the_parameters_and_the_map_of_its_paper():
    network = pdn_s(384)
    assert count_parameters(network) == pytest.approx(2.7e6, rel=0.01)
    assert network(IMAGES).shape == (1, 384, 56, 56)


def test_efficientad_s_gives_two_maps_of_one_size():
    local, other = EfficientAdS()(IMAGES)
    assert local.shape == other.shape == (1, 1, 56, 56)


def test_a_larger_picture_gives_larger_maps():
    local, other = EfficientAdS()(torch.zeros(1, 3, 256, 320))
    assert local.shape == other.shape == (1, 1, 56, 72)


def test_the_wide_network_costs_what_is_published_up_to_layer_3():
    network = WideResNet50()
    second, third = network(IMAGES)
    assert (second.shape, third.shape) == ((1, 512, 32, 32), (1, 1024, 16, 16))
    assert count_parameters(network) == pytest.approx(24.8e6, rel=0.01)


def test_folding_leaves_no_batch_norm_and_the_same_answer():
    network = WideResNet50().eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = network(images)[1]
        after = fold_batch_norms(network)(images)[1]
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
    assert not [each for each in network.modules() if isinstance(each, torch.nn.BatchNorm2d)]


def test_the_dense_convolution_costs_nine_products_a_pair_of_channels_and_cell():
    assert count_macs(dense_convolution(), torch.zeros(1, 128, 64, 64)) == 9 * 128 * 128 * 64 * 64
