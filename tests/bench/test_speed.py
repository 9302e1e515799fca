import json
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import nn

from baad.bench import graphs, speed
from baad.bench.footprint import judge_pictures, measure_peak, measure_start
from baad.bench.timing import Times
from baad.progress import Silence
from baad.runtime.session import Session
from tests.fake_model import write_fake_model


def row(what, runtime, p50_ms, gmac=1.0, **more):
    """Processors work 1.5 times as long as the clock on the wall goes."""
    return {
        **{"what": what, "runtime": runtime, "image_size": 256, "batch": 1, "p50_ms": p50_ms, "p95_ms": 2 * p50_ms},
        **{"processor_ms": 1.5 * p50_ms, "gmac": gmac, "peak_rss_mib": None, **more},
    }


ROWS = [
    row("dense_convolution", "onnxruntime", 5, gmac=0.5),
    row("dense_convolution", "openvino", 4, gmac=0.5),
    row("baad", "onnxruntime", 10, gmac=0.8),
    row("baad", "openvino", 20, gmac=0.8),
    row("efficientad_s", "onnxruntime", 300),
    row("efficientad_s", "openvino", 200),
    row("wrn50_layer3", "onnxruntime", 60),
    row("wrn50_layer3", "openvino", 90),
    row("array_to_verdict", "onnxruntime", 12, peak_rss_mib=100.0),
    row("array_to_verdict", "openvino", 22, peak_rss_mib=200.0),
]


def test_each_network_counts_in_the_runtime_that_runs_it_fastest():
    found = speed.summarise(ROWS)
    assert found["times_faster_than_efficientad_s"] == 200 / 10  # network against network
    assert found["times_faster_than_wrn50_layer3"] == 60 / 12  # network against the whole way
    assert (found["p50_ms"], found["p95_ms"], found["peak_rss_mib"]) == (12, 24, 100.0)


def test_the_peak_of_memory_is_that_of_the_base_install_whatever_is_fastest():
    fast = [{**each, "p50_ms": 1.0} if each["runtime"] == "openvino" else each for each in ROWS]
    found = speed.summarise(fast)
    assert (found["fastest"]["array_to_verdict"], found["peak_rss_mib"]) == ("openvino", 100.0)


def test_the_share_of_the_peak_is_taken_in_the_networks_own_runtime():
    assert speed.summarise(ROWS)["share_of_conv_peak"] == pytest.approx((0.8 / 10) / (0.5 / 5))


def test_what_has_a_name_is_the_slower_networks():
    near = [
        row("baad_near", "onnxruntime", 12, gmac=1.2),
        row("array_to_verdict_near", "onnxruntime", 11, peak_rss_mib=120.0),
    ]
    found = speed.summarise(ROWS + near)
    assert found["times_faster_than_efficientad_s"] == round(200 / 12, 2)
    assert found["times_faster_than_wrn50_layer3"] == 60 / 12 and found["p50_ms"] == 12
    assert found["share_of_conv_peak"] == pytest.approx((0.8 / 10) / (0.5 / 5))  # .08 here, .1 there
    assert found["peak_rss_mib"] == 120.0


def test_processor_time_tells_its_own_ratios():
    busy = [{**each, "processor_ms": 9.0} if each["what"] == "baad" else each for each in ROWS]
    assert speed.summarise(ROWS)["by_processor_time"]["times_faster_than_efficientad_s"] == 200 / 10
    assert speed.summarise(busy)["by_processor_time"]["times_faster_than_efficientad_s"] == round(300 / 9, 2)
    assert speed.summarise(busy)["times_faster_than_efficientad_s"] == 200 / 10


def test_the_rate_counts_every_picture_of_a_batch():
    times = Times(np.full(5, 20.0), np.full(5, 40.0))
    alone, batch = (speed.make_row(speed.Case("a", "r", 256, count, 10**9, Mock()), times) for count in (1, 8))
    assert (alone["gmac_per_s"], batch["gmac_per_s"]) == (50.0, 400.0)
    assert batch["images_per_s"] == 400.0 and batch["gmac"] == 1.0


