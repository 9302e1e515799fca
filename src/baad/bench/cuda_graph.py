"""A PyTorch network as one CUDA graph: recorded once, then replayed without a word from Python between its kernels."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

WARM_UP = 3  # runs before recording, which let the libraries choose their kernels


@dataclass(frozen=True, eq=False)
class Recording:
    """Runs the network on `inputs`, copies to the graphics card and back included, and gives its outputs."""

    graph: torch.cuda.CUDAGraph
    network: nn.Module  # not called again, but the graph reads its weights where they lie
    inputs: Sequence[Tensor]
    fed: Sequence[Tensor]
    outputs: Sequence[Tensor]

    def __call__(self) -> list[Tensor]:
        for place, value in zip(self.fed, self.inputs):
            place.copy_(value)
        self.graph.replay()
        return [output.cpu() for output in self.outputs]


def record(module: nn.Module, inputs: Sequence[Tensor]) -> Recording:
    """Record the module on `inputs`, which each call reads anew.

    module: gives a tensor or a tuple of them, and holds all its tensors as parameters or buffers.
    """
    network, fed = copy.deepcopy(module).cuda().eval(), [value.cuda() for value in inputs]
    graph, aside = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    flags = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)  # FP32, as in the other runtimes
    with torch.no_grad(), flags:
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                network(*fed)
        torch.cuda.current_stream().wait_stream(aside)
        with torch.cuda.graph(graph):
            found = network(*fed)
    return Recording(graph, network, inputs, fed, [found] if isinstance(found, Tensor) else list(found))
