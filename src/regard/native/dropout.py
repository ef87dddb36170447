"""Dropout with cheap random numbers and without a stored mask (Srivastava et al. 2014).

On the CPU PyTorch draws each Bernoulli variable separately, which takes a sixth of a small Transformer's training step,
and stores the mask for the backward pass. Here the mask is a function of a seed and the position, with 16 random bits
per element, and is recomputed in the backward pass (`benchmarks/dropout.py`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional as F

from regard.native import kernel


def dropout(x: Tensor, rate: float) -> Tensor:
    """Sets random elements to zero and scales the others by `1 / (1 - rate)`, which keeps the mean.

    On the CPU the random numbers come from PyTorch's default generator.

    Args:
        x: Input, of any shape.
        rate: Probability of setting an element to zero, `0 ≤ rate < 1`; on the CPU with a resolution of 1/65536.

    Returns:
        A tensor of the same shape as x.
    """
    if rate == 0.0:
        return x
    if kernel("dropout", x):
        dropped: Tensor = _Dropout.apply(x, rate)  # type: ignore[no-untyped-call]
        return dropped
    if x.device.type == "cpu":
        return x * _scaled_mask(x, rate)
    return F.dropout(x, rate)  # other devices draw random numbers in parallel


def relu_dropout(x: Tensor, rate: float) -> Tensor:
    """`dropout(relu(x), rate)` in one operation, which stores only its result for the backward pass.

    Args:
        x: Input, of any shape.
        rate: Probability of setting an element to zero, `0 ≤ rate < 1`; 0 = only ReLU.

    Returns:
        A tensor of the same shape as x.
    """
    if rate and kernel("dropout", x):
        dropped: Tensor = _ReLUDropout.apply(x, rate)  # type: ignore[no-untyped-call]
        return dropped
    return dropout(torch.relu(x), rate)


def _scaled_mask(x: Tensor, rate: float) -> Tensor:
    count = x.numel()
    random = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    bits = random.view(torch.int16)[:count].view(x.shape)  # uniform over -32768 … 32767
    return (bits >= _threshold(rate) - 32768).to(x.dtype).mul_(1.0 / (1.0 - rate))


def _threshold(rate: float) -> int:
    return min(round(rate * 65536), 65535)


def _drop(x: Tensor, rate: float, seed: int, *, relu: bool) -> Tensor:
    x = x.contiguous()
    y, run = torch.empty_like(x), kernel("dropout", x)
    if run is None:
        raise AssertionError(
            f"there is no compiled dropout kernel for {x.dtype} on this machine: check `kernel('dropout', x)` first, "
            "or use PyTorch's dropout"
        )
    scale, threads = 1.0 / (1.0 - rate), torch.get_num_threads()
    run(x.data_ptr(), y.data_ptr(), x.numel(), seed, _threshold(rate), scale, relu, threads)
    return y


def _draw_seed() -> int:
    return int(torch.empty((), dtype=torch.int64).random_())


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, rate: float) -> Tensor:
        seed = _draw_seed()
        ctx.rate_and_seed = rate, seed  # type: ignore[attr-defined]
        return _drop(x, rate, seed, relu=False)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        rate, seed = ctx.rate_and_seed  # type: ignore[attr-defined]
        return _drop(upstream[0], rate, seed, relu=False), None


class _ReLUDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, rate: float) -> Tensor:
        y = _drop(x, rate, _draw_seed(), relu=True)
        ctx.rate = rate  # type: ignore[attr-defined]
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        (y,) = ctx.saved_tensors  # type: ignore[attr-defined]
        gradient = upstream[0].contiguous()
        x_gradient, run = torch.empty_like(y), kernel("dropout_rectified_backward", y)
        if run is None:
            raise AssertionError(
                f"there is no compiled kernel for the gradient of ReLU and dropout for {y.dtype}: check "
                "`kernel('dropout_rectified_backward', y)` first, or use PyTorch's operators"
            )
        scale = 1.0 / (1.0 - ctx.rate)  # type: ignore[attr-defined]
        run(y.data_ptr(), gradient.data_ptr(), x_gradient.data_ptr(), y.numel(), scale, torch.get_num_threads())
        return x_gradient, None


class Dropout(nn.Module):
    """Module that applies `dropout` in training mode, and returns its input unchanged in evaluation mode.

    Args:
        rate: Probability of setting an element to zero, `0 ≤ rate < 1`.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Applies dropout to a tensor of any shape in training mode; returns x unchanged in evaluation mode."""
        return dropout(x, self.rate) if self.training else x

    def extra_repr(self) -> str:
        """Text that `print(module)` shows between the parentheses, such as `rate=0.1`."""
        return f"rate={self.rate}"


class ReLUDropout(Dropout):
    """Module that applies ReLU, followed by `dropout` in training mode.

    Args:
        rate: Probability of setting an element to zero, `0 ≤ rate < 1`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Applies ReLU to a tensor of any shape, and also dropout in training mode."""
        return relu_dropout(x, self.rate if self.training else 0.0)
