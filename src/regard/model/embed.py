"""Word embeddings and position embeddings of the Transformer."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from regard.errors import ShapeError
from regard.native.dropout import Dropout


class Positions(nn.Module, ABC):
    """Base class of position embeddings, which are added to the word embeddings of a Transformer."""

    @abstractmethod
    def forward(self, x: Tensor, *, start: int = 0) -> Tensor:
        """Adds position embeddings to word embeddings.

        Args:
            x: Word embeddings, `(B, T, D)`.
            start: Position of the first vector of each sentence.

        Returns:
            The sums, `(B, T, D)`.
        """


class SinusoidalPositions(Positions):
    """Sinusoidal position embeddings, for sentences of any length (Vaswani 2017, §3.5).

    `PE(p, 2j) = sin(p / 10000^(2j/D))`, `PE(p, 2j+1) = cos(p / 10000^(2j/D))` for position p.
    """

    def forward(self, x: Tensor, *, start: int = 0) -> Tensor:
        """Adds the sinusoidal position embeddings. See `Positions.forward`."""
        length, width = x.shape[-2:]
        positions = torch.arange(start, start + length, device=x.device, dtype=torch.float32)
        even = torch.arange(0, width, 2, device=x.device, dtype=torch.float32)
        angle = positions[:, None] * torch.exp(even * (-math.log(10_000.0) / width))  # (T, D/2)
        table = torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)  # interleaved, (T, D)
        return x + table[:, :width].to(x.dtype)


class LearnedPositions(Positions):
    """Learned position embeddings, one vector per position (Gehring et al. 2017).

    Args:
        max_positions: Largest number of positions in a sentence.
        width: D, the width of the embeddings.
    """

    def __init__(self, max_positions: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(max_positions, width).normal_().mul_(width**-0.5))

    def forward(self, x: Tensor, *, start: int = 0) -> Tensor:
        """Adds learned position embeddings to word embeddings.

        Args:
            x: Word embeddings, `(B, T, D)`.
            start: Position of the first vector of each sentence.

        Returns:
            The sums, `(B, T, D)`.

        Raises:
            ShapeError: The sentences are longer than `max_positions`.
        """
        end = start + x.shape[-2]
        if end > len(self.table):
            raise ShapeError(
                f"the model has learned positions for {len(self.table)} subwords, but a sentence has {end}: split it, "
                "or train with a larger model.max_positions or with sinusoidal or rotary positions"
            )
        return x + self.table[start:end].to(x.dtype)


class NoPositions(Positions):
    """Returns its input unchanged, for models with rotary positions, which act inside self-attention."""

    def forward(self, x: Tensor, *, start: int = 0) -> Tensor:
        """Returns x unchanged. See `Positions.forward`."""
        return x


class Embedder(nn.Module):
    """Input layer of a Transformer, `dropout(√D · E[ids] + positions)` (Vaswani 2017, §3.4-3.5).

    Args:
        embedding: Table of word embeddings E, `(V, D)`.
        positions: Module that adds position embeddings.
        dropout: Dropout rate of the sum.
    """

    def __init__(self, embedding: nn.Embedding, positions: Positions, *, dropout: float) -> None:
        super().__init__()
        self.embedding = embedding
        self.positions = positions
        self.dropout = Dropout(dropout)
        self.scale = math.sqrt(embedding.embedding_dim)

    def forward(self, ids: Tensor, *, start: int = 0) -> Tensor:
        """Computes the embeddings of tokens and their positions.

        Args:
            ids: Token ids, `(B, T)` int64.
            start: Position of the first token of each sentence.

        Returns:
            The input of the first layer, `(B, T, D)`.
        """
        embedded: Tensor = self.dropout(self.positions(self.embedding(ids) * self.scale, start=start))
        return embedded


def word_embedding(vocab: int, width: int, pad: int) -> nn.Embedding:
    """Makes a table of word embeddings with random values of variance 1 / width.

    With this variance, an output layer that shares the table's weights initially computes logits of variance about 1.

    Args:
        vocab: V, the size of the vocabulary.
        width: E, the width of the embeddings.
        pad: Id of the padding token, whose embedding is zero.

    Returns:
        The table, `(V, E)`.
    """
    embedding = nn.Embedding(vocab, width, padding_idx=pad)
    nn.init.normal_(embedding.weight, std=width**-0.5)
    with torch.no_grad():
        embedding.weight[pad].zero_()
    return embedding
