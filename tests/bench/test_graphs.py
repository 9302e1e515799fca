import os
from pathlib import Path

import pytest
import torch

from baad.bench.graphs import write_graph


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not list open files")
def test_graphs_have_files_of_their_own_and_none_stays_open(tmp_path):
    def write(channels):
        return write_graph(torch.nn.Conv2d(3, channels, 1), (torch.rand(1, 3, 8, 8),), tmp_path)

    write(1)  # what the exporter itself keeps open
    before = len(os.listdir("/proc/self/fd"))
    second, third = write(2), write(4)
    assert len(os.listdir("/proc/self/fd")) == before
    assert {second.file.name, third.file.name} == {"1.onnx", "2.onnx"}
    assert third.file.stat().st_size > 0 and (second.macs, third.macs) == (2 * 3 * 64, 4 * 3 * 64)
