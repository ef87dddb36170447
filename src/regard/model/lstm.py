"""Runs an LSTM over a sequence or a single step with few kernel calls (Hochreiter & Schmidhuber 1997).

Between the matrix products of two steps, PyTorch runs a dozen operators that read and write the gates. In the backward
pass, each step adds a matrix to the gradient of the weights. Here a single kernel runs between the products, and the
gradient of the weights is computed in one product over all steps. The LSTM has forget gates (Gers et al. 2000).
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
    """Whether the compiled LSTM kernel supports the type and device of a tensor, of any shape; False in autocast."""
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
    """Runs one direction of an LSTM layer over sentences of different lengths, with the compiled kernel.

    h and c are zero before the first step. Gates are in PyTorch's order: input, forget, candidate, output.

    Args:
        x: Inputs of all N tokens, `(N, input_size)`, in the order of PyTorch's `PackedSequence`: the first tokens of
            all sentences, longest sentence first, then the second tokens, and so on.
        input_weight: Weights of the input, `(4 * hidden, input_size)`.
        hidden_weight: Weights of h, `(4 * hidden, hidden)`.
        bias: Sum of PyTorch's two biases, `(4 * hidden,)`.
        batch_sizes: Number of sentences that have a token at each step; they add up to N.
        backwards: Whether to read each sentence from its end.

    Returns:
        h and c after each token, `(N, hidden)` each, in the order of x.
    """
    hidden, cells = _Sequence.apply(x, input_weight, hidden_weight, bias, tuple(batch_sizes), backwards)  # type: ignore[no-untyped-call]
    return hidden, cells


def packed_lstm_sequence(
    x: Tensor, input_map: nn.Module, hidden_map: nn.Module, batch_sizes: Sequence[int], *, backwards: bool = False
) -> tuple[Tensor, Tensor]:
    """Runs `lstm_sequence` in inference, with modules, such as `Int8Linear`, that compute the matrix products.

    Args:
        x: Inputs of all N tokens, `(N, input_size)`, in the order of PyTorch's `PackedSequence`.
        input_map: Module that computes `W x + b`, `(N, input_size)` to `(N, 4 * hidden)`.
        hidden_map: Module that computes `U h`, `(B, hidden)` to `(B, 4 * hidden)`.
        batch_sizes: Number of sentences that have a token at each step; they add up to N.
        backwards: Whether to read each sentence from its end.

    Returns:
        h and c after each token, `(N, hidden)` each, in the order of x; they have no gradients.
    """
    return _run(input_map(x), hidden_map, _Steps(tuple(batch_sizes), backwards))


def lstm_cell(input_gates: Tensor, recurrent_gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Computes the states h and c of an LSTM after one step, from its gates, with the compiled kernel.

    Gates are in PyTorch's order: input, forget, candidate, output.

    Args:
        input_gates: Part of the gates before the nonlinearities, such as `W x + b`, `(B, 4 * hidden)`.
        recurrent_gates: The other part, to be added, such as `U h`, `(B, 4 * hidden)`.
        cell: c before the step, `(B, hidden)`.

    Returns:
        h and c after the step, `(B, hidden)` each.
    """
    hidden, cell = _Cell.apply(input_gates, recurrent_gates, cell)  # type: ignore[no-untyped-call]
    return hidden, cell


def _forward(
    gates: Tensor,
    recurrent_gates: Tensor | None,
    previous_cell: Tensor | None,
    cell: Tensor,
    hidden: Tensor,
    num_continued: int,
) -> None:
    """One step of the kernel: writes cell and hidden, and the gates after the nonlinearities over the given ones."""
    run = kernel("lstm_forward", gates)
    if run is None:
        raise AssertionError(
            f"there is no compiled LSTM kernel for {gates.dtype} on {gates.device}: check `has_lstm_kernel` first"
        )
    run(
        *(gates.data_ptr(), _address(recurrent_gates), _address(previous_cell), cell.data_ptr(), hidden.data_ptr()),
        *(len(gates), num_continued, cell.shape[1], torch.get_num_threads()),
    )


def _backward(
    gates: Tensor,
    previous_cell: Tensor | None,
    cell: Tensor,
    output_grads: tuple[Tensor, Tensor],
    recurrent_grad: Tensor | None,
    cell_grad: Tensor,
    gate_grads: Tensor,
    num_continued: int,
) -> None:
    """One step of the backward kernel: writes gate_grads, and the gradient of the previous c into cell_grad."""
    run = kernel("lstm_backward", gates)
    if run is None:
        raise AssertionError(
            f"there is no compiled LSTM kernel for {gates.dtype} on {gates.device}: check `has_lstm_kernel` first"
        )
    hidden_grad, output_cell_grad = output_grads
    run(
        *(gates.data_ptr(), _address(previous_cell), cell.data_ptr(), hidden_grad.data_ptr(), _address(recurrent_grad)),
        *(output_cell_grad.data_ptr(), cell_grad.data_ptr(), gate_grads.data_ptr(), len(gates), num_continued),
        *(0 if recurrent_grad is None else len(recurrent_grad), cell.shape[1], torch.get_num_threads()),
    )


