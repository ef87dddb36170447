"""Coverage: scores depend on the attention of earlier steps (Tu et al. 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Coverage(nn.Module):
    """Coverage model: adds `u · tanh(w c_{t-1,i} + b)` to the score of source position i.

    The coverage `c_{t-1,i}` of position i is the sum of its attention weights in all earlier steps. Tu et al. use the
    coverage inside the additive score; as a bias, it works with every score. The bias is zero before training. The
    model learns whether to prefer or avoid positions that it has attended to.

    Args:
        size: Width of the hidden layer.
    """

    def __init__(self, size: int = 8) -> None:
        super().__init__()
        self.hidden_map = nn.Linear(1, size)
        self.u = nn.Parameter(torch.zeros(size))

    def forward(self, coverage: Tensor) -> Tensor:
        """Computes the bias for the attention scores of a decoding step.

        Args:
            coverage: Sum of the attention weights of all earlier steps, `(B, H, T, S)`; T = 1 in decoding.

        Returns:
            Bias to add to the scores, `(B, H, T, S)`.
        """
        return torch.tanh(self.hidden_map(coverage.unsqueeze(-1))) @ self.u
