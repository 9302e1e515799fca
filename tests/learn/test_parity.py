import sys

import numpy as np
import pytest
import torch

from baad.errors import TrainingError, how_to_install
from baad.learn.parity import Certificate, Comparison, InPyTorch, Runner, compare, open_runners, require_parity
from baad.runtime import openvino_network
from baad.runtime.session import RawMaps
from tests.fake_model import brightness_graph


def graph(pictures):
    """A network in the head: the map is the first channel, 0 to 255, the score its mean."""
    maps = pictures[..., 0].float()
    return maps, maps, maps.mean((1, 2)), pictures


NETWORK = InPyTorch(graph)


class Runtime:
    """The same network, off by `by` in the maps, by `score` in the score, by `part` in the foreground."""

    def __init__(self, by=0.0, score=0.0, part=0.0):
        self.by, self.score, self.part = by, score, part

    def run(self, picture):
        level = picture[..., 0].astype(np.float32)
        return RawMaps(level + self.by, level - self.part, float(level.mean()) + self.score)


def runner(threshold=50.0, precision="fp32", **off):
    return Runner("a runtime 1.0", precision, Runtime(**off), threshold)


def picture(first, rest):
    """uint8 [2, 2, 3] whose map ranges from `rest` to `first`."""
    made = np.full((2, 2, 3), rest, np.uint8)
    made[0, 0] = first
    return made


def certified(*comparisons):
    return Certificate(32, 10, 16, "drawn", 50.0, comparisons)


def test_a_map_error_is_a_share_of_that_maps_range():
    (found,) = compare(NETWORK, [runner(by=2.0)], [picture(100, 0), picture(20, 0)], 50.0)
    assert found == Comparison("a runtime 1.0", "fp32", map_error=0.1, score_error=0.0, foreground_error=0.0, flips=0)
    assert not found.holds


def test_a_foreground_that_is_off_does_not_hold():
    found = compare(NETWORK, [runner(part=0.01), runner(part=0.01, precision="fp16")], [picture(20, 0)], 50.0)
    assert [round(each.foreground_error, 4) for each in found] == [0.01, 0.01]
    assert [each.holds for each in found] == [False, True]


def test_a_verdict_flips_where_the_scores_lie_on_both_sides_of_the_threshold():
    pictures = [picture(52, 52), picture(49, 49), picture(200, 200)]
    (found,) = compare(NETWORK, [runner(score=-3.0)], pictures, 50.0)
    assert (found.flips, found.score_error) == (1, 3.0)


def test_a_score_on_the_threshold_flips_where_the_other_lies_far_above_it():
    found = compare(NETWORK, [runner(score=3.0), runner(score=-3.0)], [picture(50, 50)], 50.0)
    assert [each.flips for each in found] == [1, 0]
    assert not any(each.holds for each in found)


def test_scores_that_both_lie_on_the_threshold_flip_nothing():
    found = compare(NETWORK, [runner(score=-1e-5), runner(score=1e-5)], [picture(50, 50)], 50.0)
    assert [(each.flips, each.ties) for each in found] == [(0, 0), (0, 1)]  # the second lies above, and is excused


@pytest.mark.parametrize("off", ["by", "score", "part"])
def test_a_number_that_is_none_does_not_hold_wherever_it_comes(off):
    class Failing(Runtime):
        """The second picture gives no number."""

        def run(self, picture):
            return Runtime(**{off: np.nan} if picture.max() == 20 else {}).run(picture)

    failing = Runner("a runtime 1.0", "fp32", Failing(), 50.0)
    (found,) = compare(NETWORK, [failing], [picture(100, 0), picture(20, 0), picture(100, 0)], 50.0)
    assert not found.holds


def test_a_runner_judges_at_a_threshold_of_its_own():
    (found,) = compare(NETWORK, [runner(threshold=47.0, precision="int8", score=-3.0)], [picture(52, 52)], 50.0)
    assert found.flips == 0


@pytest.mark.parametrize(
    ("precision", "map_error", "score_error", "foreground_error", "flips", "holds"),
    [
        ("fp32", 9e-4, 9e-3, 9e-4, 0, True),
        ("fp32", 1.1e-3, 0.0, 0.0, 0, False),
        ("fp32", 0.0, 1.1e-2, 0.0, 0, False),
        ("fp32", 0.0, 0.0, 1.1e-3, 0, False),
        ("fp32", 0.0, 0.0, 0.0, 1, False),
        ("fp16", 1.9e-2, 0.19, 0.049, 0, True),
        ("fp16", 0.0, 0.21, 0.0, 0, False),
        ("fp16", 0.0, 0.0, 0.051, 0, False),
        ("fp16", 0.0, 0.0, 0.0, 1, False),
        ("int8", 0.14, 5.0, 0.9, 3, True),  # it has thresholds of its own
        ("int8", 0.16, 0.0, 0.0, 0, False),
    ],
)
def test_what_each_precision_may_cost(precision, map_error, score_error, foreground_error, flips, holds):
    row = Comparison("a runtime 1.0", precision, map_error, score_error, foreground_error, flips)
    certificate = certified(Comparison("another 2.0", "fp32", 0.0, 0.0, 0.0, 0), row)
    assert certificate.to_json()["comparisons"][1]["holds"] is holds
    if holds:
        require_parity(certificate)
    else:
        with pytest.raises(TrainingError, match=r"a runtime 1\.0"):
            require_parity(certificate)


def test_without_openvino_the_certificate_says_that_it_was_left_out(monkeypatch):
    monkeypatch.setattr("baad.learn.parity.has_openvino", lambda: False)
    runners, remarks = open_runners(brightness_graph(), 1, 0.5, lambda session: session, None)
    assert [each.runtime.split()[0] for each in runners] == ["ONNX"]
    assert remarks == (f"OpenVINO is not installed and was not compared. {how_to_install('openvino')}",)


@pytest.mark.parametrize(
    "module",
    [
        "raise ImportError('libtbb.so.12: cannot open shared object file')",
        "def Core():\n    raise RuntimeError('libtbb.so.12: cannot open shared object file')",
    ],
    ids=["at import", "at work"],
)
def test_a_broken_openvino_costs_no_training_and_is_said(monkeypatch, tmp_path, module):
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino/__init__.py").write_text(module)
    for name in [name for name in sys.modules if name.split(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(openvino_network, "_new_core", openvino_network._new_core.__wrapped__)  # none made before
    runners, remarks = open_runners(brightness_graph(), 1, 0.5, lambda session: session, None)
    assert [each.runtime.split()[0] for each in runners] == ["ONNX"]
    assert remarks == (
        "OpenVINO was not compared. OpenVINO is installed and does not load: libtbb.so.12: cannot open shared object "
        "file. Install it again: pip install --force-reinstall openvino",
    )


def test_people_are_told_what_was_compared_and_what_came_of_it():
    lines = certified(Comparison("a runtime 1.0", "fp32", 2e-5, 3e-6, 4e-7, 0)).lines()
    assert lines[0] == (
        f"parity with PyTorch {torch.__version__} on 32 pictures: 10 normal, 22 with drawn defects, "
        "16 the nearest to the threshold; made from drawn"
    )
    assert (
        "map error 2.0e-05 of its range, score error 3.0e-06, foreground error 4.0e-07, 0 verdicts flipped" in lines[1]
    )
    tied = certified(Comparison("a runtime 1.0", "fp16", 2e-5, 3e-6, 4e-7, 1, ties=2))
    assert tied.lines()[1].endswith("1 verdicts flipped and 2 more on the very threshold")
    assert "1 verdicts flipped and 2 more on the very threshold on 32 pictures" in tied.summary()
