from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baad.data.masks import read_mask
from baad.data.outlines import check_shape, check_size, paint_outlines, to_points, to_runs
from baad.data.sample import Outlines, Shape
from baad.errors import DataError, MaskError
from tests.factory import outline

FILE = Path("a.json")


def paint(*shapes, size=(5, 6)):
    rows = paint_outlines(Outlines(FILE, size, shapes)).astype(int)
    return ["".join(".#"[value] for value in row) for row in rows]


def square(low, high):
    return ((low, low), (high, low), (high, high), (low, high))


def test_a_ring_marks_the_pixels_whose_centre_it_holds():
    assert paint(Shape(rings=(((1, 1), (4, 1), (4, 3), (1, 3)),))) == ["......", ".###..", ".###..", "......", "......"]
    assert paint(Shape(rings=(((1.6, 0.6), (4.4, 0.6), (4.4, 1.4), (1.6, 2.4)),)))[1] == "..##.."


def test_a_ring_within_a_ring_is_a_hole_and_one_within_that_an_island():
    shape = Shape(rings=(square(2, 3), square(0, 5), square(1, 4)))
    assert paint(shape, size=(5, 5)) == ["#####", "#...#", "#.#.#", "#...#", "#####"]


def test_rings_that_overlap_are_united_and_so_are_shapes():
    left, right = ((0, 0), (3, 0), (3, 1), (0, 1)), ((2, 0), (5, 0), (5, 1), (2, 1))
    assert paint(Shape(rings=(left, right)), size=(1, 6)) == ["#####."]
    assert paint(Shape(rings=(left,)), Shape(rings=(left,)), Shape(rings=(right,)), size=(1, 6)) == ["#####."]
    assert paint(Shape(rings=(left, left)), size=(1, 6)) == ["###..."]


def test_a_ring_in_two_that_overlap_but_in_neither_alone_is_no_hole():
    def bar(left, right):
        return ((left, 0), (right, 0), (right, 3), (left, 3))

    across = ((2, 1), (6, 1), (6, 2), (2, 2))
    assert paint(Shape(rings=(bar(0, 4), bar(3, 8), across)), size=(3, 8)) == ["########"] * 3


def test_a_hole_in_one_ring_leaves_another_ring_over_it_whole():
    left, right, hole = square(0, 5), ((3, 0), (8, 0), (8, 5), (3, 5)), square(1, 4)
    assert paint(Shape(rings=(left, hole, right)), size=(5, 8))[1] == "#..#####"


def test_a_ring_in_two_that_overlap_is_a_hole_in_both():
    def bar(left, right, top=0, bottom=3):
        return ((left, top), (right, top), (right, bottom), (left, bottom))

    assert paint(Shape(rings=(bar(0, 6), bar(2, 8), bar(3, 5, 1, 2))), size=(3, 8))[1] == "###..###"


def test_a_ring_drawn_twice_beside_a_larger_one_counts_once():
    rings = (square(0, 4), ((5, 0), (7, 0), (7, 2), (5, 2)), ((5, 0), (7, 0), (7, 2), (5, 2)))
    assert paint(Shape(rings=rings), size=(4, 7)) == ["####.##", "####.##", "####...", "####..."]


def test_thin_pieces_of_a_shape_are_kept_beside_a_fat_one():
    thin = ((4.1, 0.1), (4.2, 0.1), (4.2, 3.9), (4.1, 3.9))
    assert paint(Shape(rings=(square(0, 2), thin)), size=(4, 6)) == ["##..#.", "##..#.", "....#.", "....#."]


def test_a_ring_too_thin_for_any_centre_still_marks_its_outline():
    assert paint(Shape(rings=(((0, 1.1), (4, 1.1), (4, 1.2), (0, 1.2)),)))[1] == "#####."
    assert paint(Shape(rings=(((2.1, 2.1), (2.2, 2.2)),)))[2] == "..#..."


def test_lines_and_single_points_are_one_pixel_wide():
    assert paint(Shape(line=((0.5, 0.5), (3.5, 0.5))), Shape(line=((5.2, 4.9),))) == [
        *("####..", "......", "......", "......", ".....#"),
    ]


def test_what_lies_outside_the_picture_is_cut_off():
    assert paint(Shape(rings=(square(-4, 3),)), size=(4, 4)) == ["###.", "###.", "###.", "...."]
    assert paint(Shape(rings=(square(5, 8),)), size=(4, 4)) == ["...."] * 4


masks = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: st.lists(st.booleans(), min_size=size[0] * size[1], max_size=size[0] * size[1]).map(
        lambda values: np.array(values).reshape(size)
    )
)


@given(masks)
@settings(max_examples=100, deadline=None)
def test_any_mask_survives_as_runs_and_as_outlines(mask):
    runs = Outlines(FILE, mask.shape, (Shape(runs=to_runs(mask)),))
    rings = Outlines(FILE, mask.shape, tuple(Shape(rings=(ring,)) for ring in outline(mask)))
    assert (paint_outlines(runs) == mask).all()
    assert (paint_outlines(rings) == mask).all()


points = st.tuples(st.floats(-20, 40), st.floats(-20, 40))


@given(st.lists(st.lists(points, min_size=1, max_size=6).map(tuple), min_size=1, max_size=4).map(tuple))
@settings(max_examples=100, deadline=None)
def test_no_shape_is_too_odd_to_be_painted(rings):
    shape = check_shape(Shape(rings=rings), (20, 20), FILE, "shape 0")
    assert paint_outlines(Outlines(FILE, (20, 20), (shape,))).shape == (20, 20)


def test_outlines_are_masks_and_must_fit_their_picture():
    outlines = Outlines(FILE, (5, 5), (Shape(rings=(square(1, 3),)),))
    assert read_mask(outlines, (5, 5)).sum() == 4
    with pytest.raises(MaskError, match=r"a\.json: it is 5 x 5 px, but its picture is 6 x 5 px"):
        read_mask(outlines, (5, 6))


def test_points_far_away_and_runs_of_another_size_are_refused():
    for point in ((0, 11), (-7, 0), (float("nan"), 0), (0, float("inf"))):
        with pytest.raises(DataError, match=r"a\.json: shape 3 has a point at"):
            check_shape(Shape(rings=((point, (1, 1), (2, 2)),)), (5, 6), FILE, "shape 3")
    for runs in ((29,), (31,), (40, -10)):
        with pytest.raises(DataError, match="do not add up to its picture of 6 x 5 px"):
            check_shape(Shape(runs=runs), (5, 6), FILE, "annotation 1")


def test_points_come_in_pairs_or_in_a_row():
    assert to_points([[1, 2], [3, 4.5]], FILE, "x") == to_points([1, 2, 3, 4.5], FILE, "x") == ((1, 2), (3, 4.5))
    for wrong in ([1, 2, 3], ["1", "2"], None, [[1, 2, 3]], [[1, None]], [True, False]):
        with pytest.raises(DataError, match="not pairs of numbers"):
            to_points(wrong, FILE, "x")


def test_a_size_must_be_told_and_be_possible():
    assert check_size(4, 5, FILE, "b.png") == (4, 5)
    for height in (None, 0, -1, "4", 4.0, 10**12):
        with pytest.raises(DataError, match=r"b\.png"):
            check_size(height, 5, FILE, "b.png")
