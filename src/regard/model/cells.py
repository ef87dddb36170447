"""Recurrent layers that run over a whole sequence or one step at a time, with the same weights.

A layer's input has a part that is known beforehand (embedded words) and a part that is not (a context, the
layer below). Over a sequence PyTorch's fused kernels run; stepping, the known part of all steps is
multiplied at once and one matrix product a step remains.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regard.model.autocast_rnn import run_rnn
from regard.model.lstm import has_kernel, lstm_cell
from regard.native.linear import StepProduct, linear
from regard.native.packed import pack_linear

CellState = tuple[Tensor, ...]
"""`(h,)` or, for the LSTM, `(h, c)`; each `(B, hidden)`."""


@dataclass(frozen=True)
class PackedCell:
    """A layer's matrices laid out for stepping.

    Attributes:
        late: `(gates, context + hidden)`, or for the GRU `(gates, context)`: what multiplies the late input.
        hidden: `(gates, hidden)` for the GRU, whose reset gate acts on this product alone; else None.
        hidden_bias: `(gates,)` beside `hidden`.
    """

    late: Tensor | StepProduct | nn.Module
    hidden: Tensor | StepProduct | nn.Module | None = None
    hidden_bias: Tensor | None = None


def _multiply(x: Tensor, weight: Tensor | StepProduct | nn.Module, bias: Tensor | None = None) -> Tensor:
    if isinstance(weight, Tensor):
        return linear(x, weight, bias)
    product: Tensor = weight(x)
    return product if bias is None else product + bias


def _for_many_products(weight: Tensor) -> Tensor | StepProduct:
    # Else autocast would cast what is not a parameter, and a product copy what is part of a matrix, at every step.
    device = weight.device.type
    cast = weight.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else weight
    whole = cast.contiguous()
    return StepProduct(whole) if torch.is_grad_enabled() and whole.requires_grad and whole.numel() else whole


StepWeight = Tensor | StepProduct | nn.Module | None


def _laid_out(weight: StepWeight, precision: str) -> StepWeight:
    if not isinstance(weight, Tensor):
        return weight
    # An empty part of a matrix would keep the whole of it.
    return pack_linear(weight, precision=precision) if weight.numel() else weight.clone()


class RecurrentLayer(nn.Module, ABC):
    """Base of the three kinds of layer.

    Args:
        rnn: PyTorch's layer, one direction, batch first; it owns the weights.
        early_size: How many of its inputs are known beforehand; the rest come at each step.
    """

    num_states = 1

    def __init__(self, rnn: nn.RNNBase, early_size: int) -> None:
        super().__init__()
        self.rnn = rnn
        self.early_size = early_size
        self.early_map: nn.Module | None = None  # these four for searches alone
        self.packed: PackedCell | None = None
        self.bias: Tensor | None = None
        self.is_rounded = False

    def pack(self, precision: str) -> None:
        """Lays out the weights of `early_gates` and of `step` once and for all; they are not trained any more.

        Args:
            precision: As in `pack_linear`. Weights rounded to 8 bits are kept in no other form, so a sequence is then
                computed step by step.
        """
        weights = self.packed_cell()
        early, self.bias = self._weight("weight_ih_l0")[:, : self.early_size], self._early_bias().detach()
        self.early_map = pack_linear(early, self.bias, precision=precision) if self.early_size else None
        late, hidden = (_laid_out(weight, precision) for weight in (weights.late, weights.hidden))
        if late is not None:
            self.packed = PackedCell(late, hidden, weights.hidden_bias)
        if precision == "int8":
            self.is_rounded = True
            del self.rnn

    def sequence(self, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """All steps at once.

        Args:
            x: `(B, T, input)`.
            state: Before the first step.

        Returns:
            `(B, T, hidden)` and the state after the last step.
        """
        if self.is_rounded:
            return self._by_steps(x, state)
        initial = tuple(part[None].contiguous() for part in state)  # (B, hidden) -> (1, B, hidden)
        output, last = run_rnn(self.rnn, x, initial if len(initial) > 1 else initial[0])
        return output, tuple(part[0] for part in (last if isinstance(last, tuple) else (last,)))

    def _by_steps(self, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        weights, outputs = self.packed_cell(), []
        gates, late = self.input_gates(x[..., : self.early_size]), x[..., self.early_size :]
        for early, rest in zip(gates.unbind(1), late.unbind(1), strict=True):
            state = self.step(early, rest, state, weights)
            outputs.append(state[0])
        return torch.stack(outputs, dim=1), state

    def _weight(self, name: str) -> Tensor:
        return self.rnn.get_parameter(name)

    def input_gates(self, x: Tensor) -> Tensor:
        """What the known inputs and the biases add to the gates.

        Args:
            x: `(..., early_size)`.

        Returns:
            `(..., gates)`.
        """
        if self.early_map is not None:
            gates: Tensor = self.early_map(x)
            return gates
        if self.bias is not None:  # nothing is known beforehand
            return self.bias.expand(*x.shape[:-1], -1)
        return linear(x, self._weight("weight_ih_l0")[:, : self.early_size], self._early_bias())

    def _early_bias(self) -> Tensor:
        return self._weight("bias_ih_l0") + self._weight("bias_hh_l0")

    def packed_cell(self) -> PackedCell:
        """The matrices of the steps; to be taken once a sentence, not once a step."""
        if self.packed is not None:
            return self.packed
        late = torch.cat((self._weight("weight_ih_l0")[:, self.early_size :], self._weight("weight_hh_l0")), dim=1)
        return PackedCell(_for_many_products(late))

    @abstractmethod
    def step(self, early: Tensor, late: Tensor, state: CellState, weights: PackedCell) -> CellState:
        """One step.

        Args:
            early: `(B, gates)`, from `early_gates`.
            late: `(B, input - early_size)`, the input that was not known before.
            state: Before the step.
            weights: From `step_weights`.

        Returns:
            The state after the step; its first tensor is the output.
        """


class ElmanLayer(RecurrentLayer):
    """`h' = tanh(W x + U h + b)`.

    Args:
        input_size: Width of the whole input.
        hidden_size: Width of h.
        early_size: Width of the part that is known beforehand.
    """

    def __init__(self, input_size: int, hidden_size: int, early_size: int) -> None:
        super().__init__(nn.RNN(input_size, hidden_size, batch_first=True), early_size)

    def step(self, early: Tensor, late: Tensor, state: CellState, weights: PackedCell) -> CellState:
        """See `RecurrentLayer.step`."""
        return (torch.tanh(early + _multiply(torch.cat((late, state[0]), dim=-1), weights.late)),)


class LSTMLayer(RecurrentLayer):
    """Long short-term memory with forget gates (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

    Args:
        input_size: Width of the whole input.
        hidden_size: Width of h and c.
        early_size: Width of the part that is known beforehand.
    """

    num_states = 2

    def __init__(self, input_size: int, hidden_size: int, early_size: int) -> None:
        super().__init__(nn.LSTM(input_size, hidden_size, batch_first=True), early_size)
        with torch.no_grad():  # remember by default (Jozefowicz et al. 2015)
            self._weight("bias_ih_l0")[hidden_size : 2 * hidden_size] += 1.0

    def step(self, early: Tensor, late: Tensor, state: CellState, weights: PackedCell) -> CellState:
        """See `RecurrentLayer.step`."""
        hidden, cell = state
        product = _multiply(torch.cat((late, hidden), dim=-1), weights.late)
        if early.dtype == product.dtype == cell.dtype and has_kernel(cell):
            return lstm_cell(early, product, cell)
        gates = early + product
        write, forget, candidate, read = gates.chunk(4, dim=-1)
        cell = torch.sigmoid(forget) * cell + torch.sigmoid(write) * torch.tanh(candidate)
        return torch.sigmoid(read) * torch.tanh(cell), cell


class GRULayer(RecurrentLayer):
    """Gated recurrent unit (Cho et al. 2014), in PyTorch's form: the reset gate acts after the product with U.

    Args:
        input_size: Width of the whole input.
        hidden_size: Width of h.
        early_size: Width of the part that is known beforehand.
    """

    def __init__(self, input_size: int, hidden_size: int, early_size: int) -> None:
        super().__init__(nn.GRU(input_size, hidden_size, batch_first=True), early_size)

    def _early_bias(self) -> Tensor:
        return self._weight("bias_ih_l0")

    def packed_cell(self) -> PackedCell:
        """See `RecurrentLayer.packed_cell`."""
        if self.packed is not None:
            return self.packed
        late = _for_many_products(self._weight("weight_ih_l0")[:, self.early_size :])
        return PackedCell(late, _for_many_products(self._weight("weight_hh_l0")), self._weight("bias_hh_l0"))

    def step(self, early: Tensor, late: Tensor, state: CellState, weights: PackedCell) -> CellState:
        """See `RecurrentLayer.step`."""
        (hidden,) = state
        if weights.hidden is None:
            raise AssertionError("a GRU's step weights come from its own step_weights()")
        reset_x, update_x, candidate_x = (early + _multiply(late, weights.late)).chunk(3, dim=-1)
        reset_h, update_h, candidate_h = _multiply(hidden, weights.hidden, weights.hidden_bias).chunk(3, dim=-1)
        candidate = torch.tanh(candidate_x + torch.sigmoid(reset_x + reset_h) * candidate_h)
        update = torch.sigmoid(update_x + update_h)
        return (candidate + update * (hidden - candidate),)


LAYERS: dict[str, type[ElmanLayer] | type[LSTMLayer] | type[GRULayer]] = {
    "rnn": ElmanLayer,
    "lstm": LSTMLayer,
    "gru": GRULayer,
}
