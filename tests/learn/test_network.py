from dataclasses import fields

import pytest
import torch

from baad.learn.blocks import count_macs
from baad.learn.mtrs import unfold
from baad.learn.network import SIZES, Baad, describe_cost
from baad.learn.pdn import PDN_SHAPES, name_pdn, new_pdn, shipped_pdns
from baad.settings import TrainSettings

COST = {  # by size and whether the view is near
    ("tiny", False): (578_949, 640_370_688),
    ("tiny", True): (563_365, 679_233_536),
    ("fast", False): (1_670_225, 1_154_338_816),
    ("fast", True): (1_081_073, 1_359_839_232),
    ("small", False): (2_600_193, 15_296_583_680),
}


def build(size: str, near: bool = False, **heads: bool) -> Baad:
    torch.manual_seed(0)
    return Baad(new_pdn(name_pdn(size, near), 0), SIZES[size], **heads).eval()


def test_every_size_that_the_settings_offer_is_there():
    (size,) = (each for each in fields(TrainSettings) if each.name == "size")
    assert set(size.metadata["choices"]) == set(SIZES)
    assert {name_pdn(size, near) for size in SIZES for near in (False, True)} == set(shipped_pdns())


@pytest.mark.parametrize(("size", "near"), COST)
def test_parameters_and_macs_are_those_of_the_design(size, near):
    cost = describe_cost(build(size, near), (256, 256))
    assert (cost["parameters"], cost["macs"]) == COST[size, near]


@pytest.mark.parametrize("near", [False, True])
def test_the_default_size_stays_within_its_budget(near):
    model = build("fast", near)
    assert count_macs(model.pdn, torch.zeros(1, 3, 256, 256)) <= 850_000_000
    assert describe_cost(model, (256, 256))["macs"] <= 1_550_000_000


@pytest.mark.parametrize("size", sorted(SIZES))
def test_outputs_have_the_stated_shapes(size):
    with torch.no_grad():
        found = build(size)(torch.rand(2, 3, 128, 128))
    assert torch.allclose(found.difference, found.features - found.rebuilt_features, atol=1e-6)
    channels = PDN_SHAPES[size].features
    assert found.features.shape == found.rebuilt_features.shape == (2, channels, 32, 32)
    assert unfold(found.picture).shape == (2, 3, 128, 128)
    assert found.foreground_logits.shape == (2, 1, 32, 32)
    assert found.anomaly_logits.shape == (2, 1, 64, 64)


def test_training_mode_leaves_the_pdn_frozen():
    model = build("tiny").train()
    before = {name: value.clone() for name, value in model.pdn.state_dict().items()}
    model(torch.rand(2, 3, 64, 64)).anomaly_logits.sum().backward()
    assert not model.pdn.training
    assert all(torch.equal(before[name], value) for name, value in model.pdn.state_dict().items())
    assert all(parameter.grad is None for parameter in model.pdn.parameters())


@pytest.mark.parametrize("head", ["image_head", "mask_head", "feature_head"])
def test_each_head_can_be_switched_off_and_the_discriminator_notices(head):
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        on, off = build("tiny")(image), build("tiny", **{head: False})(image)
    assert torch.equal(on.features, off.features)
    assert not torch.equal(on.anomaly_logits, off.anomaly_logits)


def test_without_the_image_head_the_reconstruction_changes_nothing():
    model = build("tiny", image_head=False)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = model(image).anomaly_logits
        model.mtrs.image_head.at_128.bias += 3.0
        assert torch.equal(model(image).anomaly_logits, before)


def test_two_networks_share_neither_neck_nor_trunk_and_cost_more():
    shared, separate = build("fast"), build("fast", separate=True)
    assert describe_cost(separate, (256, 256))["parameters"] > describe_cost(shared, (256, 256))["parameters"]
    assert describe_cost(separate, (256, 256))["macs"] > describe_cost(shared, (256, 256))["macs"]
    separate.mtrs.train()
    _, foreground, _ = separate.mtrs(torch.rand(2, 128, 64, 64))
    foreground.sum().backward()
    assert all(parameter.grad is None for parameter in separate.mtrs.trunk.parameters())
    assert all(parameter.grad is not None for parameter in separate.mtrs.mask_trunk.parameters())
    assert separate.mtrs.neck.weight.grad is None and separate.mtrs.mask_neck.weight.grad is not None
