import json
import re
from pathlib import Path

import onnx
import pytest

from baad.learn.decision import describe_decision, plain_values, with_decision, with_zones
from baad.verdict.calibration import Calibration, fit_calibration
from tests.fake_model import brightness_graph

CALIBRATION = fit_calibration([0.1, 0.2, 0.3], [1.0, 2.0, 3.0], ["", "", ""], 0.05)


def test_the_decision_tells_thresholds_and_what_the_model_is_for_and_no_date():
    decision = describe_decision(CALIBRATION, {"category": "disc", "created": "today", "input_shape": [64, 64]}, "int8")
    assert Calibration.from_json(decision) == CALIBRATION
    assert (decision["product"], decision["category"], decision["precision"]) == ("baad", "disc", "int8")
    assert decision["promise"].startswith("With 3 held-out pictures")
    assert decision["tile_px"] == 0 and not {"created", "part_share", "zones"} & set(decision)


def test_who_judges_in_tiles_is_told_their_size():
    decision = describe_decision(CALIBRATION, {"tile_px": 128, "input_shape": [64, 64], "gate": {"accepted": True}})
    assert decision["tile_px"] == 128 and list(decision["tile_shape"]) == [128, 128]
    assert isinstance(decision["skip_background"], bool)


@pytest.mark.parametrize("zones", [None, {"elsewhere": "warn", "zones": []}])
def test_zones_are_added_where_the_manifest_has_some(zones):
    decision = describe_decision(CALIBRATION, {})
    manifest = {} if zones is None else {"zones": zones}
    assert with_zones(decision, manifest) == decision | manifest


def test_the_page_on_exports_reads_keys_and_ports_that_exist():
    """Its C# is compiled nowhere here."""
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")
    (first, second) = re.findall(r"```csharp\n(.*?)```", page, flags=re.DOTALL)
    keys = set(re.findall(r'GetProperty\("(\w+)"', first))
    assert keys == {"tile_px", "zones", "threshold"}
    assert keys <= set(with_zones(describe_decision(CALIBRATION, {}), {"zones": {}}))
    graph = onnx.load_from_string(brightness_graph()).graph
    ports = {port.name for port in (*graph.input, *graph.output)}
    assert set(re.findall(r'"(image|\w+_\w+)"', first)) - keys <= ports
    assert set(re.findall(r'_tensor\("(\w+)"', second)) == {"image", "pred_score"} <= ports
    assert '"INFERENCE_PRECISION_HINT", "f32"' in second
    for block in (first, second):
        assert "float.IsFinite(score)" in block


def test_the_graph_carries_the_last_decision_alone_and_is_otherwise_as_it_was():
    first, last = (describe_decision(CALIBRATION, {"category": name}) for name in ("one", "ä"))
    graph = with_decision(with_decision(brightness_graph(), first), last)
    found = {entry.key: entry.value for entry in onnx.load_from_string(graph).metadata_props}
    assert json.loads(found.pop("baad_decision")) == json.loads(json.dumps(last))
    assert found == plain_values(last)
    assert float(found["baad_threshold"]) == CALIBRATION.threshold
    assert float(found["baad_pixel_threshold"]) == CALIBRATION.pixel_threshold
    assert onnx.load_from_string(graph).graph == onnx.load_from_string(brightness_graph()).graph
