from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from baad.data.folder import read_folder
from baad.foreground.gate import Gate
from baad.learn.train import SHAPES, batch_plan, describe_framing, new_model, pick_shapes, train
from baad.settings import TrainSettings
from tests.factory import write_folder
from tests.fake_model import brightness_graph, fake_certificate


def ready(foregrounds, accepted=True):
    gate = Gate(accepted, "border", 0.9, "", None)
    return SimpleNamespace(gate=gate, foregrounds=foregrounds)


def test_the_manifest_says_how_large_the_parts_were_and_where_they_lay():
    parts = np.zeros((2, 10, 20), bool)
    parts[0, 0:2, 0:10] = True  # a tenth of the picture; centre at 5 of 20 across, 1 of 10 down
    parts[1, 8:10, 10:20] = True
    said = describe_framing(ready(parts))
    assert said == {"part_share": [0.1, 0.1], "part_centre": [[0.25, 0.75], [0.1, 0.9]]}


def test_without_a_foreground_it_says_nothing_of_parts():
    assert describe_framing(ready(np.ones((2, 4, 4), bool), accepted=False)) == {}
    assert describe_framing(ready(np.zeros((2, 4, 4), bool))) == {}


def test_of_many_sizes_the_extreme_ones_are_named():
    shapes = [(100 + index, 200) for index in range(60)] + [(130, 900), (500, 800)]
    named = pick_shapes(shapes)
    assert len(named) <= SHAPES and named == sorted(set(named))
    assert {(100, 200), (130, 900), (159, 200), (500, 800)} <= set(named)  # smallest, widest, narrowest, largest


def test_few_sizes_are_all_named_once():
    assert pick_shapes([(8, 9), (4, 5), (8, 9)]) == [(4, 5), (8, 9)]


@pytest.mark.parametrize(
    ("size", "view", "has_foreground", "scales"),
    [
        ("fast", "auto", True, 1),
        ("fast", "auto", False, 2),
        ("fast", "near", False, 1),
        ("fast", "wide", True, 2),
        ("small", "near", True, 1),  # it has no other
        ("tiny", "auto", True, 2),  # its first scale means nothing without the other
    ],
)
def test_the_view_is_near_where_a_background_was_found_if_the_network_was_taught_so(size, view, has_foreground, scales):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    settings = TrainSettings(size=size, view=view, pdn="random", device="cpu")
    assert len(new_model(settings, pictures, has_foreground).pdn.heads()) == scales


def test_a_refused_background_leaves_the_very_model_that_no_search_would(tmp_path, monkeypatch):
    refused = Gate(False, "border", 0.2, "no background", None, tried=(("border", 0.2),), suggested=(1, 0))
    picture = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    weights, maps = [], []

    def export(graph):
        weights.append({name: value.clone() for name, value in graph.state_dict().items()})
        with torch.no_grad():
            maps.append(graph(picture))
        return brightness_graph()

    monkeypatch.setattr("baad.learn.foreground_masks.find_foreground", lambda *anything: refused)
    monkeypatch.setattr("baad.learn.train.export_onnx", export)
    monkeypatch.setattr("baad.learn.train.certify", lambda *anything: fake_certificate())
    images = read_folder(write_folder(tmp_path / "parts", normals=4)).train
    settings = TrainSettings(
        **{"size": "tiny", "pdn": "random", "image_size": 64, "steps": 3, "batch_size": 4, "held_out": 0.25},
        **{"background_share": 0.9, "invariance": 1.0, "threads": 1, "device": "cpu"},
    )
    auto, off = (train(images, replace(settings, foreground=each), tmp_path / each).gate for each in ("auto", "off"))
    assert (auto.reason, off.reason) == ("no background", "switched off")
    assert batch_plan(settings, auto) == batch_plan(settings, off)  # few steps draw only some of what it says
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    assert all(torch.equal(*pair) for pair in zip(*maps))  # anomaly map, foreground, score, reconstruction
