"""Half the time where the processor multiplies bfloat16 by itself; plain float32 everywhere else."""

from contextlib import AbstractContextManager

import torch


def has_fast_bfloat16(device: str = "cpu") -> bool:
    """Whether bfloat16 pays on this machine: on x86 with AVX512-BF16 or AMX, and on GPUs that know it."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capability = torch.backends.cpu.get_cpu_capability() if hasattr(torch.backends, "cpu") else ""
    return "AVX512" in capability and bool(torch.cpu._is_avx512_bf16_supported())


def autocast(device: str = "cpu") -> AbstractContextManager[None]:
    """Convolutions and products in bfloat16 where that pays; losses stay in float32."""
    kind = device.split(":")[0]
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=has_fast_bfloat16(device))
