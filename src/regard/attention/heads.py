"""Linear maps with one matrix per head."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from regard.native.linear import linear


class HeadLinear(nn.Module):
    """Linear map `y = x Wᵀ + b` with a separate W and b for each attention head.

    Args:
        num_heads: H, the number of heads.
        in_size: Width of the input of a head.
        out_size: Width of the output of a head.
        bias: Whether to add b.
    """

    def __init__(self, num_heads: int, in_size: int, out_size: int, *, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_heads, out_size, in_size))
        self.bias = nn.Parameter(torch.zeros(num_heads, 1, out_size)) if bias else None
        bound = math.sqrt(6.0 / (in_size + out_size))  # Glorot & Bengio 2010
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Applies the linear map of each head.

        Args:
            x: Input, `(B, H, N, in_size)`, N = any number of positions.

        Returns:
            The output, `(B, H, N, out_size)`.
        """
        if self.weight.shape[0] == 1:  # one matrix product over all rows
            return linear(x, self.weight[0], None if self.bias is None else self.bias[0, 0])
        y = torch.einsum("bhni,hoi->bhno", x, self.weight)
        return y if self.bias is None else y + self.bias