def _address(x: Tensor | None) -> int | None:
    return None if x is None else x.data_ptr()


class _Steps:
    """The order of the steps of a packed sequence, and the rows that each step continues.

    Args:
        batch_sizes: Number of rows of each step.
        backwards: Whether the last step is computed first.

    Attributes:
        order: Numbers of the steps, in the order in which they are computed.
        rows: The rows of each step.
        previous: For each step, the rows with the states that its first sentences continue; None if all its sentences
            start there.
    """

    def __init__(self, batch_sizes: tuple[int, ...], backwards: bool) -> None:
        starts = list(accumulate(batch_sizes, initial=0))
        count = len(batch_sizes)
        self.rows = [slice(start, start + size) for start, size in zip(starts, batch_sizes, strict=False)]
        self.order = range(count - 1, -1, -1) if backwards else range(count)
        self.previous: list[slice | None] = []
        for step, size in enumerate(batch_sizes):
            other = step + 1 if backwards else step - 1
            num_continued = min(size, batch_sizes[other]) if 0 <= other < count else 0
            self.previous.append(slice(starts[other], starts[other] + num_continued) if num_continued else None)

    def num_continued(self, step: int) -> int:
        """Number of sentences with a token at this step that also have one at the step computed before it."""
        previous = self.previous[step]
        return 0 if previous is None else previous.stop - previous.start


def _run(gates: Tensor, hidden_product: Callable[[Tensor], Tensor], steps: _Steps) -> tuple[Tensor, Tensor]:
    """States h and c after each step.

    `gates` holds the input's part of the gates; the complete gates, after the nonlinearities, are written over it.
    """
    hidden, cells = (gates.new_empty(len(gates), gates.shape[1] // 4) for _ in "hc")
    for step in steps.order:
        rows, previous = steps.rows[step], steps.previous[step]
        recurrent_gates = None if previous is None else hidden_product(hidden[previous])
        previous_cell = None if previous is None else cells[previous]
        _forward(gates[rows], recurrent_gates, previous_cell, cells[rows], hidden[rows], steps.num_continued(step))
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
    def backward(ctx: FunctionCtx, *output_grads: Tensor) -> tuple[Tensor | None, ...]:
        x, input_weight, hidden_weight, gates, hidden, cells = ctx.saved_tensors  # type: ignore[attr-defined]
        steps: _Steps = ctx.steps  # type: ignore[attr-defined]
        hidden_grads, output_cell_grads = (grad.contiguous() for grad in output_grads)
        gate_grads, cell_grad = torch.empty_like(gates), torch.empty(steps.rows[0].stop, hidden.shape[1])
        recurrent_grad: Tensor | None = None
        for step in reversed(steps.order):
            rows, previous, num_continued = steps.rows[step], steps.previous[step], steps.num_continued(step)
            previous_cell = None if previous is None else cells[previous]
            step_grads = hidden_grads[rows], output_cell_grads[rows]
            _backward(
                gates[rows], previous_cell, cells[rows], step_grads, recurrent_grad, cell_grad, gate_grads[rows],
                num_continued,
            )  # fmt: skip
            recurrent_grad = linear(gate_grads[rows][:num_continued], hidden_weight.T) if num_continued else None
        continued = [(step, previous) for step, previous in enumerate(steps.previous) if previous is not None]
        continued_grads = torch.cat(
            [gate_grads[steps.rows[step]][: steps.num_continued(step)] for step, _ in continued] or [gate_grads[:0]]
        )
        previous_hidden = torch.cat([hidden[previous] for _, previous in continued] or [hidden[:0]])
        needs_x_grad, *_ = ctx.needs_input_grad  # type: ignore[attr-defined]
        return (
            linear(gate_grads, input_weight.T) if needs_x_grad else None,
            weight_gradient(gate_grads, x),
            weight_gradient(continued_grads, previous_hidden),
            gate_grads.sum(0),
            None,
            None,
        )


class _Cell(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, input_gates: Tensor, recurrent_gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        gates = input_gates.clone(memory_format=torch.contiguous_format)  # the kernel writes over it
        recurrent_gates, cell = recurrent_gates.contiguous(), cell.contiguous()
        hidden, after = torch.empty_like(cell), torch.empty_like(cell)
        _forward(gates, recurrent_gates, cell, after, hidden, len(cell))
        ctx.save_for_backward(gates, cell, after)
        return hidden, after

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *output_grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, cell, after = ctx.saved_tensors  # type: ignore[attr-defined]
        gate_grads, cell_grad = torch.empty_like(gates), torch.empty(cell.shape)
        step_grads = output_grads[0].contiguous(), output_grads[1].contiguous()
        _backward(gates, cell, after, step_grads, None, cell_grad, gate_grads, len(cell))
        return gate_grads, gate_grads, cell_grad.to(cell.dtype)
