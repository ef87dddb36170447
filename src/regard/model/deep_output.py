"""What a recurrent decoder hands to the output layer: deep outputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.native.dropout import Dropout
from regard.native.linear import Linear


class DeepOutput(nn.Module):
    """`dropout(tanh(W [parts] + b))`: what a decoder hands to the output layer, e.g. Luong's `s̃_t`.

    Args:
        in_size: Width of the joined parts.
        out_size: Width of the result.
        dropout: On the result.
    """

    def __init__(self, in_size: int, out_size: int, dropout: float) -> None:
        super().__init__()
        self.map = Linear(in_size, out_size)
        self.dropout = Dropout(dropout)
        self.out_size = out_size

    def forward(self, *parts: Tensor) -> Tensor:
        """Joins parts `(..., size_i)` into `(..., out_size)`."""
        hidden: Tensor = self.dropout(torch.tanh(self.map(torch.cat(parts, dim=-1))))
        return hidden


class LinearDeepOutput(nn.Module):
    """`dropout([parts])`: the joined parts themselves, without a layer of their own (S3b).

    Args:
        in_size: Width of the joined parts.
        dropout: On the result.
    """

    def __init__(self, in_size: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.out_size = in_size

    def forward(self, *parts: Tensor) -> Tensor:
        """Joins parts `(..., size_i)` into `(..., in_size)`."""
        hidden: Tensor = self.dropout(torch.cat(parts, dim=-1))
        return hidden


class MaxoutDeepOutput(nn.Module):
    """Deep output: `t̃ = W [parts] + b`, then the larger of each two units (Bahdanau 2015, A.2.2).

    Args:
        in_size: Width of the joined parts.
        out_size: Width of the result; t̃ is twice as wide.
        dropout: On the result.
    """

    def __init__(self, in_size: int, out_size: int, dropout: float) -> None:
        super().__init__()
        self.map = Linear(in_size, 2 * out_size)
        self.dropout = Dropout(dropout)
        self.out_size = out_size

    def forward(self, *parts: Tensor) -> Tensor:
        """Joins parts `(..., size_i)` into `(..., out_size)`."""
        wide: Tensor = self.map(torch.cat(parts, dim=-1))
        # (..., 2 out) -> the larger of outputs j and out + j
        hidden: Tensor = self.dropout(torch.maximum(*wide.chunk(2, dim=-1)))
        return hidden
