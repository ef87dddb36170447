"""Luong's decoder: first the recurrent step, then the look at the source (Luong 2015, §3). S3-S7."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regard.attention.history import AttentionHistory, AttentionWithHistory
from regard.model.cells import PackedCell
from regard.model.decoder import Decoder, State
from regard.model.stack import RecurrentStack, StackState
from regard.native.dropout import Dropout
from regard.values import DecoderOutput, EncoderOutput, Memory


@dataclass(frozen=True)
class LuongState(State):
    """All that a step needs.

    Attributes:
        layers: The recurrence's state.
        memory: The source, keys projected.
        fed: `(B, D)`, the last attentional state `s̃_{t-1}` (input feeding), else `(B, 0)`.
        attended: What earlier looks found, where the attention asks for it.
        weights: The recurrence's matrices laid out for steps.
        position: t, steps done.
    """

    layers: StackState
    memory: Memory
    fed: Tensor
    attended: AttentionHistory | None
    weights: tuple[PackedCell, ...]
    position: int = 0


class LuongDecoder(Decoder):
    """The five steps of dot-product attention and their variants.

    `s_t = RNN([emb(y_{t-1}); s̃_{t-1}], s_{t-1})`; `e_t = score(s_t, h)`; `α_t = softmax(e_t)`; `a_t = Σ α_{t,i} h_i`;
    `s̃_t = tanh(W_c [a_t; s_t] + b_c)`; `ŷ_t = softmax(W_y s̃_t + b_y)`. Without input feeding `s̃_{t-1}` stays
    out of the recurrence, and all steps run and attend at once.

    Args:
        embedding: Target words to `(B, T, E)`.
        stack: The recurrence; its context is `s̃_{t-1}` with input feeding, nothing without.
        attention: The look at the source.
        readout: `[a_t; s_t]` to `s̃_t`.
        input_feeding: Whether `s̃_{t-1}` joins the input (Luong 2015, §3.3).
        dropout: On embeddings.
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
        self.fed_size = self.output_size if input_feeding else 0

    def start(self, encoded: EncoderOutput) -> LuongState:
        """See `Decoder.start`."""
        if encoded.final is None:
            raise AssertionError("a recurrent decoder needs an encoder with a summary")
        memory = self.attention.project_memory(encoded.states, encoded.mask)
        fed = encoded.states.new_zeros((len(encoded.states), self.fed_size))
        layers = self.stack.start(encoded.final)
        return LuongState(layers, memory, fed, self.attention.initial_history(memory), self.stack.packed_cell())

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """See `Decoder.step`."""
        if not isinstance(state, LuongState):
            raise AssertionError("the state comes from another decoder")
        early = self.stack.input_gates(self.dropout(self.embedding(ids)))
        return self._step(early, state, need_weights=need_weights)

    def _step(self, early: Tensor, state: LuongState, *, need_weights: bool) -> tuple[DecoderOutput, LuongState]:
        hidden, layers = self.stack.step(early, state.fed, state.layers, state.weights)
        looked, attended = self.attention(
            hidden[:, None], state.memory, state.attended, start=state.position, need_weights=need_weights
        )
        attentional = self.readout(looked.context[:, 0], hidden)
        fed = attentional if self.fed_size else state.fed
        after = LuongState(layers, state.memory, fed, attended, state.weights, state.position + 1)
        weights = (looked.weights,) if need_weights else ()
        return DecoderOutput(attentional[:, None], weights), after

    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """See `Decoder.forward`."""
        embedded = self.dropout(self.embedding(tgt_in_ids))
        state = self.start(encoded)
        if self.fed_size or state.attended is not None:
            return self._step_by_step(embedded, state, need_weights=need_weights)
        hidden, _ = self.stack.sequence(embedded, state.layers)
        looked, _ = self.attention(hidden, state.memory, None, need_weights=need_weights)
        return DecoderOutput(self.readout(looked.context, hidden), (looked.weights,) if need_weights else ())

    def _step_by_step(self, embedded: Tensor, state: LuongState, *, need_weights: bool) -> DecoderOutput:
        outputs = []
        for early in self.stack.input_gates(embedded).unbind(1):
            output, state = self._step(early, state, need_weights=need_weights)
            outputs.append(output)
        weights = (torch.cat([output.weights[0] for output in outputs], dim=2),) if need_weights else ()
        return DecoderOutput(torch.cat([output.hidden for output in outputs], dim=1), weights)
