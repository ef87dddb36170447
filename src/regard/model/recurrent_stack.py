"""The stack of recurrent layers that all RNN decoders use."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.model.cells import LAYER_TYPES, CellState, PackedCell
from regard.native.dropout import Dropout
from regard.native.linear import Linear

StackState = tuple[CellState, ...]
"""The state of each layer, the lowest first."""


class RecurrentStack(nn.Module):
    """The recurrent layers of a decoder, whose initial states are computed from the encoder's final states.

    Args:
        cell: Type of the layers: `rnn` (Elman), `gru` or `lstm`.
        embed_size: E, the width of the embedded words, the part of the input that is known before the first step.
        context_size: C, the width of the part of the input that is computed only during each step, such as the context
            vector; 0 = there is none.
        hidden_size: D, the width of the layers' states.
        num_layers: Number of layers.
        summary_size: Width of the encoder's final states, concatenated.
        residual: Whether to add a layer's input to its output, from the second layer on.
        dropout: Dropout rate between layers.
    """

    def __init__(
        self,
        cell: str,
        embed_size: int,
        context_size: int,
        hidden_size: int,
        num_layers: int,
        summary_size: int,
        *,
        residual: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        layer_type = LAYER_TYPES[cell]
        layers = [layer_type(embed_size + context_size, hidden_size, embed_size)]
        layers += [layer_type(hidden_size, hidden_size, 0) for _ in range(num_layers - 1)]
        self.layers = nn.ModuleList(layers)
        self.num_states = layer_type.num_states
        self.hidden_size = hidden_size
        self.residual = residual
        self.dropout = Dropout(dropout)
        self.bridge = Linear(summary_size, num_layers * layer_type.num_states * hidden_size)

    def start(self, summary: Tensor) -> StackState:
        """Computes the initial states of all layers, `tanh(W summary + b)` (Bahdanau 2015, A.2.2).

        Args:
            summary: Final states of the encoder, concatenated, `(B, summary_size)`.

        Returns:
            The initial state of each layer.
        """
        parts = torch.tanh(self.bridge(summary)).chunk(len(self.layers) * self.num_states, dim=-1)
        return tuple(tuple(parts[i : i + self.num_states]) for i in range(0, len(parts), self.num_states))

    def sequence(self, x: Tensor, states: StackState) -> tuple[Tensor, StackState]:
        """Runs all layers over all steps at once, for decoders that know their whole input before the first step.

        Args:
            x: Embedded words of all steps, `(B, T, E)`.
            states: State of each layer before the first step.

        Returns:
            The outputs of the top layer, `(B, T, D)`, and the state of each layer after the last step.
        """
        after = []
        for number, (layer, state) in enumerate(zip(self.layers, states, strict=True)):
            y, state = layer.sequence(x, state)  # type: ignore[operator]
            x = y if number == 0 else self._add_residual(x, y)
            x = x if layer is self.layers[-1] else self.dropout(x)
            after.append(state)
        return x, tuple(after)

    def input_gates(self, x: Tensor) -> Tensor:
        """Computes the part of the lowest layer's gates that comes from embedded words, `(..., E)`, and biases.

        Returns a tensor `(..., num_gates)`, for `step`. See `RecurrentLayer.input_gates`.
        """
        gates: Tensor = self.layers[0].input_gates(x)  # type: ignore[operator]
        return gates

    def packed_cell(self) -> tuple[PackedCell, ...]:
        """Prepares the weight matrices of each layer for `step`; call this method once per sentence."""
        return tuple(layer.packed_cell() for layer in self.layers)  # type: ignore[operator]

    def step(
        self, input_gates: Tensor, context: Tensor, states: StackState, packed_cells: tuple[PackedCell, ...]
    ) -> tuple[Tensor, StackState]:
        """Runs all layers for one time step.

        Args:
            input_gates: The part of the lowest layer's gates that the method `input_gates` computes, `(B, num_gates)`;
                num_gates = width of all gates together.
            context: The rest of the lowest layer's input, such as the context vector, `(B, C)`, C = `context_size`.
            states: State of each layer before the step.
            packed_cells: Weight matrices of each layer from `packed_cell`.

        Returns:
            The output of the top layer, `(B, D)`, and the state of each layer after the step.
        """
        after: list[CellState] = []
        x = context
        for number, layer in enumerate(self.layers):
            if number:
                input_gates = layer.input_gates(x[..., :0])  # type: ignore[operator]
            state = layer.step(input_gates, x, states[number], packed_cells[number])  # type: ignore[operator]
            x = state[0] if number == 0 else self._add_residual(x, state[0])
            x = x if layer is self.layers[-1] else self.dropout(x)
            after.append(state)
        return x, tuple(after)

    def _add_residual(self, x: Tensor, output: Tensor) -> Tensor:
        return x + output if self.residual else output
