import pytest
import torch
from torch import nn

from baad.bench import runtimes
from baad.bench.graphs import write_graph


@pytest.mark.parametrize(
    ("openvino", "providers", "there"),
    [
        (False, ["CPUExecutionProvider"], ["onnxruntime"]),
        (True, ["CPUExecutionProvider"], ["onnxruntime", "openvino"]),
        (False, ["CUDAExecutionProvider", "CPUExecutionProvider"], ["onnxruntime", "onnxruntime_cuda"]),
    ],
)
def test_the_graphics_card_is_a_runtime_where_onnx_runtime_has_it(monkeypatch, openvino, providers, there):
    monkeypatch.setattr(runtimes, "has_openvino", lambda: openvino)
    monkeypatch.setattr(runtimes.onnxruntime, "get_available_providers", lambda: providers)
    assert runtimes.installed_runtimes() == there


def test_a_graph_runs_on_its_own_inputs(tmp_path):
    graph = write_graph(nn.Identity(), (torch.full((1, 2), 3.0),), tmp_path)
    (found,) = runtimes.load_call(graph, "cpu", 1)()
    assert found.tolist() == [[3.0, 3.0]]
