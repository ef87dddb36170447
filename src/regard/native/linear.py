"""Matrix products in float32 by the library that is fastest on this processor.

PyTorch multiplies float32 matrices by MKL, which on processors that are not Intel's keeps to 256-bit instructions, and
to slower code for them than oneDNN, which PyTorch carries too. With AVX-512 an AMD EPYC multiplies more than twice as
fast by oneDNN, with AVX2 a fifth to a half faster. Elsewhere, and for other types and devices, these functions are
PyTorch's own.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional as F

from regard.native.meta_init import init_on_meta
from regard.native.packed import can_pack
from regard.native.system import processor_vendor

MIN_ONEDNN_SIZE = 1 << 15
"""Elements of the weight from which a product is worth the few microseconds that the other way costs."""


@cache
def onednn_is_faster() -> bool:
    """Whether oneDNN multiplies float32 faster than MKL here: by the processor's kind, so that it is so every time."""
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512") or not can_pack(torch.float32):
        return False
    return processor_vendor() not in (None, "GenuineIntel")


def _by_onednn(x: Tensor, weight: Tensor) -> bool:
    return (
        x.dtype == weight.dtype == torch.float32
        and x.device.type == "cpu"
        and weight.numel() >= MIN_ONEDNN_SIZE
        and x.numel() > 0
        and onednn_is_faster()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def _multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    # A weight that is part of a larger matrix would be multiplied a thousand times slower.
    dense = weight if weight.is_contiguous() or weight.T.is_contiguous() else weight.contiguous()
    y: Tensor = torch.ops.mkldnn._linear_pointwise(x, dense, bias, "none", [], "")
    return y


def weight_gradient(error: Tensor, x: Tensor) -> Tensor:
    """`Eᵀ X`, what `N` rows say of the weights.

    Args:
        error: E, `(N, out)`.
        x: X, `(N, in)`.

    Returns:
        `(out, in)`.
    """
    rows, columns = error.shape[1], x.shape[1]
    if not _by_onednn(x, error):
        return error.T @ x
    # oneDNN lays out anew whichever side it takes for the weight: the smaller one, where there is one.
    if rows >= 2 * columns:
        return _multiply(x.T, error.T).T
    return _multiply(error.T, x.T) if columns >= 2 * rows else error.T @ x


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _multiply(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        for_x, for_weight, for_bias = ctx.needs_input_grad  # type: ignore[attr-defined]
        (error,) = upstream
        flat = error.reshape(-1, error.shape[-1])  # (..., out) -> (N, out)
        return (
            _multiply(error, weight.T) if for_x else None,
            weight_gradient(flat, x.reshape(-1, x.shape[-1])) if for_weight else None,
            flat.sum(0) if for_bias else None,
        )


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x Wᵀ + b`, as `torch.nn.functional.linear`.

    Args:
        x: `(..., in)`.
        weight: W, `(out, in)`.
        bias: b, `(out,)`, or None.

    Returns:
        `(..., out)`.
    """
    if not _by_onednn(x, weight):
        return F.linear(x, weight, bias)
    if torch.is_grad_enabled():
        y: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return y
    return _multiply(x, weight, bias)


class StepProduct:
    """`x Wᵀ` for each step of a recurrence, with one gradient of W for all of them.

    Each step by itself would add a matrix of the size of W to the gradient. Here the errors and inputs of the steps are
    kept until the last has given its own (the first in time), and are multiplied together.

    Args:
        weight: W, `(out, in)`; needs a gradient.
    """

    def __init__(self, weight: Tensor) -> None:
        self._steps: list[tuple[Tensor, Tensor]] = []
        self.weight: Tensor = _GradientOfAllSteps.apply(weight, self._steps)  # type: ignore[no-untyped-call]

    def __call__(self, x: Tensor) -> Tensor:
        """The product of a step: `(B, in)` to `(B, out)`, in the type of W."""
        y: Tensor = _Step.apply(x.to(self.weight.dtype), self.weight, self._steps)  # type: ignore[no-untyped-call]
        return y


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, steps: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.steps = steps  # type: ignore[attr-defined]
        return linear(x, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor | None, None, None]:
        x, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        for_x, for_weight, _ = ctx.needs_input_grad  # type: ignore[attr-defined]
        (error,) = upstream
        if for_weight:
            ctx.steps.append((error, x))  # type: ignore[attr-defined]
        return linear(error, weight.T) if for_x else None, None, None


class _GradientOfAllSteps(torch.autograd.Function):
    # The engine comes here when every step that takes part is done, though none of them passes a gradient on.
    @staticmethod
    def forward(ctx: FunctionCtx, weight: Tensor, steps: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.steps = steps  # type: ignore[attr-defined]
        return weight.view_as(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor | None) -> tuple[Tensor | None, None]:
        steps = ctx.steps  # type: ignore[attr-defined]
        total = upstream[0]
        if steps:
            errors, inputs = (torch.cat(parts) for parts in zip(*steps, strict=True))
            steps.clear()
            gradient = weight_gradient(errors, inputs)
            total = gradient if total is None else total + gradient
        return total, None


class Linear(nn.Linear):
    """`torch.nn.Linear`, multiplied by `linear`."""

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """Maps the last dimension.

        Args:
            x: `(..., in)`.
            added: `(..., out)`, if something is to be added to the result.

        Returns:
            `(..., out)`.
        """
        y = linear(x, self.weight, self.bias)
        return y if added is None else added + y


def fused_linear(*maps: nn.Linear) -> Linear:
    """One map for several that read the same vector: `[W_1; W_2; …] x + [b_1; b_2; …]`.

    Args:
        *maps: Of one width of input, each with a bias.

    Returns:
        A map with weights of its own, whose result is theirs side by side.
    """
    with init_on_meta():
        whole = Linear(maps[0].in_features, sum(one.out_features for one in maps))
    with torch.no_grad():
        whole.weight = nn.Parameter(torch.cat([one.weight for one in maps]))
        whole.bias = nn.Parameter(torch.cat([one.bias for one in maps]))
    return whole
