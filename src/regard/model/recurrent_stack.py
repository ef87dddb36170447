"""Recurrent layers one above the other: the recurrence of every RNN decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.model.cells import LAYER_TYPES, CellState, PackedCell
from regard.native.dropout import Dropout
from regard.native.linear import Linear

StackState = tuple[CellState, ...]
"""The state of each layer, the lowest first."""


class RecurrentStack(nn.Module):
    """A decoder's recurrence, started from the encoder's summary.

    Args:
        cell: `rnn`, `gru` or `lstm`.
        embed_size: E, the input that is known beforehand.
        context_size: C, the input that each step brings (attention, fed state); 0 = none.
        hidden_size: D.
        num_layers: How many layers.
        summary_size: Width of the encoder's summary.
        residual: Add a layer's input to its output, from the second layer on.
        dropout: Between layers.
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
        make = LAYER_TYPES[cell]
        layers = [make(embed_size + context_size, hidden_size, embed_size)]
        layers += [make(hidden_size, hidden_size, 0) for _ in range(num_layers - 1)]
        self.layers = nn.ModuleList(layers)
        self.num_states = make.num_states
        self.hidden_size = hidden_size
        self.residual = residual
        self.dropout = Dropout(dropout)
        self.bridge = Linear(summary_size, num_layers * make.num_states * hidden_size)

    def start(self, summary: Tensor) -> StackState:
        """The first states, `tanh(W summary + b)` (Bahdanau 2015, A.2.2).

        Args:
            summary: `(B, summary_size)`.

        Returns:
            The state of each layer.
        """
        parts = torch.tanh(self.bridge(summary)).chunk(len(self.layers) * self.num_states, dim=-1)
        return tuple(tuple(parts[i : i + self.num_states]) for i in range(0, len(parts), self.num_states))

    def sequence(self, x: Tensor, states: StackState) -> tuple[Tensor, StackState]:
        """All steps at once, for decoders whose input is known beforehand.

        Args:
            x: `(B, T, E)`.
            states: Before the first step.

        Returns:
            `(B, T, D)` of the top layer, and the states after the last step.
        """
        after = []
        for number, (layer, state) in enumerate(zip(self.layers, states, strict=True)):
            y, state = layer.sequence(x, state)  # type: ignore[operator]
            x = y if number == 0 else self._join(x, y)
            x = x if layer is self.layers[-1] else self.dropout(x)
            after.append(state)
        return x, tuple(after)

    def input_gates(self, x: Tensor) -> Tensor:
        """The lowest layer's share of the known input `(..., E)`, for `step`."""
        gates: Tensor = self.layers[0].input_gates(x)  # type: ignore[operator]
        return gates

    def packed_cell(self) -> tuple[PackedCell, ...]:
        """Each layer's matrices laid out for `step`; taken once a sentence."""
        return tuple(layer.packed_cell() for layer in self.layers)  # type: ignore[operator]

    def step(
        self, early: Tensor, context: Tensor, states: StackState, weights: tuple[PackedCell, ...]
    ) -> tuple[Tensor, StackState]:
        """One step of all layers.

        Args:
            early: `(B, gates)`, from `early_gates`.
            context: `(B, C)`.
            states: Before the step.
            weights: From `step_weights`.

        Returns:
            `(B, D)` of the top layer, and the states after the step.
        """
        after: list[CellState] = []
        x = context
        for number, layer in enumerate(self.layers):
            if number:
                early = layer.input_gates(x[..., :0])  # type: ignore[operator]
            state = layer.step(early, x, states[number], weights[number])  # type: ignore[operator]
            x = state[0] if number == 0 else self._join(x, state[0])
            x = x if layer is self.layers[-1] else self.dropout(x)
            after.append(state)
        return x, tuple(after)

    def _join(self, below: Tensor, output: Tensor) -> Tensor:
        return below + output if self.residual else output
