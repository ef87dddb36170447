"""Coverage: past attention speaks in the present (Tu et al. 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.attention.multi import MultiHeadAttention
from regard.attention.single import Attention
from regard.values import AttentionOutput, Memory


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


class CoveredAttention(nn.Module):
    """An attention, with or without memory of where it has looked.

    Args:
        attention: What attends.
        coverage: Turns what was attended to into a bias; None = each step forgets the last.
    """

    def __init__(self, attention: Attention | MultiHeadAttention, coverage: Coverage | None = None) -> None:
        super().__init__()
        self.attention = attention
        self.coverage = coverage
        self.context_size = attention.context_size

    def remember(self, states: Tensor, mask: Tensor) -> Memory:
        """Projects keys and values once; see `Attention.remember`."""
        return self.attention.remember(states, mask)

    def begin(self, memory: Memory) -> Tensor | None:
        """The coverage `(B, H, 1, S)` before the first step: zeros, or None where none is kept."""
        if self.coverage is None:
            return None
        batch, heads, num_keys = memory.key.shape[:3]
        return memory.key.new_zeros((batch, heads, 1, num_keys), dtype=torch.float32)

    def forward(
        self, query: Tensor, memory: Memory, covered: Tensor | None, *, start: int = 0, need_weights: bool = False
    ) -> tuple[AttentionOutput, Tensor | None]:
        """Attends, and adds to the coverage what was attended to.

        Args:
            query: `(B, T, Q)`; T = 1 where a coverage is kept.
            memory: What `remember` returned.
            covered: `(B, H, 1, S)`, from `begin` or the last step.
            start: Target position of the first query.
            need_weights: Whether the distribution is wanted.

        Returns:
            The attention's output, and the coverage after it.
        """
        if self.coverage is None or covered is None:
            output: AttentionOutput = self.attention(query, memory, start=start, need_weights=need_weights)
            return output, None
        output = self.attention(query, memory, bias=self.coverage(covered), start=start, need_weights=True)
        if output.weights is None:
            raise AssertionError("an attention asked for weights returned none")
        return output, covered + output.weights
