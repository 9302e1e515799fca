import base64
import io
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image

from baad.report.cases import draw_case, judge_outcome, pick_worst
from baad.verdict.decide import Verdict
from baad.verdict.regions import Region
from baad.verdict.zones import ZoneShares


def read_panel(uri):
    """The picture in a data: address, int [H, W, 3]."""
    content = base64.b64decode(uri.partition("base64,")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


@dataclass(frozen=True)
class Entry:
    kind: str
    score: float


def make_verdict(anomaly, label="ng"):
    return Verdict(
        label=label,
        score=2.0,
        threshold=1.0,
        p_value=0.01,
        display=0.7,
        regions=(),
        zones=ZoneShares(1.0, 0.0, 0.0),
        anomaly_map=anomaly,
        foreground=np.ones(anomaly.shape, np.float32),
        pixel_threshold=0.5,
        pixel_spread=0.1,
    )


@pytest.mark.parametrize(
    ("kind", "alarmed", "outcome"),
    [
        ("good", True, "false alarm"),
        ("good", False, "passed"),
        ("hole", True, "found"),
        ("hole", False, "missed"),
        ("", True, "alarm"),
        ("", False, "no alarm"),
    ],
)
def test_an_outcome_compares_the_verdict_with_the_truth(kind, alarmed, outcome):
    assert judge_outcome(kind, alarmed) == outcome


def test_the_worst_come_first():
    images = [Entry(*pair) for pair in (("good", 1), ("good", 6), ("good", 9), ("hole", 2), ("hole", 3), ("hole", 7))]
    worst = pick_worst([*images, Entry("hole", 8), Entry("good", 5)], threshold=5)
    assert [image.score for image in worst] == [9, 6, 2, 3, 7, 8, 5, 1]


def test_a_score_equal_to_the_threshold_is_no_alarm():
    assert pick_worst([Entry("good", 5), Entry("hole", 5)], threshold=5)[0].kind == "hole"


def test_many_false_alarms_do_not_hide_the_missed_defects():
    images = [Entry("good", 10 + index) for index in range(50)] + [Entry("hole", index / 100) for index in range(50)]
    worst = pick_worst(images, threshold=5, limit=8)
    assert [image.kind for image in worst] == ["good"] * 6 + ["hole"] * 2
    assert worst[0].score == 59


def test_places_that_one_group_does_not_need_go_to_the_others():
    images = [Entry("good", 10), *(Entry("hole", index / 100) for index in range(50))]
    assert len(pick_worst(images, threshold=5, limit=20)) == 20
    assert len(pick_worst(images, threshold=5, limit=1000)) == 51


def test_a_case_shows_what_there_is_to_show():
    image = np.zeros((30, 40, 3), np.uint8)
    anomaly = np.zeros((30, 40), np.float32)
    bare = draw_case("a.png", "", image, make_verdict(anomaly))
    assert [panel.title for panel in bare.panels] == ["input", "foreground", "anomaly map", "outlines"]
    assert bare.panels[-1].outlines == ()
    anomaly[5:9, 5:9] = 1
    truth = anomaly > 0.5
    full = draw_case("b.png", "hole", image, make_verdict(anomaly), np.zeros((16, 16, 3), np.uint8), truth)
    assert [panel.title for panel in full.panels][1] == "reconstruction"
    assert [css for css, _ in full.panels[-1].outlines] == ["truth-line", "alarm-line"]
    assert "true defect in magenta" in full.panels[-1].alt
    assert full.outcome == "found"


def test_a_region_below_the_pixel_threshold_is_outlined_too():
    calm = np.zeros((256, 256), np.float32)
    verdict = replace(make_verdict(calm), regions=(Region((8, 4, 16, 12), 64, 0.0, below=True),))
    case = draw_case("a.png", "", np.zeros((256, 256, 3), np.uint8), verdict)
    (line,) = case.panels[-1].outlines
    assert line[0] == "alarm-line" and case.below


def test_colours_depend_on_the_value_and_not_on_the_picture():
    faint = np.full((8, 8), 0.1, np.float32)
    beside_an_alarm = faint.copy()
    beside_an_alarm[0, 0] = 5
    panels = []
    for anomaly, grey in ((faint, 0), (faint, 255)):
        case = draw_case("a.png", "", np.full((8, 8, 3), grey, np.uint8), make_verdict(anomaly))
        panels.append(next(panel.uri for panel in case.panels if panel.title == "anomaly map"))
    assert panels[0] == panels[1]
    other = draw_case("a.png", "", np.zeros((8, 8, 3), np.uint8), make_verdict(beside_an_alarm))
    shown, alone = (read_panel(uri) for uri in (other.panels[2].uri, panels[0]))
    assert np.abs(shown[-2:, -2:] - alone[-2:, -2:]).max() <= 12 < np.abs(shown[0, 0] - alone[0, 0]).max()
