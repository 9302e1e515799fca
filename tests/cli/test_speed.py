import json

import pytest


@pytest.fixture
def measured(monkeypatch):
    from baad.bench import speed

    machine = {"processor": "P", "cores": 2, "graphics_card": None, "load": 0.5, "system": "S", "python": "3"}
    host = {**machine, "versions": {}}
    found = {**dict.fromkeys(speed.NAMED, 1.5), "by_processor_time": {}, "threads": 2, "host": host, "rows": []}
    monkeypatch.setattr(speed, "bench_speed", lambda *given: iter([{**found, "threads": 1}, found]))
    return found


def test_the_figures_are_printed_or_written_as_json(baad, measured, tmp_path):
    assert "share_of_conv_peak" in baad("bench", "speed").out
    assert json.loads(baad("bench", "speed", "--json", "-", "-q").out) == measured
    baad("bench", "speed", "--json", tmp_path / "speed.json", "-q")
    assert json.loads((tmp_path / "speed.json").read_text()) == measured


def test_a_folder_gets_the_page_and_the_figures(baad, measured, tmp_path):
    baad("bench", "speed", "--out", tmp_path / "speed", "-q")
    assert {file.name for file in (tmp_path / "speed").iterdir()} == {"README.md", "speed.json"}


def test_a_stop_loses_no_table_that_was_done(baad, measured, tmp_path, monkeypatch):
    from baad.bench import speed

    def stopped_after_one(*given):
        yield measured
        raise KeyboardInterrupt

    monkeypatch.setattr(speed, "bench_speed", stopped_after_one)
    assert baad("bench", "speed", "--out", tmp_path / "speed", "-q").code == 130
    assert json.loads((tmp_path / "speed" / "speed.json").read_text()) == measured
