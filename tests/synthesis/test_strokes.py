import cv2
import numpy as np
import pytest

from baad.synthesis import strokes


def measure(weight):
    """Length of the box around what is marked, and the diameter of the largest disc within, px."""
    marked = np.pad((weight > 0.3).astype(np.uint8), 1)
    _, _, width, height = cv2.boundingRect(marked)
    return np.hypot(width, height), 2 * cv2.distanceTransform(marked, cv2.DIST_L2, 5).max()


@pytest.mark.parametrize(("draw", "thickest"), [(strokes.draw_scratch, 12), (strokes.draw_fibre, 8)])
def test_scratches_and_fibres_are_long_and_thin(banks, draw, thickest):
    found = np.array([measure(draw(60.0, 0.0, np.random.default_rng(seed), banks)) for seed in range(40)])
    lengths, widths = found.T
    assert widths.max() <= thickest and 40 < np.median(lengths) < 90
    assert np.median(lengths) > 8 * np.median(widths)


def test_a_crack_forks_where_it_forks_on_itself_and_some_do_not(banks, monkeypatch):
    drawn, draw_lines = [], strokes._draw_lines
    monkeypatch.setattr(strokes, "_draw_lines", lambda lines: drawn.append(lines) or draw_lines(lines))
    for seed in range(30):
        strokes.draw_crack(60.0, 0.0, np.random.default_rng(seed), banks)
    assert {len(lines) - 1 for lines in drawn} == {0, 1, 2, 4}
    for lines in drawn:
        for index, (points, widths) in enumerate(lines[1:], start=1):
            places = np.concatenate([earlier for earlier, _ in lines[:index]])
            assert (places == points[0]).all(axis=1).any()
            assert widths.max() < max(earlier.max() for _, earlier in lines[:index])


def test_the_forks_of_a_crack_are_seen(banks, monkeypatch):
    drawn, draw_lines = [], strokes._draw_lines
    monkeypatch.setattr(strokes, "_draw_lines", lambda lines: drawn.append(lines) or draw_lines(lines))
    weights = [strokes.draw_crack(60.0, 0.0, np.random.default_rng(seed), banks) for seed in range(30)]
    forked = [(weight, lines) for weight, lines in zip(weights, drawn) if len(lines) > 2]
    assert forked and all(weight.sum() > draw_lines(lines[:1]).sum() + 5 for weight, lines in forked)
