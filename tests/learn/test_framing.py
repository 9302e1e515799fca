import numpy as np

from baad.learn.framing import SHAPES, describe_framing, pick_shapes


def test_the_manifest_says_how_large_the_parts_were_and_where_they_lay():
    parts = np.zeros((2, 10, 20), bool)
    parts[0, 0:2, 0:10] = True  # a tenth of the picture; centre at 5 of 20 across, 1 of 10 down
    parts[1, 8:10, 10:20] = True
    said = describe_framing(parts)
    assert said == {"part_share": [0.1, 0.1], "part_centre": [[0.25, 0.75], [0.1, 0.9]]}


def test_without_a_part_in_any_picture_nothing_is_said():
    assert describe_framing(np.zeros((2, 4, 4), bool)) == {}


def test_of_many_sizes_the_extreme_ones_are_named():
    shapes = [(100 + index, 200) for index in range(60)] + [(130, 900), (500, 800)]
    named = pick_shapes(shapes)
    assert len(named) <= SHAPES and named == sorted(set(named))
    assert {(100, 200), (130, 900), (159, 200), (500, 800)} <= set(named)  # smallest, widest, narrowest, largest


def test_few_sizes_are_all_named_once():
    assert pick_shapes([(8, 9), (4, 5), (8, 9)]) == [(4, 5), (8, 9)]
