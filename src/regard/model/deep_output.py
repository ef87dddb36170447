"""Deep outputs: layers between a recurrent decoder and the output layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.native.dropout import Dropout
from regard.native.linear import Linear


class DeepOutput(nn.Module):
    """Layer between a recurrent decoder and the output layer: `dropout(tanh(W [x_1; x_2; …] + b))`.

    An example is Luong's attentional state `s̃_t`, computed from context vector and decoder state (Luong 2015, eq. 5).

    Args:
        in_size: Width of the concatenated inputs.
        out_size: Width of the output.
        dropout: Dropout rate of the output.
    """

    def __init__(self, in_size: int, out_size: int, dropout: float) -> None:
        super().__init__()
        self.map = Linear(in_size, out_size)
        self.dropout = Dropout(dropout)
        self.out_size = out_size

    def forward(self, *parts: Tensor) -> Tensor:
        """Concatenates the inputs, `(..., size_i)` each, and maps them to the output, `(..., out_size)`."""
        hidden: Tensor = self.dropout(torch.tanh(self.map(torch.cat(parts, dim=-1))))
        return hidden


class LinearDeepOutput(nn.Module):
    """Concatenates its inputs and applies dropout, without weights: `dropout([x_1; x_2; …])`.

    Args:
        in_size: Width of the concatenated inputs.
        dropout: Dropout rate of the output.
    """

    def __init__(self, in_size: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.out_size = in_size

    def forward(self, *parts: Tensor) -> Tensor:
        """Concatenates the inputs, `(..., size_i)` each, and applies dropout; returns `(..., in_size)`."""
        hidden: Tensor = self.dropout(torch.cat(parts, dim=-1))
        return hidden


class MaxoutDeepOutput(nn.Module):
    """Maxout layer between a recurrent decoder and the output layer (Bahdanau 2015, A.2.2).

    It computes `t̃ = W [x_1; x_2; …] + b`, divides t̃ into pairs of units, and returns the larger unit of each pair.

    Args:
        in_size: Width of the concatenated inputs.
        out_size: Width of the output; t̃ is twice as wide.
        dropout: Dropout rate of the output.
    """

    def __init__(self, in_size: int, out_size: int, dropout: float) -> None:
        super().__init__()
        self.map = Linear(in_size, 2 * out_size)
        self.dropout = Dropout(dropout)
        self.out_size = out_size

    def forward(self, *parts: Tensor) -> Tensor:
        """Concatenates the inputs, `(..., size_i)` each, and maps them to the output, `(..., out_size)`."""
        pairs: Tensor = self.map(torch.cat(parts, dim=-1))
        # (..., 2 out): units j and out + j are a pair
        hidden: Tensor = self.dropout(torch.maximum(*pairs.chunk(2, dim=-1)))
        return hidden
