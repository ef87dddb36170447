"""A whole translation model: encoder, decoder and output layer."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from regard.model.decoder import Decoder, State
from regard.native.linear import linear
from regard.values import Batch, DecoderOutput, EncoderOutput, Specials, StepOutput


class Encoder(Protocol):
    """Interface of encoders, which are modules that can be called with source sentences."""

    def __call__(self, src_ids: Tensor, src_len: Tensor, *, need_weights: bool = False) -> EncoderOutput:
        """Encodes source sentences, given as `(B, S)` token ids and `(B,)` lengths."""
        ...


class Seq2Seq(nn.Module):
    """A translation model: encoder, decoder and output layer, `p(y | x) = Π_t softmax(W_y hidden_t + b_y)`.

    Args:
        encoder: Module that encodes source sentences, see `Encoder`.
        decoder: Decoder, which computes `hidden_t` from the target tokens so far and the encoded source.
        tgt_vocab: V, the size of the target vocabulary.
        specials: Ids of the special tokens.
        tied: Target embedding, `(V, D)`, whose weights are also used as `W_y`; None = `W_y` has separate weights.
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
        """Encodes source sentences.

        Args:
            src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
            src_len: Source lengths with eos, without padding, `(B,)` int64.
            need_weights: Whether to return the encoder's self-attention weights, if it has self-attention.

        Returns:
            Encoder states, padding mask, final states of an RNN encoder, and self-attention weights.
        """
        encoded: EncoderOutput = self.encoder(src_ids, src_len, need_weights=need_weights)
        return encoded

    def forward(self, batch: Batch, *, need_weights: bool = False) -> DecoderOutput:
        """Runs encoder and decoder over sentence pairs (teacher forcing), but not the output layer.

        Args:
            batch: The sentence pairs.
            need_weights: Whether to return cross-attention weights.

        Returns:
            Decoder states, `(B, T, D)`, which `project` or the loss maps to logits; and cross-attention weights.
        """
        output: DecoderOutput = self.decoder(
            batch.tgt_in_ids, self.encode(batch.src_ids, batch.src_len), need_weights=need_weights
        )
        return output

    def project(self, hidden: Tensor) -> Tensor:
        """Runs the output layer: computes logits, `(..., V)`, from decoder states, `(..., D)`."""
        if self.output_map is None:
            return linear(hidden, self.output_weight, self.output_bias)
        logits: Tensor = self.output_map(hidden)
        return logits

    def start(self, src_ids: Tensor, src_len: Tensor) -> State:
        """Encodes source sentences, and makes the decoder's state before the first step. See `StepModel.start`."""
        return self.decoder.start(self.encode(src_ids, src_len))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Runs one decoding step, with the output layer. See `StepModel.step`."""
        output, state = self.decoder.step(ids, state, need_weights=need_weights)
        weights = tuple(layer[:, :, 0] for layer in output.weights)  # (B, H, 1, S) -> (B, H, S)
        return StepOutput(self.project(output.hidden[:, 0]), weights), state
