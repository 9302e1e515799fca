from torch import nn

from baad.bench import latency
from baad.bench.latency import Latency, measure_latency
from baad.progress import Silence


def test_the_faster_runtime_counts():
    assert Latency(256, 1.0, {"onnxruntime": 3.0, "openvino": 2.0}).ms == 2.0


def test_every_network_is_timed_at_its_own_size():
    networks = {"a": (nn.Conv2d(3, 64, 3, padding=1), 32), "b": (nn.Conv2d(3, 64, 3, padding=1), 64)}
    found = measure_latency(networks, threads=1, seconds=0.1, progress=Silence())
    assert [(each.size, each.gmac) for each in found.values()] == [(32, 0.002), (64, 0.007)]
    assert all(ms > 0 for each in found.values() for ms in each.medians.values())
    assert "onnxruntime" in found["a"].medians


def test_a_graphics_card_is_not_timed(monkeypatch):
    monkeypatch.setattr(latency, "installed_runtimes", lambda: ["onnxruntime", "onnxruntime_cuda"])
    found = measure_latency({"a": (nn.Conv2d(3, 2, 1), 16)}, threads=1, seconds=0.1, progress=Silence())
    assert list(found["a"].medians) == ["onnxruntime"]
