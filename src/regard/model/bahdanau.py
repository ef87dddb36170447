"""Bahdanau's decoder: first the look at the source, then the recurrent step (Bahdanau 2015, §3.1, A.2.2). S8."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regard.attention.history import AttentionHistory, AttentionWithHistory
from regard.model.cells import PackedCell
from regard.model.decoder import Decoder, State
from regard.model.stack import RecurrentStack, StackState
from regard.native.dropout import Dropout
from regard.values import AttentionOutput, DecoderOutput, EncoderOutput, Memory


@dataclass(frozen=True)
class BahdanauState(State):
    """All that a step needs.

    Attributes:
        layers: The recurrence's state.
        top: `(B, D)`, output of the top layer, `s_{t-1}`: the next query.
        memory: The source, keys projected.
        attended: What earlier looks found, where the attention asks for it.
        weights: The recurrence's matrices laid out for steps.
        position: t, steps done.
    """

    layers: StackState
    top: Tensor
    memory: Memory
    attended: AttentionHistory | None
    weights: tuple[PackedCell, ...]
    position: int = 0


class BahdanauDecoder(Decoder):
    """The previous state asks, the answer enters the recurrence.

    `e_{t,i} = score(s_{t-1}, h_i)`; `α_t = softmax(e_t)`; `c_t = Σ α_{t,i} h_i`;
    `s_t = RNN([emb(y_{t-1}); c_t], s_{t-1})`; `ŷ_t = softmax(W_y readout(s_t, c_t, emb(y_{t-1})) + b_y)`.

    Args:
        embedding: Target words to `(B, T, E)`.
        stack: The recurrence; its context is `c_t`.
        attention: The look at the source.
        readout: What goes to the output layer.
        deep_output: Whether the readout takes `s_t`, `c_t` and the embedding, or `s_t` alone.
        dropout: On embeddings.
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        stack: RecurrentStack,
        attention: AttentionWithHistory,
        readout: nn.Module,
        *,
        deep_output: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.stack = stack
        self.attention = attention
        self.readout = readout
        self.deep_output = deep_output
        self.dropout = Dropout(dropout)
        self.output_size = int(readout.out_size)  # type: ignore[arg-type]

    def start(self, encoded: EncoderOutput) -> BahdanauState:
        """See `Decoder.start`."""
        if encoded.final is None:
            raise AssertionError("a recurrent decoder needs an encoder with a summary")
        memory = self.attention.project_memory(encoded.states, encoded.mask)
        layers = self.stack.start(encoded.final)
        return BahdanauState(
            layers, layers[-1][0], memory, self.attention.initial_history(memory), self.stack.packed_cell()
        )

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """See `Decoder.step`."""
        if not isinstance(state, BahdanauState):
            raise AssertionError("the state comes from another decoder")
        embedded = self.dropout(self.embedding(ids))
        looked, state = self._step(self.stack.input_gates(embedded), state, need_weights=need_weights)
        hidden = self._read_out(state.top, looked.context[:, 0], embedded)
        return DecoderOutput(hidden[:, None], (looked.weights,) if need_weights else ()), state  # type: ignore[arg-type]

    def _step(
        self, early: Tensor, state: BahdanauState, *, need_weights: bool
    ) -> tuple[AttentionOutput, BahdanauState]:
        looked, attended = self.attention(
            state.top[:, None], state.memory, state.attended, start=state.position, need_weights=need_weights
        )
        top, layers = self.stack.step(early, looked.context[:, 0], state.layers, state.weights)
        return looked, BahdanauState(layers, top, state.memory, attended, state.weights, state.position + 1)

    def _read_out(self, top: Tensor, context: Tensor, embedded: Tensor) -> Tensor:
        parts = (top, context, embedded) if self.deep_output else (top,)
        hidden: Tensor = self.readout(*parts)
        return hidden

    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """See `Decoder.forward`; the steps follow one another, the readout takes them all at once."""
        embedded = self.dropout(self.embedding(tgt_in_ids))
        state = self.start(encoded)
        tops, looks = [], []
        for early in self.stack.input_gates(embedded).unbind(1):
            looked, state = self._step(early, state, need_weights=need_weights)
            tops.append(state.top)
            looks.append(looked)
        context = torch.cat([looked.context for looked in looks], dim=1)
        hidden = self._read_out(torch.stack(tops, dim=1), context, embedded)
        weights = [looked.weights for looked in looks if looked.weights is not None]
        return DecoderOutput(hidden, (torch.cat(weights, dim=2),) if need_weights else ())
