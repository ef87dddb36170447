"""Deep outputs: what lies between a recurrent decoder and the output layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.native.dropout import Dropout
from regard.native.linear import Linear


class DeepOutput(nn.Module):
    """`dropout(tanh(W [parts] + b))`, for example Luong's attentional state `s̃_t` (Luong 2015, eq. 5).

    Args:
        in_size: Width of the concatenated parts.
        out_size: Width of the result.
        dropout: Probability, on the result.
    """

    def __init__(self, in_size: int, out_size: int, dropout: float) -> None:
        super().__init__()
        self.map = Linear(in_size, out_size)
        self.dropout = Dropout(dropout)
        self.out_size = out_size

    def forward(self, *parts: Tensor) -> Tensor:
        """Maps parts `(..., size_i)` to `(..., out_size)`."""
        hidden: Tensor = self.dropout(torch.tanh(self.map(torch.cat(parts, dim=-1))))
        return hidden


class LinearDeepOutput(nn.Module):
    """`dropout([parts])`: the concatenated parts, without a layer of its own.

    Args:
        in_size: Width of the concatenated parts.
        dropout: Probability, on the result.
    """

    def __init__(self, in_size: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.out_size = in_size

    def forward(self, *parts: Tensor) -> Tensor:
        """Concatenates parts `(..., size_i)` to `(..., in_size)`."""
        hidden: Tensor = self.dropout(torch.cat(parts, dim=-1))
        return hidden


class MaxoutDeepOutput(nn.Module):
    """A maxout layer: `t̃ = W [parts] + b`, then the larger unit of each pair (Bahdanau 2015, A.2.2).

    Args:
        in_size: Width of the concatenated parts.
        out_size: Width of the result; t̃ is twice as wide.
        dropout: Probability, on the result.
    """

    def __init__(self, in_size: int, out_size: int, dropout: float) -> None:
        super().__init__()
        self.map = Linear(in_size, 2 * out_size)
        self.dropout = Dropout(dropout)
        self.out_size = out_size

    def forward(self, *parts: Tensor) -> Tensor:
        """Maps parts `(..., size_i)` to `(..., out_size)`."""
        pairs: Tensor = self.map(torch.cat(parts, dim=-1))
        # (..., 2 out): units j and out + j are a pair
        hidden: Tensor = self.dropout(torch.maximum(*pairs.chunk(2, dim=-1)))
        return hidden