def test_other_sizes_batches_and_graphics_cards_do_not_count_in_the_summary():
    more = [row("baad", "onnxruntime", 1, image_size=384), row("efficientad_s", "openvino", 1, batch=8)]
    more.append(row("baad", "onnxruntime_cuda", 1))  # nor does a graphics card
    assert speed.summarise(ROWS + more) == speed.summarise(ROWS)


def test_the_page_shows_every_named_figure_and_every_row():
    machine = {"processor": "P", "cores": 2, "graphics_card": "A card", "load": 0.5, "system": "S", "python": "3"}
    host = {**machine, "versions": {"baad": "0"}}
    rows = [{"images_per_s": 1.0, "gmac_per_s": 1.0, "calls": 3, **each} for each in ROWS]
    start = {"first_verdict_s": 0.5, "import_s": 0.01}
    page = speed.format_page(
        {**speed.summarise(ROWS), **start, "threads": 2, "host": host, "rows": rows}, "baad bench speed"
    )
    assert all(f"`{name}`" in page for name in speed.NAMED)
    assert "2 threads on P, 2 cores, A card, load 0.5" in page
    assert page.count("| onnxruntime |") == page.count("| openvino |") == 5


@pytest.mark.parametrize("batch", [1, 8])
def test_a_process_that_only_judges_stays_small(tmp_path, batch):
    peak = measure_peak(write_fake_model(tmp_path / "model.baad"), 256, batch, "cpu", 1)
    assert 20 < peak < 400


def test_the_start_of_a_process_is_timed_to_its_first_verdict(tmp_path):
    found = measure_start(write_fake_model(tmp_path / "model.baad"), 64, 1)
    assert 0 < found["import_s"] < found["first_verdict_s"] < 60


@pytest.mark.parametrize(("count", "call"), [(1, "predict"), (8, "predict_batch")])
def test_pictures_of_a_batch_are_judged_together(count, call):
    detector, pictures = Mock(), [np.zeros((4, 4, 3), np.uint8)] * count
    judge_pictures(detector, pictures)
    assert [name for name, _, _ in detector.method_calls] == [call]


@pytest.fixture
def small(monkeypatch):
    """64 px, and peers of two layers, about as dear as ours: the whole run in seconds."""
    peers = {name: nn.Sequential(nn.Conv2d(3, 96, 3), nn.Conv2d(96, 96, 5)) for name in speed.PEERS}
    ours = dict.fromkeys(speed.NETWORKS, graphs.Network(graphs.new_deploy(64, "tiny").model))
    monkeypatch.setattr(speed, "network_modules", lambda separate: ours | peers)
    monkeypatch.setattr(speed, "SUMMARY", (64, 1))


def test_without_a_model_every_named_figure_comes_out(small, monkeypatch):
    monkeypatch.setattr(speed, "installed_runtimes", lambda: ["onnxruntime"])
    (found,) = speed.bench_speed(Silence(), threads=1, seconds=1.0)
    assert [name for name in speed.NAMED if not found[name] > 0] == []
    assert {each["what"] for each in found["rows"]} == {
        "dense_convolution",
        *speed.NETWORKS,
        *speed.PEERS,
        *speed.WHOLE,
    }
    json.dumps(found)


def test_a_model_file_is_written_with_one_session(tmp_path, monkeypatch):
    opened, begin = [], Session.__init__
    monkeypatch.setattr(Session, "__init__", lambda self, *given: (opened.append(self), begin(self, *given))[1])
    graphs.write_model(tmp_path / "m.baad", 64, threads=1)
    assert len(opened) == 1


def test_two_networks_in_place_of_one_cost_more():
    networks = graphs.network_modules(separate=True)
    assert graphs.TWO_NETWORKS not in graphs.network_modules()
    images = torch.zeros(1, 3, 64, 64)
    two, one = (graphs.count_macs(networks[name], images) for name in (graphs.TWO_NETWORKS, "baad_near"))
    assert two > 1.1 * one


def test_the_stages_are_the_networks_own_parts():
    stages = graphs.stage_modules(64, 1)
    macs = {name: graphs.count_macs(module, *inputs) for name, (module, inputs) in stages.items()}
    whole = graphs.count_macs(graphs.Network(graphs.new_deploy(64).model), torch.zeros(1, 3, 64, 64))
    assert sum(macs.values()) == whole
    assert macs["resize"] == 0
