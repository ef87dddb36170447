"""Luong's decoder: takes the recurrent step first, then attends (Luong 2015, §3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regard.attention.history import AttentionHistory, AttentionWithHistory
from regard.model.cells import PackedCell
from regard.model.decoder import Decoder, State
from regard.model.recurrent_stack import RecurrentStack, StackState
from regard.native.dropout import Dropout
from regard.values import DecoderOutput, EncoderOutput, Memory


@dataclass(frozen=True)
class LuongState(State):
    """State of a `LuongDecoder` between two decoding steps.

    Attributes:
        layers: State of each recurrent layer.
        memory: Keys and values of the source for attention.
        attentional: Attentional state of the previous step, `s̃_{t-1}`, `(B, D)`; without input feeding, an empty
            tensor, `(B, 0)`.
        history: Attention weights of earlier steps, for attention that depends on them; otherwise None.
        packed_cells: Weights of each recurrent layer, prepared for single steps.
        position: t, the number of steps so far.
    """

    layers: StackState
    memory: Memory
    attentional: Tensor
    history: AttentionHistory | None
    packed_cells: tuple[PackedCell, ...]
    position: int = 0


class LuongDecoder(Decoder):
    """The recurrent decoder of Luong et al. 2015: takes the recurrent step, then attends with its new state.

    `s_t = RNN([emb(y_{t-1}); s̃_{t-1}], s_{t-1})`; `e_t = score(s_t, h)`; `α_t = softmax(e_t)`; `a_t = Σ α_{t,i} h_i`;
    `s̃_t = tanh(W_c [a_t; s_t] + b_c)`; `ŷ_t = softmax(W_y s̃_t + b_y)`. Without input feeding, `s̃_{t-1}` is not an
    input of the recurrence, and all steps are computed at once.

    Args:
        embedding: Embedding of target tokens, of width E.
        stack: The recurrent layers, which take `s̃_{t-1}` as their context with input feeding, otherwise no context.
        attention: Attention to the source.
        readout: Module that computes the attentional state `s̃_t` from `a_t` and `s_t`.
        input_feeding: Whether `s̃_{t-1}` is part of the recurrent layers' input (Luong 2015, §3.3).
        dropout: Dropout rate of the embeddings.
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        stack: RecurrentStack,
        attention: AttentionWithHistory,
        readout: nn.Module,
        *,
        input_feeding: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.stack = stack
        self.attention = attention
        self.readout = readout
        self.dropout = Dropout(dropout)
        self.output_size = int(readout.out_size)  # type: ignore[arg-type]
        self.input_feeding_size = self.output_size if input_feeding else 0

    def start(self, encoded: EncoderOutput) -> LuongState:
        """Makes the state before the first step from the encoder's final states. See `Decoder.start`."""
        if encoded.final is None:
            raise AssertionError(
                "a recurrent decoder needs the final states of an RNN encoder, but `EncoderOutput.final` is None: use "
                "an RNNEncoder"
            )
        memory = self.attention.project_memory(encoded.states, encoded.mask)
        attentional = encoded.states.new_zeros((len(encoded.states), self.input_feeding_size))
        layers = self.stack.start(encoded.final)
        return LuongState(layers, memory, attentional, self.attention.initial_history(memory), self.stack.packed_cell())

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """Takes one recurrent step, then attends to the source. See `Decoder.step`."""
        if not isinstance(state, LuongState):
            raise AssertionError(
                f"expected a state of this decoder, a LuongState, got {type(state).__name__}: pass a state "
                "that start() or step() of this decoder returned"
            )
        input_gates = self.stack.input_gates(self.dropout(self.embedding(ids)))
        return self._step(input_gates, state, need_weights=need_weights)

    def _step(self, input_gates: Tensor, state: LuongState, *, need_weights: bool) -> tuple[DecoderOutput, LuongState]:
        hidden, layers = self.stack.step(input_gates, state.attentional, state.layers, state.packed_cells)
        attended, history = self.attention(
            hidden[:, None], state.memory, state.history, start=state.position, need_weights=need_weights
        )
        attentional = self.readout(attended.context[:, 0], hidden)
        next_input = attentional if self.input_feeding_size else state.attentional
        after = LuongState(layers, state.memory, next_input, history, state.packed_cells, state.position + 1)
        weights = (attended.weights,) if need_weights else ()
        return DecoderOutput(attentional[:, None], weights), after

    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """Runs all steps at once, or one by one if a step needs earlier steps' attention. See `Decoder.forward`."""
        embedded = self.dropout(self.embedding(tgt_in_ids))
        state = self.start(encoded)
        if self.input_feeding_size or state.history is not None:
            return self._step_by_step(embedded, state, need_weights=need_weights)
        hidden, _ = self.stack.sequence(embedded, state.layers)
        attended, _ = self.attention(hidden, state.memory, None, need_weights=need_weights)
        return DecoderOutput(self.readout(attended.context, hidden), (attended.weights,) if need_weights else ())

    def _step_by_step(self, embedded: Tensor, state: LuongState, *, need_weights: bool) -> DecoderOutput:
        outputs = []
        for input_gates in self.stack.input_gates(embedded).unbind(1):
            output, state = self._step(input_gates, state, need_weights=need_weights)
            outputs.append(output)
        weights = (torch.cat([output.weights[0] for output in outputs], dim=2),) if need_weights else ()
        return DecoderOutput(torch.cat([output.hidden for output in outputs], dim=1), weights)
