"""A decoder without attention: it knows the source only by the encoder's summary (Sutskever 2014; Cho 2014)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from regard.model.decoder import Decoder, State
from regard.model.recurrent_stack import RecurrentStack, StackState
from regard.native.dropout import Dropout
from regard.values import DecoderOutput, EncoderOutput


@dataclass(frozen=True)
class PlainState(State):
    """The state between two steps.

    Attributes:
        layers: The state of each recurrent layer.
    """

    layers: StackState


class PlainDecoder(Decoder):
    """`s_t = RNN(emb(y_{t-1}), s_{t-1})`, `ŷ_t = softmax(W_y deep_output(s_t) + b_y)`.

    Args:
        embedding: Target words to `(B, T, E)`.
        stack: The recurrent layers, without context.
        readout: The deep output, whose result goes to the output layer.
        dropout: Probability, on embeddings.
    """

    def __init__(self, embedding: nn.Embedding, stack: RecurrentStack, readout: nn.Module, *, dropout: float) -> None:
        super().__init__()
        self.embedding = embedding
        self.stack = stack
        self.readout = readout
        self.dropout = Dropout(dropout)
        self.output_size = int(readout.out_size)  # type: ignore[arg-type]

    def start(self, encoded: EncoderOutput) -> PlainState:
        """The state that the encoder's summary initializes; see `Decoder.start`."""
        if encoded.final is None:
            raise AssertionError("a recurrent decoder needs an encoder with a summary")
        return PlainState(self.stack.start(encoded.final))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """Runs the recurrent layers for one token; there are no weights; see `Decoder.step`."""
        if not isinstance(state, PlainState):
            raise AssertionError("the state comes from another decoder")
        hidden, layers = self.stack.sequence(self.dropout(self.embedding(ids[:, None])), state.layers)
        return DecoderOutput(self.readout(hidden)), PlainState(layers)

    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """Runs the recurrent layers over all tokens; there are no weights; see `Decoder.forward`."""
        hidden, _ = self.stack.sequence(self.dropout(self.embedding(tgt_in_ids)), self.start(encoded).layers)
        return DecoderOutput(self.readout(hidden))
