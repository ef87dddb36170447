"""The LSTM of one sequence, or of one step, in a few calls (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

PyTorch runs a dozen operators between two products of a step, each of which reads and writes the gates, and adds a
matrix as large as the weights to their gradient. Here one kernel stands between the products, and the gradient of the
weights is one product over all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from regard.native import kernel
from regard.native.linear import linear, weight_gradient


def has_lstm_kernel(like: Tensor) -> bool:
    """Whether `lstm_sequence` and `lstm_cell` can be used with a tensor of any shape `(...)`."""
    return kernel("lstm_forward", like) is not None and not torch.is_autocast_enabled(like.device.type)


def lstm_sequence(
    x: Tensor,
    input_weight: Tensor,
    hidden_weight: Tensor,
    bias: Tensor,
    batch_sizes: Sequence[int],
    *,
    backwards: bool = False,
) -> tuple[Tensor, Tensor]:
    """All steps of sentences that begin together, the longest first, from states of zero.

    Args:
        x: `(N, input)`, the rows of the first step, then those of the second, as in a `PackedSequence`.
        input_weight: W, `(4 hidden, input)`, the gates in PyTorch's order: input, forget, candidate, output.
        hidden_weight: U, `(4 hidden, hidden)`.
        bias: `(4 hidden,)`, of both products.
        batch_sizes: Rows of each step, N in all.
        backwards: Read each sentence from its end.

    Returns:
        h and c after each step, `(N, hidden)`, in the order of x.
    """
    hidden, cells = _Sequence.apply(x, input_weight, hidden_weight, bias, tuple(batch_sizes), backwards)  # type: ignore[no-untyped-call]
    return hidden, cells


def packed_lstm_sequence(
    x: Tensor, input_map: nn.Module, hidden_map: nn.Module, batch_sizes: Sequence[int], *, backwards: bool = False
) -> tuple[Tensor, Tensor]:
    """As `lstm_sequence`, with weights that were laid out for a search; without gradients.

    Args:
        x: `(N, input)`.
        input_map: `W x + b`, `(N, input)` to `(N, 4 hidden)`.
        hidden_map: `U h`, `(B, hidden)` to `(B, 4 hidden)`.
        batch_sizes: Rows of each step, N in all.
        backwards: Read each sentence from its end.

    Returns:
        h and c after each step, `(N, hidden)`, in the order of x.
    """
    return _run(input_map(x), hidden_map, _Steps(tuple(batch_sizes), backwards))


def lstm_cell(early: Tensor, late: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """From the gates of one step to its states.

    Args:
        early: `(B, 4 hidden)`, one part of the gates before the nonlinearities, in PyTorch's order.
        late: `(B, 4 hidden)`, the other part.
        cell: c before, `(B, hidden)`.

    Returns:
        h and c, `(B, hidden)`.
    """
    hidden, cell = _Cell.apply(early, late, cell)  # type: ignore[no-untyped-call]
    return hidden, cell


def _forward(
    gates: Tensor, added: Tensor | None, before: Tensor | None, cell: Tensor, hidden: Tensor, known: int
) -> None:
    run = kernel("lstm_forward", gates)
    if run is None:
        raise AssertionError("asked for a kernel that is not there: see `has_lstm_kernel`")
    run(
        *(gates.data_ptr(), _address(added), _address(before), cell.data_ptr(), hidden.data_ptr()),
        *(len(gates), known, cell.shape[1], torch.get_num_threads()),
    )


def _backward(
    gates: Tensor,
    before: Tensor | None,
    cell: Tensor,
    upstream: tuple[Tensor, Tensor],
    later: Tensor | None,
    carried: Tensor,
    errors: Tensor,
    known: int,
) -> None:
    run = kernel("lstm_backward", gates)
    if run is None:
        raise AssertionError("asked for a kernel that is not there: see `has_lstm_kernel`")
    for_hidden, for_cell = upstream
    run(
        *(gates.data_ptr(), _address(before), cell.data_ptr(), for_hidden.data_ptr(), _address(later)),
        *(for_cell.data_ptr(), carried.data_ptr(), errors.data_ptr(), len(gates), known),
        *(0 if later is None else len(later), cell.shape[1], torch.get_num_threads()),
    )


def _address(x: Tensor | None) -> int | None:
    return None if x is None else x.data_ptr()


class _Steps:
    """Which rows of a packed sequence follow which.

    Args:
        batch_sizes: Rows of each step.
        backwards: Whether the last step is done first.

    Attributes:
        order: The steps, in the order in which they are done.
        rows: The rows of each step.
        previous: For each step, the rows that hold the states before it, of its first sentences; None at the first.
    """

    def __init__(self, batch_sizes: tuple[int, ...], backwards: bool) -> None:
        starts = list(accumulate(batch_sizes, initial=0))
        count = len(batch_sizes)
        self.rows = [slice(start, start + size) for start, size in zip(starts, batch_sizes, strict=False)]
        self.order = range(count - 1, -1, -1) if backwards else range(count)
        self.previous: list[slice | None] = []
        for step, size in enumerate(batch_sizes):
            other = step + 1 if backwards else step - 1
            known = min(size, batch_sizes[other]) if 0 <= other < count else 0
            self.previous.append(slice(starts[other], starts[other] + known) if known else None)

    def known(self, step: int) -> int:
        """How many sentences of a step have a step before it."""
        previous = self.previous[step]
        return 0 if previous is None else previous.stop - previous.start


def _run(gates: Tensor, hidden_product: Callable[[Tensor], Tensor], steps: _Steps) -> tuple[Tensor, Tensor]:
    """States h and c after each step; `gates` are those of the input before, and all of them after."""
    hidden, cells = (gates.new_empty(len(gates), gates.shape[1] // 4) for _ in "hc")
    for step in steps.order:
        rows, previous = steps.rows[step], steps.previous[step]
        added = None if previous is None else hidden_product(hidden[previous])
        before = None if previous is None else cells[previous]
        _forward(gates[rows], added, before, cells[rows], hidden[rows], steps.known(step))
    return hidden, cells


class _Sequence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        x: Tensor,
        input_weight: Tensor,
        hidden_weight: Tensor,
        bias: Tensor,
        batch_sizes: tuple[int, ...],
        backwards: bool,
    ) -> tuple[Tensor, Tensor]:
        steps = _Steps(batch_sizes, backwards)
        gates = linear(x, input_weight, bias)
        hidden, cells = _run(gates, lambda h: linear(h, hidden_weight), steps)
        ctx.steps = steps  # type: ignore[attr-defined]
        ctx.save_for_backward(x, input_weight, hidden_weight, gates, hidden, cells)
        return hidden, cells

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        x, input_weight, hidden_weight, gates, hidden, cells = ctx.saved_tensors  # type: ignore[attr-defined]
        steps: _Steps = ctx.steps  # type: ignore[attr-defined]
        for_hidden, for_cells = (one.contiguous() for one in upstream)
        errors, carried = torch.empty_like(gates), torch.empty(steps.rows[0].stop, hidden.shape[1])
        later: Tensor | None = None
        for step in reversed(steps.order):
            rows, previous, known = steps.rows[step], steps.previous[step], steps.known(step)
            before = None if previous is None else cells[previous]
            given = for_hidden[rows], for_cells[rows]
            _backward(gates[rows], before, cells[rows], given, later, carried, errors[rows], known)
            later = linear(errors[rows][:known], hidden_weight.T) if known else None
        linked = [(step, previous) for step, previous in enumerate(steps.previous) if previous is not None]
        after = torch.cat([errors[steps.rows[step]][: steps.known(step)] for step, _ in linked] or [errors[:0]])
        before_all = torch.cat([hidden[previous] for _, previous in linked] or [hidden[:0]])
        for_x, *_ = ctx.needs_input_grad  # type: ignore[attr-defined]
        return (
            linear(errors, input_weight.T) if for_x else None,
            weight_gradient(errors, x),
            weight_gradient(after, before_all),
            errors.sum(0),
            None,
            None,
        )


class _Cell(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, early: Tensor, late: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        gates, late, cell = early.clone(memory_format=torch.contiguous_format), late.contiguous(), cell.contiguous()
        hidden, after = torch.empty_like(cell), torch.empty_like(cell)
        _forward(gates, late, cell, after, hidden, len(cell))
        ctx.save_for_backward(gates, cell, after)
        return hidden, after

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, cell, after = ctx.saved_tensors  # type: ignore[attr-defined]
        errors, carried = torch.empty_like(gates), torch.empty(cell.shape)
        given = upstream[0].contiguous(), upstream[1].contiguous()
        _backward(gates, cell, after, given, None, carried, errors, len(cell))
        return errors, errors, carried.to(cell.dtype)
