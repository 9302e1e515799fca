import gc

import pytest
import torch

from baad.bench.cuda_graph import record
from baad.bench.graphs import network_modules

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card with CUDA")


def test_a_recorded_network_gives_what_the_network_gives_of_each_new_picture():
    module, picture = network_modules()["baad"], torch.zeros(1, 3, 256, 256)
    replay = record(module, [picture])
    gc.collect()
    torch.cuda.empty_cache()
    taken = [torch.full((1 << 20,), float("nan"), device="cuda") for _ in range(64)]  # where weights lay, if let go
    for _ in range(2):
        picture.uniform_()
        with torch.no_grad():
            expected = module(picture)
        for found, wanted in zip(replay(), expected):
            assert len(taken) == 64 and torch.allclose(found, wanted, atol=1e-2 * float(wanted.abs().max()))
