"""Recurrent layers that run over a whole sequence or one step at a time, with the same weights.

The input of a layer has two parts: one that is known before the first step (embedded words), and one that is computed
only during each step (the context vector, or the output of the layer below). A whole sequence runs in PyTorch's fused
kernels. For single steps, the known part of all steps is multiplied by its weights at once, which leaves one matrix
product per step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regard.model.autocast_rnn import run_rnn
from regard.model.lstm import has_lstm_kernel, lstm_cell
from regard.native.linear import StepProduct, linear
from regard.native.packed import pack_linear

CellState = tuple[Tensor, ...]
"""`(h,)` or, for the LSTM, `(h, c)`; each `(B, hidden)`."""


@dataclass(frozen=True)
class PackedCell:
    """Weight matrices of a recurrent layer, prepared for running single time steps.

    The number of rows, `num_gates`, is the width of all gates together. The step input is the part of the layer's input
    that is computed only during each step, such as the context vector.

    Attributes:
        step_weight: Matrix that multiplies the step input and h together, `(num_gates, step_input + hidden)`; for a
            GRU, the matrix that multiplies the step input alone, `(num_gates, step_input)`.
        hidden_weight: For a GRU, the matrix that multiplies h, `(num_gates, hidden)`, because its reset gate acts on
            this product alone; otherwise None.
        hidden_bias: Bias of the product with `hidden_weight`, `(num_gates,)`; None without `hidden_weight`.
    """

    step_weight: Tensor | StepProduct | nn.Module
    hidden_weight: Tensor | StepProduct | nn.Module | None = None
    hidden_bias: Tensor | None = None


def _multiply(x: Tensor, weight: Tensor | StepProduct | nn.Module, bias: Tensor | None = None) -> Tensor:
    if isinstance(weight, Tensor):
        return linear(x, weight, bias)
    product: Tensor = weight(x)
    return product if bias is None else product + bias


def _for_many_products(weight: Tensor) -> Tensor | StepProduct:
    # Autocast caches casts of parameters only and would cast this matrix again at every step; a product would copy a
    # slice of a matrix again at every step. Both are done once here.
    device = weight.device.type
    cast = weight.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else weight
    dense = cast.contiguous()
    return StepProduct(dense) if torch.is_grad_enabled() and dense.requires_grad and dense.numel() else dense


StepWeight = Tensor | StepProduct | nn.Module | None


def _pack_step_weight(weight: StepWeight, precision: str) -> StepWeight:
    if not isinstance(weight, Tensor):
        return weight
    # An empty slice is cloned, because a view would keep the whole matrix in memory.
    return pack_linear(weight, precision=precision) if weight.numel() else weight.clone()


class RecurrentLayer(nn.Module, ABC):
    """Base class of the recurrent layers of decoders: Elman, LSTM and GRU.

    A layer runs over a whole sequence at once (`sequence`), or one time step at a time (`step`). The first part of its
    input may be known before the first step (embedded words). The rest, the step input, is computed only during each
    step (the context vector, or the output of the layer below).

    Args:
        rnn: Recurrent layer of PyTorch with one direction, batch first; its weights are used.
        known_size: Width of the part of the input that is known before the first step.
    """

    num_states = 1

    def __init__(self, rnn: nn.RNNBase, known_size: int) -> None:
        super().__init__()
        self.rnn = rnn
        self.known_size = known_size
        # The next four are set by `pack` only. `early_map` maps the known input to its part of the gates.
        self.early_map: nn.Module | None = None
        self.packed: PackedCell | None = None
        self.bias: Tensor | None = None
        self.is_quantized = False

    def pack(self, precision: str) -> None:
        """Prepares the weights for fast single steps in inference; the layer cannot be trained afterwards.

        Args:
            precision: Type of the matrix products: `float32`, `bfloat16` or `int8`. With `int8`, only the quantized
                weights are kept, and `sequence` runs step by step.
        """
        unpacked = self.packed_cell()
        known_weight, self.bias = self._weight("weight_ih_l0")[:, : self.known_size], self._input_bias().detach()
        self.early_map = pack_linear(known_weight, self.bias, precision=precision) if self.known_size else None
        step_weight, hidden_weight = (
            _pack_step_weight(weight, precision) for weight in (unpacked.step_weight, unpacked.hidden_weight)
        )
        if step_weight is not None:
            self.packed = PackedCell(step_weight, hidden_weight, unpacked.hidden_bias)
        if precision == "int8":
            self.is_quantized = True
            del self.rnn

    def sequence(self, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """Runs the layer over all time steps at once.

        Args:
            x: Inputs of all steps, `(B, T, input_size)`.
            state: State before the first step: h, or h and c for an LSTM, `(B, hidden)` each.

        Returns:
            The outputs of all steps, `(B, T, hidden)`, and the state after the last step.
        """
        if self.is_quantized:
            return self._step_by_step(x, state)
        initial = tuple(part[None].contiguous() for part in state)  # (B, hidden) -> (1, B, hidden)
        output, final = run_rnn(self.rnn, x, initial if len(initial) > 1 else initial[0])
        return output, tuple(part[0] for part in (final if isinstance(final, tuple) else (final,)))

    def _step_by_step(self, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        packed, outputs = self.packed_cell(), []
        all_gates, all_inputs = self.input_gates(x[..., : self.known_size]), x[..., self.known_size :]
        for input_gates, step_input in zip(all_gates.unbind(1), all_inputs.unbind(1), strict=True):
            state = self.step(input_gates, step_input, state, packed)
            outputs.append(state[0])
        return torch.stack(outputs, dim=1), state

    def _weight(self, name: str) -> Tensor:
        return self.rnn.get_parameter(name)

    def input_gates(self, x: Tensor) -> Tensor:
        """Computes the part of the gates that comes from the known input and the biases, before the nonlinearities.

        Args:
            x: The part of the input that is known before the first step, `(..., known_size)`; may cover many steps.

        Returns:
            The argument `input_gates` of `step`, `(..., num_gates)`; num_gates = width of all gates together.
        """
        if self.early_map is not None:
            gates: Tensor = self.early_map(x)
            return gates
        if self.bias is not None:  # packed, and no input is known before the first step
            return self.bias.expand(*x.shape[:-1], -1)
        return linear(x, self._weight("weight_ih_l0")[:, : self.known_size], self._input_bias())

    def _input_bias(self) -> Tensor:
        return self._weight("bias_ih_l0") + self._weight("bias_hh_l0")

    def packed_cell(self) -> PackedCell:
        """Prepares the weight matrices for `step`; call this method once per sentence, not once per step."""
        if self.packed is not None:
            return self.packed
        weight = torch.cat((self._weight("weight_ih_l0")[:, self.known_size :], self._weight("weight_hh_l0")), dim=1)
        return PackedCell(_for_many_products(weight))

    @abstractmethod
    def step(self, input_gates: Tensor, step_input: Tensor, state: CellState, packed: PackedCell) -> CellState:
        """Runs the layer for one time step.

        Args:
            input_gates: The part of the gates that the method `input_gates` computes, `(B, num_gates)`; num_gates =
                width of all gates together.
            step_input: The rest of the input, which is computed only during this step, `(B, input_size - known_size)`.
            state: State before the step: h, or h and c for an LSTM, `(B, hidden)` each.
            packed: Weight matrices from `packed_cell`.

        Returns:
            The state after the step; its first tensor, h, is the layer's output.
        """


class ElmanLayer(RecurrentLayer):
    """Elman recurrent layer, `h' = tanh(W x + U h + b)` for input x and previous state h.

    Args:
        input_size: Width of the whole input.
        hidden_size: Width of h.
        known_size: Width of the part of the input that is known before the first step.
    """

    def __init__(self, input_size: int, hidden_size: int, known_size: int) -> None:
        super().__init__(nn.RNN(input_size, hidden_size, batch_first=True), known_size)

    def step(self, input_gates: Tensor, step_input: Tensor, state: CellState, packed: PackedCell) -> CellState:
        """Computes h after one time step of the Elman layer. See `RecurrentLayer.step`."""
        product = _multiply(torch.cat((step_input, state[0]), dim=-1), packed.step_weight)
        return (torch.tanh(input_gates + product),)


class LSTMLayer(RecurrentLayer):
    """LSTM layer with forget gates (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

    Args:
        input_size: Width of the whole input.
        hidden_size: Width of the states h and c.
        known_size: Width of the part of the input that is known before the first step.
    """

    num_states = 2

    def __init__(self, input_size: int, hidden_size: int, known_size: int) -> None:
        super().__init__(nn.LSTM(input_size, hidden_size, batch_first=True), known_size)
        with torch.no_grad():  # a forget gate that starts open (Jozefowicz et al. 2015)
            self._weight("bias_ih_l0")[hidden_size : 2 * hidden_size] += 1.0

    def step(self, input_gates: Tensor, step_input: Tensor, state: CellState, packed: PackedCell) -> CellState:
        """Computes h and c after one time step of the LSTM. See `RecurrentLayer.step`."""
        hidden, cell = state
        product = _multiply(torch.cat((step_input, hidden), dim=-1), packed.step_weight)
        if input_gates.dtype == product.dtype == cell.dtype and has_lstm_kernel(cell):
            return lstm_cell(input_gates, product, cell)
        gates = input_gates + product
        input_gate, forget_gate, candidate, output_gate = gates.chunk(4, dim=-1)
        cell = torch.sigmoid(forget_gate) * cell + torch.sigmoid(input_gate) * torch.tanh(candidate)
        return torch.sigmoid(output_gate) * torch.tanh(cell), cell


class GRULayer(RecurrentLayer):
    """GRU layer (Cho et al. 2014), whose reset gate multiplies `U h`, as in PyTorch, instead of h.

    Args:
        input_size: Width of the whole input.
        hidden_size: Width of the state h.
        known_size: Width of the part of the input that is known before the first step.
    """

    def __init__(self, input_size: int, hidden_size: int, known_size: int) -> None:
        super().__init__(nn.GRU(input_size, hidden_size, batch_first=True), known_size)

    def _input_bias(self) -> Tensor:
        return self._weight("bias_ih_l0")

    def packed_cell(self) -> PackedCell:
        """Prepares the weights for `step`: one matrix for `step_input`, one for h. See `RecurrentLayer.packed_cell`."""
        if self.packed is not None:
            return self.packed
        step_weight = _for_many_products(self._weight("weight_ih_l0")[:, self.known_size :])
        return PackedCell(step_weight, _for_many_products(self._weight("weight_hh_l0")), self._weight("bias_hh_l0"))

    def step(self, input_gates: Tensor, step_input: Tensor, state: CellState, packed: PackedCell) -> CellState:
        """Computes h after one time step of the GRU. See `RecurrentLayer.step`."""
        (hidden,) = state
        if packed.hidden_weight is None:
            raise AssertionError("expected the PackedCell that packed_cell() of this GRU returned, got another layer's")
        reset_x, update_x, candidate_x = (input_gates + _multiply(step_input, packed.step_weight)).chunk(3, dim=-1)
        reset_h, update_h, candidate_h = _multiply(hidden, packed.hidden_weight, packed.hidden_bias).chunk(3, dim=-1)
        candidate = torch.tanh(candidate_x + torch.sigmoid(reset_x + reset_h) * candidate_h)
        update = torch.sigmoid(update_x + update_h)
        return (candidate + update * (hidden - candidate),)


LAYER_TYPES: dict[str, type[ElmanLayer] | type[LSTMLayer] | type[GRULayer]] = {
    "rnn": ElmanLayer,
    "lstm": LSTMLayer,
    "gru": GRULayer,
}
"""By `RNNConfig.cell`."""
