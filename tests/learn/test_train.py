from types import SimpleNamespace

import numpy as np
import pytest

from baad.foreground.gate import Gate
from baad.learn.train import SHAPES, describe_framing, new_model, pick_shapes
from baad.settings import TrainSettings


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
