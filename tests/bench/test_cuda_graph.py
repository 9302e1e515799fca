import pytest
import torch

from baad.bench.cuda_graph import record
from baad.bench.graphs import network_modules

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card with CUDA")


def test_a_recorded_network_gives_what_the_network_gives_of_each_new_picture():
    module, picture = network_modules()["baad"], torch.zeros(1, 3, 256, 256)
    replay = record(module, [picture])
    for _ in range(2):
        picture.uniform_()
        with torch.no_grad():
            expected = module(picture)
        for found, wanted in zip(replay(), expected):
            assert torch.allclose(found, wanted, atol=1e-2 * float(wanted.abs().max()))
