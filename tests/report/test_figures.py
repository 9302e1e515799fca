import base64
import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from baad.report.figures import (
    dim_background,
    draw_histogram,
    inline_image,
    outline_path,
    panel_shape,
    scale_map,
    scale_mask,
)


def test_a_panel_keeps_the_aspect_and_is_256_px_long():
    assert panel_shape((512, 1024)) == (128, 256)
    assert panel_shape((64, 32)) == (256, 128)
    assert panel_shape((1, 5000)) == (1, 256)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_the_highest_value_survives_a_change_of_size(height, width, new_height, new_width, seed):
    values = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    shrinks = new_height <= height and new_width <= width
    scaled = scale_map(values, (new_height, new_width))
    assert scaled.shape == (new_height, new_width)
    assert scaled.max() == pytest.approx(values.max()) if shrinks else scaled.max() <= values.max()


def test_a_single_marked_pixel_survives_in_a_thumbnail():
    mask = np.zeros((1000, 1000), bool)
    mask[617, 333] = True
    assert scale_mask(mask, (100, 100)).nonzero() == (61, 33)


def test_the_part_keeps_its_brightness_and_the_background_loses_it():
    image = np.full((1, 2, 3), 200, np.uint8)
    dimmed = dim_background(image, np.array([[1.0, 0.0]]), dimmed=0.5)
    assert dimmed[0, :, 0].tolist() == [200, 100]


def test_the_outline_runs_along_the_edges_of_the_marked_pixels():
    assert outline_path(np.array([[True]])) == "M0 0H1M0 1H1M0 0V1M1 0V1"
    assert outline_path(np.zeros((3, 3), bool)) == ""


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_outline_is_as_long_as_the_border_between_marked_and_unmarked(seed):
    mask = np.random.default_rng(seed).random((6, 8)) < 0.5
    padded = np.pad(mask, 1).astype(int)
    border = np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
    runs = re.findall(r"M(\d+) (\d+)([HV])(\d+)", outline_path(mask))
    lengths = [int(end) - int(x if axis == "H" else y) for x, y, axis, end in runs]
    assert sum(lengths) == border
    assert min(lengths, default=1) > 0


def test_an_inline_image_opens_again():
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, :, 1] = 200
    head, content = inline_image(image).split(",")
    assert head == "data:image/webp;base64"
    opened = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")).astype(int)
    assert np.abs(opened - image).max() < 12


def test_a_histogram_says_in_words_what_it_shows_and_escapes_names():
    svg = draw_histogram([("normal", "good", [0.0, 0.1]), ('<b>"odd"</b>', "defect", [2.0])], threshold=1.0)
    assert (
        'aria-label="Histogram of image scores: 2 normal, 1 &lt;b&gt;&quot;odd&quot;&lt;/b&gt;; threshold at 1"' in svg
    )
    assert "<b>" not in svg
    assert svg.count("<rect") == 3


def test_bars_are_shares_of_their_own_group():
    svg = draw_histogram([("normal", "good", [0.0]), ("defective", "defect", [5.0] * 50)], threshold=2.0)
    heights = re.findall(r'height="([\d.]+)"', svg)
    assert len(heights) == 2
    assert heights[0] == heights[1]


@pytest.mark.parametrize("scores", [[], [3.0], [3.0, 3.0], [-1e6, 1e6], [1e-9, 2e-9]])
def test_any_scores_give_a_histogram_with_finite_places(scores):
    svg = draw_histogram([("pictures", "", scores)], threshold=3.0)
    places = [float(number) for number in re.findall(r' (?:x|y|x1|x2|width|height)="([^"]+)"', svg)]
    assert all(-1 <= place <= 801 for place in places)
    assert svg.count("<text") >= 2
