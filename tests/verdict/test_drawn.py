import json

import numpy as np
import pytest

from baad.errors import DataError, SettingError
from baad.verdict.drawn import DrawnZone, DrawnZones, paint_rules, parse_zones, read_zones

UPPER_LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def test_a_zone_of_the_picture_grows_with_it():
    zones = DrawnZones((DrawnZone("ignore", UPPER_LEFT),))
    assert paint_rules(zones, (2, 4), None).tolist() == [[2, 2, 0, 0], [0, 0, 0, 0]]
    assert paint_rules(zones, (4, 8), None).sum() == 2 * 8


def test_a_zone_of_the_part_moves_with_it():
    zones = DrawnZones((DrawnZone("warn", UPPER_LEFT, "part"),))
    assert np.argwhere(paint_rules(zones, (6, 6), (2, 1, 4, 3))).tolist() == [[1, 2]]
    assert np.argwhere(paint_rules(zones, (6, 6), (4, 3, 6, 5))).tolist() == [[3, 4]]


def test_without_a_part_its_zones_are_left_out():
    zones = DrawnZones((DrawnZone("ignore", WHOLE, "part"),), elsewhere="warn")
    assert (paint_rules(zones, (3, 3), None) == 1).all()


def test_without_a_part_the_strictest_rule_that_follows_it_holds_elsewhere():
    rim = DrawnZone("ignore", UPPER_LEFT)
    for followed, elsewhere, left in (("reject", "ignore", 0), ("warn", "ignore", 1), ("warn", "reject", 0)):
        zones = DrawnZones((DrawnZone(followed, UPPER_LEFT, "part"), rim), elsewhere)
        assert paint_rules(zones, (2, 2), None).tolist() == [[2, left], [left, left]]


def test_later_zones_lie_over_earlier_ones():
    zones = DrawnZones((DrawnZone("ignore", WHOLE), DrawnZone("reject", UPPER_LEFT)))
    assert paint_rules(zones, (2, 2), None).tolist() == [[0, 2], [2, 2]]


def test_zones_that_reject_everywhere_make_no_difference():
    assert not DrawnZones() and not DrawnZones((DrawnZone("reject", WHOLE),))
    assert DrawnZones(elsewhere="warn") and DrawnZones((DrawnZone("warn", WHOLE),))


def test_zones_come_back_as_they_were_written(tmp_path):
    zones = DrawnZones((DrawnZone("ignore", UPPER_LEFT, "part"), DrawnZone("warn", WHOLE)), "warn")
    (tmp_path / "zones.json").write_text(json.dumps(zones.to_json()))
    assert read_zones(tmp_path / "zones.json") == zones


def test_pixels_of_a_picture_of_stated_size_become_shares(tmp_path):
    pixels = [[0, 0], [20, 0], [20, 10], [0, 10]]
    zones = parse_zones({"size": [40, 20], "zones": [{"rule": "ignore", "polygon": pixels}]}, tmp_path)
    assert zones.zones[0].polygon == UPPER_LEFT


def test_rectangles_of_labelme_are_zones(tmp_path):
    shapes = [{"label": "warn", "shape_type": "rectangle", "points": [[0, 0], [20, 10]]}]
    record = {"imagePath": "a.png", "imageHeight": 20, "imageWidth": 40, "shapes": shapes}
    (tmp_path / "a.json").write_text(json.dumps(record))
    assert read_zones(tmp_path / "a.json") == DrawnZones((DrawnZone("warn", UPPER_LEFT),))


@pytest.mark.parametrize(
    "content, told",
    [
        ([], "no list of zones"),
        ({"zones": [7]}, "zone 0 is no object"),
        ({"zones": [{"rule": "stop", "polygon": UPPER_LEFT}]}, "zone 0 has the rule 'stop'"),
        ({"zones": [{"rule": "warn", "polygon": UPPER_LEFT[:2]}]}, "three points or more"),
        ({"zones": [{"rule": "warn", "polygon": [[0, 0], [300, 0], [300, 200]]}]}, '"size"'),
        ({"zones": [{"rule": "warn", "polygon": [[0, 0], [float("nan"), 0], [1, 1]]}]}, "three points or more"),
        ({"zones": [{"rule": "warn", "polygon": UPPER_LEFT, "frame": "table"}]}, "frame 'table'"),
        ({"zones": [], "elsewhere": "never"}, "elsewhere has the rule 'never'"),
        ({"zones": [], "elsewhere": "ignore"}, "all is ignored"),
        ({"zones": [{"rule": "ignore", "polygon": WHOLE}], "elsewhere": "ignore"}, "all is ignored"),
        ({"zones": [], "size": [0, 10]}, "size is"),
        ({"zones": [{"rule": "warn", "polygon": [[1, 0], [2, 0], [2, 1]]}]}, "zone 0 lies outside of the picture"),
        ({"zones": [{"rule": "warn", "polygon": [[0, -2], [1, -1], [1, 0]]}]}, "zone 0 lies outside of the picture"),
        ({"zones": [{"rule": "reject", "frame": "part", "polygon": WHOLE}]}, "all of it rejects"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_place(tmp_path, content, told):
    (tmp_path / "zones.json").write_text(json.dumps(content))
    with pytest.raises(DataError) as caught:
        read_zones(tmp_path / "zones.json")
    assert "zones.json" in str(caught.value) and told in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "polygon", "frame", "told"),
    [
        ("ignroe", UPPER_LEFT, "picture", "has the rule 'ignroe'. Give reject, warn or ignore"),
        ("ignore", UPPER_LEFT, "table", "has the frame 'table'. Give picture or part"),
        ("ignore", UPPER_LEFT[:2], "part", "is no polygon of three points"),
        ("ignore", ((0, 900), (1000, 900), (1000, 1000)), "picture", "within 10 frames of its own. Give shares"),
        ("ignore", ((0, 4), (2, 4), (2, 5)), "picture", "lies outside of the picture"),
        ("ignore", ((float("nan"), 0.1), (0.2, 0.1), (0.2, 0.3)), "part", "is no polygon of three points"),
    ],
)
def test_zones_made_in_python_are_checked_as_those_of_files_are(rule, polygon, frame, told):
    with pytest.raises(SettingError, match=f"^A drawn zone .*{told}"):
        DrawnZone(rule, tuple(map(tuple, polygon)), frame)


def test_an_unknown_rule_elsewhere_is_refused():
    with pytest.raises(SettingError, match="elsewhere is 'nothing'"):
        DrawnZones((), "nothing")


def test_zones_that_ignore_all_are_refused_where_they_are_made():
    with pytest.raises(SettingError, match=r"all is ignored, so that no picture would ever be rejected\. Say where"):
        DrawnZones((DrawnZone("ignore", UPPER_LEFT),), "ignore")
    DrawnZones((DrawnZone("ignore", WHOLE), DrawnZone("warn", UPPER_LEFT)), "ignore")
