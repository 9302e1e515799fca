import re

import pytest

from baad.metrics.counts import count_at, count_lines
from baad.metrics.scorecard import ScoredImage


def images(normal, defective):
    kinds = [("good", score) for score in normal] + [("hole", score) for score in defective]
    return [ScoredImage(f"{index}.png", kind, score) for index, (kind, score) in enumerate(kinds)]


def test_a_picture_is_rejected_above_the_threshold_and_not_on_it():
    counts = count_at(1.0, images([0.0, 1.0, 1.5], [1.0, 2.0]))
    assert (counts.false_alarms, counts.n_normal, counts.missed, counts.n_defective) == (1, 3, 1, 2)
    assert str(counts) == "1 of 2 defective pictures missed, 1 of 3 good pictures rejected"


def test_other_thresholds_are_read_off():
    first, other, hint = count_lines(1.0, images([0.0, 0.9, 1.5], [0.9, 1.2, 2.0]))
    assert first == "at the threshold of the model, 1: 1 of 3 defective pictures missed, 1 of 3 good pictures rejected"
    assert other.startswith("--threshold 0.5 misses none: 2 of 3 good pictures rejected; ")
    assert other.endswith("--threshold 1.8 rejects none of the good: 2 of 3 missed")
    assert "no promise" in hint


def test_with_one_class_alone_there_is_only_the_threshold():
    assert len(count_lines(1.0, images([0.5], []))) == 1


@pytest.mark.parametrize("apart", [1.0, 1e-3, 1e-9, 0.0])
def test_thresholds_as_they_are_printed_do_what_is_said_of_them(apart):
    scored = images([2.3144912345, 2.3144912345 - apart, -1.5], [2.3144912345 + apart, 2.3144912345, 7.0])
    _, line, _ = count_lines(1.0, scored)
    finds_all, passes_all = (float(word) for word in re.findall(r"--threshold (\S+)", line))
    assert count_at(finds_all, scored).missed == 0
    assert count_at(passes_all, scored).false_alarms == 0
    assert f"misses none: {count_at(finds_all, scored).false_alarms} of 3 good" in line
    assert line.endswith(f"{count_at(passes_all, scored).missed} of 3 missed")
