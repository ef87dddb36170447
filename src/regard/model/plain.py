"""A decoder without attention, which starts from the encoder's final states (Sutskever 2014; Cho 2014)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from regard.model.decoder import Decoder, State
from regard.model.recurrent_stack import RecurrentStack, StackState
from regard.native.dropout import Dropout
from regard.values import DecoderOutput, EncoderOutput


@dataclass(frozen=True)
class PlainState(State):
    """State of a `PlainDecoder` between two decoding steps.

    Attributes:
        layers: State of each recurrent layer.
    """

    layers: StackState


class PlainDecoder(Decoder):
    """A recurrent decoder without attention, which starts from the encoder's final states (Sutskever 2014; Cho 2014).

    `s_t = RNN(emb(y_{t-1}), s_{t-1})`, `ŷ_t = softmax(W_y deep_output(s_t) + b_y)`.

    Args:
        embedding: Embedding of target tokens, of width E; `(B, T)` ids to `(B, T, E)`.
        stack: The recurrent layers, without context.
        readout: Module that computes the input of the output layer from `s_t`, `deep_output` in the formula.
        dropout: Dropout rate of the embeddings.
    """

    def __init__(self, embedding: nn.Embedding, stack: RecurrentStack, readout: nn.Module, *, dropout: float) -> None:
        super().__init__()
        self.embedding = embedding
        self.stack = stack
        self.readout = readout
        self.dropout = Dropout(dropout)
        self.output_size = int(readout.out_size)  # type: ignore[arg-type]

    def start(self, encoded: EncoderOutput) -> PlainState:
        """Makes the state before the first step from the encoder's final states. See `Decoder.start`."""
        if encoded.final is None:
            raise AssertionError(
                "a recurrent decoder needs the final states of an RNN encoder, but `EncoderOutput.final` is None: use "
                "an RNNEncoder"
            )
        return PlainState(self.stack.start(encoded.final))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """Takes one recurrent step; never returns attention weights. See `Decoder.step`."""
        if not isinstance(state, PlainState):
            raise AssertionError(
                f"expected a state of this decoder, a PlainState, got {type(state).__name__}: pass a state "
                "that start() or step() of this decoder returned"
            )
        hidden, layers = self.stack.sequence(self.dropout(self.embedding(ids[:, None])), state.layers)
        return DecoderOutput(self.readout(hidden)), PlainState(layers)

    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """Runs all steps at once; never returns attention weights. See `Decoder.forward`."""
        hidden, _ = self.stack.sequence(self.dropout(self.embedding(tgt_in_ids)), self.start(encoded).layers)
        return DecoderOutput(self.readout(hidden))
