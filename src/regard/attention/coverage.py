"""Coverage: scores depend on the attention of earlier steps (Tu et al. 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Coverage(nn.Module):
    """The bias `u · tanh(w c_{t-1,i} + b)` of score i from the coverage `c_{t-1,i}` of source position i.

    The coverage is the sum of all earlier weights of the position. Tu et al. put it inside the additive score; as a
    bias it works with every score. The bias is zero at first. The model learns whether to prefer or avoid positions
    that it has attended to.

    Args:
        size: Width of the hidden layer.
    """

    def __init__(self, size: int = 8) -> None:
        super().__init__()
        self.hidden_map = nn.Linear(1, size)
        self.u = nn.Parameter(torch.zeros(size))

    def forward(self, coverage: Tensor) -> Tensor:
        """Computes the bias of a step's scores.

        Args:
            coverage: `(B, H, T, S)`, sum of all earlier weights.

        Returns:
            `(B, H, T, S)`.
        """
        return torch.tanh(self.hidden_map(coverage.unsqueeze(-1))) @ self.u
