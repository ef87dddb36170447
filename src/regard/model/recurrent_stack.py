"""A stack of recurrent layers: the recurrence of every RNN decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.model.cells import LAYER_TYPES, CellState, PackedCell
from regard.native.dropout import Dropout
from regard.native.linear import Linear

StackState = tuple[CellState, ...]
"""The state of each layer, the lowest first."""


class RecurrentStack(nn.Module):
    """The recurrent layers of a decoder, initialized from the encoder's summary.

    Args:
        cell: `rnn`, `gru` or `lstm`.
        embed_size: E, width of the embedded words, which are known before the first step.
        context_size: C, width of the input that is known only at its step, such as the context; 0 = none.
        hidden_size: D.
        num_layers: Number of layers.
        summary_size: Width of the encoder's summary.
        residual: Whether to add a layer's input to its output, from the second layer on.
        dropout: Probability, between layers.
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
        """The initial states, `tanh(W summary + b)` (Bahdanau 2015, A.2.2).

        Args:
            summary: `(B, summary_size)`.

        Returns:
            The state of each layer.
        """
        parts = torch.tanh(self.bridge(summary)).chunk(len(self.layers) * self.num_states, dim=-1)
        return tuple(tuple(parts[i : i + self.num_states]) for i in range(0, len(parts), self.num_states))

    def sequence(self, x: Tensor, states: StackState) -> tuple[Tensor, StackState]:
        """All steps at once, for decoders that know their whole input before the first step.

        Args:
            x: `(B, T, E)`.
            states: States before the first step.

        Returns:
            The top layer's output `(B, T, D)`, and the states after the last step.
        """
        after = []
        for number, (layer, state) in enumerate(zip(self.layers, states, strict=True)):
            y, state = layer.sequence(x, state)  # type: ignore[operator]
            x = y if number == 0 else self._add_residual(x, y)
            x = x if layer is self.layers[-1] else self.dropout(x)
            after.append(state)
        return x, tuple(after)

    def input_gates(self, x: Tensor) -> Tensor:
        """What the known input `(..., E)` and the biases add to the lowest layer's gates, `(..., gates)`."""
        gates: Tensor = self.layers[0].input_gates(x)  # type: ignore[operator]
        return gates

    def packed_cell(self) -> tuple[PackedCell, ...]:
        """The matrices of each layer prepared for `step`; call this once per sentence."""
        return tuple(layer.packed_cell() for layer in self.layers)  # type: ignore[operator]

    def step(
        self, input_gates: Tensor, context: Tensor, states: StackState, packed_cells: tuple[PackedCell, ...]
    ) -> tuple[Tensor, StackState]:
        """One step of all layers.

        Args:
            input_gates: `(B, gates)`, from `input_gates`.
            context: `(B, C)`.
            states: States before the step.
            packed_cells: From `packed_cell`.

        Returns:
            The top layer's output `(B, D)`, and the states after the step.
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
