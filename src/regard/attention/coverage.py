"""Coverage: past attention speaks in the present (Tu et al. 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Coverage(nn.Module):
    """Adds `u · tanh(w c_{t-1,i} + b)` to score i, where `c_{t-1,i}` is what word i has received so far.

    Tu et al. put the coverage inside the additive score; added from outside it serves every score. It
    begins at zero influence and learns whether words that were attended to should be sought or shunned.

    Args:
        size: Width of the hidden layer.
    """

    def __init__(self, size: int = 8) -> None:
        super().__init__()
        self.hidden_map = nn.Linear(1, size)
        self.u = nn.Parameter(torch.zeros(size))

    def forward(self, coverage: Tensor) -> Tensor:
        """The bias of the present scores.

        Args:
            coverage: `(B, H, T, S)`, sum of all earlier weights.

        Returns:
            `(B, H, T, S)`.
        """
        return torch.tanh(self.hidden_map(coverage.unsqueeze(-1))) @ self.u
