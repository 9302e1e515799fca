import onnx
import pytest
import torch
from torch import nn

from baad.bench.graphs import write_graph
from baad.bench.peers import pdn_s
from baad.learn.blocks import count_macs
from baad.learn.network import new_network
from baad.learn.pdn import NEAR, PDN_SHAPES, Pdn, new_pdn
from baad.learn.pdn_designs import Layer, new_trunk
from baad.settings import TrainSettings

CANDIDATES = [name for name in PDN_SHAPES if name not in ("tiny", "small") and not name.endswith(NEAR)]


@pytest.mark.parametrize("name", PDN_SHAPES)
def test_every_design_gives_a_vector_for_four_by_four_pixels(name):
    features = new_pdn(name, 0)(torch.rand(1, 3, 64, 96))
    assert features.shape == (1, PDN_SHAPES[name].features, 16, 24)
    assert torch.isfinite(features).all()


@pytest.mark.parametrize("name", CANDIDATES)
def test_candidates_for_the_default_cost_what_its_budget_allows(name):
    assert 0.3e9 <= count_macs(new_pdn(name, 0), torch.zeros(1, 3, 256, 256)) <= 0.85e9


def test_small_is_pdn_s_with_fewer_channels_out():
    layers = [layer for layer in new_pdn("small", 0).modules() if isinstance(layer, nn.Conv2d)]
    published = [layer for layer in pdn_s(PDN_SHAPES["small"].features).modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.weight.shape for layer in layers] == [layer.weight.shape for layer in published]


@pytest.mark.parametrize("name", PDN_SHAPES)
def test_what_is_exported_are_plain_layers_without_padding_of_their_own(name, tmp_path):
    graph = onnx.load(write_graph(new_pdn(name, 0), (torch.rand(1, 3, 64, 64),), tmp_path).file).graph
    plain = {"Sub", "Div", "Mul", "Conv", "Relu", "Clip", "Add", "Resize", "AveragePool"}
    assert {node.op_type for node in graph.node} <= plain


@pytest.mark.parametrize("name", ["plain", "fast"])
def test_a_network_is_built_around_any_design(name, monkeypatch):
    monkeypatch.setitem(PDN_SHAPES, "tiny", PDN_SHAPES[name])
    settings = TrainSettings(size="tiny")
    model = new_network(new_pdn("tiny", 0), settings).eval()
    again = new_network(Pdn(PDN_SHAPES["tiny"]), settings).eval()  # as a model file is read
    again.load_state_dict(model.state_dict())
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(model(image).anomaly_logits, again(image).anomaly_logits)


def test_the_first_of_repeated_layers_has_the_stride():
    trunk = new_trunk([Layer("conv", 4, 2, repeat=3)], 3)
    assert [layer.stride[0] for layer in trunk.modules() if isinstance(layer, nn.Conv2d)] == [2, 1, 1]
