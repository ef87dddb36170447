"""A whole translation model: encoder, decoder and output layer."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from regard.model.decoder import Decoder, State
from regard.native.linear import linear
from regard.values import Batch, DecoderOutput, EncoderOutput, Specials, StepOutput


class Encoder(Protocol):
    """The interface of an encoder: a module that is called as below."""

    def __call__(self, src_ids: Tensor, src_len: Tensor, *, need_weights: bool = False) -> EncoderOutput:
        """Encodes `(B, S)` ids of sentences with `(B,)` lengths."""
        ...


class Seq2Seq(nn.Module):
    """`p(y | x) = Π_t softmax(W_y hidden_t + b_y)`.

    Args:
        encoder: Encodes the source.
        decoder: Reads the target so far and attends to the source.
        tgt_vocab: V, size of the target vocabulary.
        specials: Ids of the special tokens.
        tied: The target embedding `(V, D)`, if it is also `W_y`; None for a separate matrix.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: Decoder,
        *,
        tgt_vocab: int,
        specials: Specials,
        tied: nn.Embedding | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.specials = specials
        if tied is None:
            weight = nn.Parameter(torch.empty(tgt_vocab, decoder.output_size).normal_().mul_(decoder.output_size**-0.5))
        else:
            weight = tied.get_parameter("weight")
        self.output_weight = weight
        self.output_bias = nn.Parameter(torch.zeros(tgt_vocab))
        self.output_map: nn.Module | None = None  # W_y and b_y packed for a search

    def encode(self, src_ids: Tensor, src_len: Tensor, *, need_weights: bool = False) -> EncoderOutput:
        """Encodes the sources.

        Args:
            src_ids: `(B, S)` int64.
            src_len: `(B,)` int64.
            need_weights: Whether to return the encoder's self-attention weights, if it has self-attention.

        Returns:
            States, mask, summary and self-attention weights.
        """
        encoded: EncoderOutput = self.encoder(src_ids, src_len, need_weights=need_weights)
        return encoded

    def forward(self, batch: Batch, *, need_weights: bool = False) -> DecoderOutput:
        """Reads sources and whole targets (teacher forcing).

        Args:
            batch: Sentence pairs.
            need_weights: Whether to return cross-attention weights.

        Returns:
            Hidden vectors `(B, T, D)`, for `project` or a fused loss, and weights.
        """
        output: DecoderOutput = self.decoder(
            batch.tgt_in_ids, self.encode(batch.src_ids, batch.src_len), need_weights=need_weights
        )
        return output

    def project(self, hidden: Tensor) -> Tensor:
        """Logits `(..., V)` of hidden vectors `(..., D)`."""
        if self.output_map is None:
            return linear(hidden, self.output_weight, self.output_bias)
        logits: Tensor = self.output_map(hidden)
        return logits

    def start(self, src_ids: Tensor, src_len: Tensor) -> State:
        """The decoder's state before the first token; see `StepModel.start`."""
        return self.decoder.start(self.encode(src_ids, src_len))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """One step of decoding; see `StepModel.step`."""
        output, state = self.decoder.step(ids, state, need_weights=need_weights)
        weights = tuple(layer[:, :, 0] for layer in output.weights)  # (B, H, 1, S) -> (B, H, S)
        return StepOutput(self.project(output.hidden[:, 0]), weights), state
