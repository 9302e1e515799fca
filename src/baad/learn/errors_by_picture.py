"""Errors of what was rebuilt, a number a pixel or cell, computed picture by picture.

In one go each passing result would be as large as a batch of features, written to memory and read again; these losses
took a fifth of a training step then (docs/decisions/024). One picture's fits the processor's cache. On the CPU values
and gradients, which are written out below, are to the last bit those of the plain expressions in the docstrings.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from baad.learn.mtrs import fold, unfold


def squared_error(rebuilt: Tensor, clean: Tensor) -> Tensor:
    """((rebuilt - clean) ** 2).mean(1), in float32: [B, C, h, w] twice -> [B, 1, h, w]. `clean` gets no gradient."""
    return _SquaredError.apply(rebuilt, clean)  # type: ignore[no-any-return]


def image_error(picture: Tensor, clean: Tensor) -> Tensor:
    """(3 * error**2 + |error|).mean(1) with error = unfold(picture) - clean, in float32.

    Folded picture [B, 12, H / 2, W / 2], images [B, 3, H, W] -> [B, 1, H, W]. `clean` gets no gradient.
    """
    return _ImageError.apply(picture, clean)  # type: ignore[no-any-return]


class _SquaredError(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, rebuilt: Tensor, clean: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(rebuilt, clean)
        return torch.stack([(_differ(*pair) ** 2).mean(0, keepdim=True) for pair in zip(rebuilt, clean)])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        rebuilt, clean = ctx.saved_tensors
        wanted, per_channel = torch.empty_like(rebuilt), grad / rebuilt.shape[1]
        for index, pair in enumerate(zip(rebuilt, clean)):
            wanted[index] = per_channel[index] * (2.0 * _differ(*pair))
        return wanted, None


class _ImageError(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, picture: Tensor, clean: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(picture, clean)
        errors = (_differ(unfold(one), other) for one, other in zip(picture, clean))
        return torch.stack([(3.0 * error**2 + error.abs()).mean(0, keepdim=True) for error in errors])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        picture, clean = ctx.saved_tensors
        wanted, per_channel = torch.empty_like(picture), grad / clean.shape[1]
        for index, (one, other) in enumerate(zip(picture, clean)):
            error, share = _differ(unfold(one), other), per_channel[index]
            wanted[index] = fold(share * 3.0 * (2.0 * error) + share * error.sgn())
        return wanted, None


def _differ(one: Tensor, other: Tensor) -> Tensor:
    return one.float() - other.float()
