"""Bahdanau's decoder: attends first, then takes the recurrent step (Bahdanau 2015, §3.1 and A.2.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regard.attention.history import AttentionHistory, AttentionWithHistory
from regard.model.cells import PackedCell
from regard.model.decoder import Decoder, State
from regard.model.recurrent_stack import RecurrentStack, StackState
from regard.native.dropout import Dropout
from regard.values import AttentionOutput, DecoderOutput, EncoderOutput, Memory


@dataclass(frozen=True)
class BahdanauState(State):
    """State of a `BahdanauDecoder` between two decoding steps.

    Attributes:
        layers: State of each recurrent layer.
        query: Output of the top recurrent layer in the previous step, `s_{t-1}`, `(B, D)`: the query of the next step.
        memory: Keys and values of the source for attention.
        history: Attention weights of earlier steps, for attention that depends on them; otherwise None.
        packed_cells: Weights of each recurrent layer, prepared for single steps.
        position: t, the number of steps so far.
    """

    layers: StackState
    query: Tensor
    memory: Memory
    history: AttentionHistory | None
    packed_cells: tuple[PackedCell, ...]
    position: int = 0


class BahdanauDecoder(Decoder):
    """The recurrent decoder of Bahdanau et al. 2015: attends with its previous state, then takes the recurrent step.

    The context vector `c_t` is part of the input of the recurrence: `e_{t,i} = score(s_{t-1}, h_i)`;
    `α_t = softmax(e_t)`; `c_t = Σ α_{t,i} h_i`; `s_t = RNN([emb(y_{t-1}); c_t], s_{t-1})`;
    `ŷ_t = softmax(W_y deep_output(s_t, c_t, emb(y_{t-1})) + b_y)`.

    Args:
        embedding: Embedding of target tokens, of width E.
        stack: The recurrent layers, which take `c_t` as their context.
        attention: Attention to the source.
        readout: Module that computes the input of the output layer, `deep_output` in the formula.
        deep_output: Whether `readout` takes `s_t`, `c_t` and the embedding, as in the formula; otherwise only `s_t`.
        dropout: Dropout rate of the embeddings.
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
        """Makes the state before the first step from the encoder's final states. See `Decoder.start`."""
        if encoded.final is None:
            raise AssertionError(
                "a recurrent decoder needs the final states of an RNN encoder, but `EncoderOutput.final` is None: use "
                "an RNNEncoder"
            )
        memory = self.attention.project_memory(encoded.states, encoded.mask)
        layers = self.stack.start(encoded.final)
        return BahdanauState(
            layers, layers[-1][0], memory, self.attention.initial_history(memory), self.stack.packed_cell()
        )

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """Attends to the source, takes one recurrent step, and computes the deep output. See `Decoder.step`."""
        if not isinstance(state, BahdanauState):
            raise AssertionError(
                f"expected a state of this decoder, a BahdanauState, got {type(state).__name__}: pass a state "
                "that start() or step() of this decoder returned"
            )
        embedded = self.dropout(self.embedding(ids))
        attended, state = self._step(self.stack.input_gates(embedded), state, need_weights=need_weights)
        hidden = self._apply_deep_output(state.query, attended.context[:, 0], embedded)
        return DecoderOutput(hidden[:, None], (attended.weights,) if need_weights else ()), state  # type: ignore[arg-type]

    def _step(
        self, input_gates: Tensor, state: BahdanauState, *, need_weights: bool
    ) -> tuple[AttentionOutput, BahdanauState]:
        attended, history = self.attention(
            state.query[:, None], state.memory, state.history, start=state.position, need_weights=need_weights
        )
        top, layers = self.stack.step(input_gates, attended.context[:, 0], state.layers, state.packed_cells)
        return attended, BahdanauState(layers, top, state.memory, history, state.packed_cells, state.position + 1)

    def _apply_deep_output(self, top: Tensor, context: Tensor, embedded: Tensor) -> Tensor:
        parts = (top, context, embedded) if self.deep_output else (top,)
        hidden: Tensor = self.readout(*parts)
        return hidden

    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """Runs the recurrence step by step, and the deep output over all steps at once. See `Decoder.forward`."""
        embedded = self.dropout(self.embedding(tgt_in_ids))
        state = self.start(encoded)
        tops, outputs = [], []
        for input_gates in self.stack.input_gates(embedded).unbind(1):
            attended, state = self._step(input_gates, state, need_weights=need_weights)
            tops.append(state.query)
            outputs.append(attended)
        context = torch.cat([attended.context for attended in outputs], dim=1)
        hidden = self._apply_deep_output(torch.stack(tops, dim=1), context, embedded)
        weights = [attended.weights for attended in outputs if attended.weights is not None]
        return DecoderOutput(hidden, (torch.cat(weights, dim=2),) if need_weights else ())
