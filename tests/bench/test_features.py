import pytest

from baad.bench.features import compare_features, format_features
from baad.errors import SettingError
from baad.progress import Silence
from tests.factory import write_category


def test_each_candidate_gets_a_row_and_finished_ones_are_not_run_again(tmp_path, monkeypatch):
    category = write_category(tmp_path / "disc", normals=4, good=2, defective=2)
    rows = compare_features([category], tmp_path / "out", Silence())
    assert [(row["candidate"], row["category"]) for row in rows] == [("fast", "disc"), ("random", "disc")]
    assert all(0.0 <= row["image_auroc"] <= 1.0 for row in rows)
    monkeypatch.setattr("baad.bench.features.nearest_auroc", lambda *_: pytest.fail("run again"))
    assert compare_features([category], tmp_path / "out", Silence()) == rows


def test_an_unknown_candidate_is_a_clear_error(tmp_path):
    category = write_category(tmp_path / "disc", normals=4, good=1, defective=1)
    with pytest.raises(SettingError, match="Unknown candidate 'huge'"):
        compare_features([category], tmp_path / "out", Silence(), ["huge"])


def test_the_table_ends_with_the_means():
    rows = [
        {"candidate": "fast", "category": "a", "image_auroc": 0.9},
        {"candidate": "fast", "category": "b", "image_auroc": 0.7},
        {"candidate": "random", "category": "a", "image_auroc": 0.5},
    ]
    assert "| b | 0.700 | – |\n| mean | 0.800 | 0.500 |" in format_features(rows)
