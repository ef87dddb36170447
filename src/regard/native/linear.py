"""Matrix products in float32 by the fastest library for this processor.

PyTorch multiplies float32 matrices with MKL. On processors of other vendors than Intel, MKL uses only 256-bit
instructions, and its code for these is slower than that of oneDNN, which PyTorch also contains. An AMD EPYC multiplies
more than twice as fast with oneDNN using AVX-512, and a fifth to a half faster using AVX2. On Intel processors, and
for other types and devices, these functions call PyTorch's own.
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
"""Smallest number of elements of a weight for which oneDNN is used; its calls cost a few microseconds more."""


@cache
def onednn_is_faster() -> bool:
    """Whether oneDNN multiplies float32 matrices faster than MKL on this CPU.

    Returns:
        True on CPUs with AVX2 or AVX-512 that are not made by Intel, if PyTorch has oneDNN. Nothing is measured, so
        that all runs on a machine give the same results.
    """
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512") or not can_pack(torch.float32):
        return False
    return processor_vendor() not in (None, "GenuineIntel")


def _use_onednn(x: Tensor, weight: Tensor) -> bool:
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
    # The product with a weight that is a view of a larger matrix would be a thousand times slower.
    dense = weight if weight.is_contiguous() or weight.T.is_contiguous() else weight.contiguous()
    y: Tensor = torch.ops.mkldnn._linear_pointwise(x, dense, bias, "none", [], "")
    return y


def weight_gradient(error: Tensor, x: Tensor) -> Tensor:
    """Computes the gradient of a linear layer's weight matrix, `Eᵀ X`, from N input rows.

    Args:
        error: E, the gradient of the layer's output, `(N, out)`.
        x: X, the layer's input, `(N, in)`.

    Returns:
        The gradient, `(out, in)`.
    """
    rows, columns = error.shape[1], x.shape[1]
    if not _use_onednn(x, error):
        return error.T @ x
    # oneDNN copies the matrix that is passed as the weight to another layout, so pass the clearly smaller one.
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
        need_x, need_weight, need_bias = ctx.needs_input_grad  # type: ignore[attr-defined]
        (error,) = upstream
        flat = error.reshape(-1, error.shape[-1])  # (..., out) -> (N, out)
        return (
            _multiply(error, weight.T) if need_x else None,
            weight_gradient(flat, x.reshape(-1, x.shape[-1])) if need_weight else None,
            flat.sum(0) if need_bias else None,
        )


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x Wᵀ + b` as in `torch.nn.functional.linear`, computed with oneDNN where it is faster than MKL.

    Args:
        x: Input, `(..., in)`.
        weight: W, `(out, in)`.
        bias: b, `(out,)`; None = no bias.

    Returns:
        The output, `(..., out)`.
    """
    if not _use_onednn(x, weight):
        return F.linear(x, weight, bias)
    if torch.is_grad_enabled():
        y: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return y
    return _multiply(x, weight, bias)


class StepProduct:
    """Computes `x Wᵀ` in each step of an RNN, and the gradient of W once for all steps.

    With `linear`, the backward pass of every step would add a matrix of the size of W to the gradient. Here the
    backward pass collects the output gradients and inputs of all steps, and computes the gradient of W from them in one
    matrix product, after it has passed the first time step.

    Args:
        weight: W, `(out, in)`; requires a gradient.
    """

    def __init__(self, weight: Tensor) -> None:
        self._steps: list[tuple[Tensor, Tensor]] = []
        self.weight: Tensor = _GradientOfAllSteps.apply(weight, self._steps)  # type: ignore[no-untyped-call]

    def __call__(self, x: Tensor) -> Tensor:
        """Computes `x Wᵀ` for the input x of one time step, `(B, in)`; returns `(B, out)` in the type of W."""
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
        need_x, need_weight, _ = ctx.needs_input_grad  # type: ignore[attr-defined]
        (error,) = upstream
        if need_weight:
            ctx.steps.append((error, x))  # type: ignore[attr-defined]
        return linear(error, weight.T) if need_x else None, None, None


class _GradientOfAllSteps(torch.autograd.Function):
    # Autograd runs this backward after that of all steps, although none of them returns a gradient of the weight.
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
            errors, inputs = (torch.cat(tensors) for tensors in zip(*steps, strict=True))
            steps.clear()
            gradient = weight_gradient(errors, inputs)
            total = gradient if total is None else total + gradient
        return total, None


class Linear(nn.Linear):
    """`torch.nn.Linear` that multiplies with oneDNN on CPUs where oneDNN is faster than MKL; see `linear`."""

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """Computes `W x + b` for every row x of the input.

        Args:
            x: Input, `(..., in)`.
            added: `(..., out)`, to add to the result, such as a residual; None = add nothing.

        Returns:
            The output, `(..., out)`.
        """
        y = linear(x, self.weight, self.bias)
        return y if added is None else added + y


def fused_linear(*maps: nn.Linear) -> Linear:
    """Joins linear layers with the same input into one: `[W_1; W_2; …] x + [b_1; b_2; …]`.

    Args:
        *maps: Linear layers with equal input width, each with a bias.

    Returns:
        A linear layer with copies of the weights, whose output is the concatenation of the outputs of `maps`.
    """
    with init_on_meta():
        fused = Linear(maps[0].in_features, sum(layer.out_features for layer in maps))
    with torch.no_grad():
        fused.weight = nn.Parameter(torch.cat([layer.weight for layer in maps]))
        fused.bias = nn.Parameter(torch.cat([layer.bias for layer in maps]))
    return fused
