"""Attention that knows where it has looked before: coverage, location features, windows that move on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.attention.coverage import Coverage
from regard.attention.location import LocationFeatures
from regard.attention.masks import combine
from regard.attention.multi import MultiHeadAttention
from regard.attention.single import Attention
from regard.attention.windows import HistoryWindow
from regard.values import AttentionOutput, Memory

AttentionHistory = tuple[Tensor, Tensor]
"""What earlier looks found, `(B, H, 1, S)` each: the weights of the last one, and the sum of all."""


class AttentionWithHistory(nn.Module):
    """An attention, with or without memory of where it has looked.

    Args:
        attention: What attends.
        coverage: Turns the sum of all looks into a bias of the scores.
        location: Turns the last look into a part of the keys.
        window: Turns the last look into a mask. With none of the three each step forgets the last.
    """

    def __init__(
        self,
        attention: Attention | MultiHeadAttention,
        *,
        coverage: Coverage | None = None,
        location: LocationFeatures | None = None,
        window: HistoryWindow | None = None,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.coverage = coverage
        self.location = location
        self.window = window
        self.context_size = attention.context_size

    def project_memory(self, states: Tensor, mask: Tensor) -> Memory:
        """Projects keys and values once; see `Attention.project_memory`."""
        return self.attention.project_memory(states, mask)

    def initial_history(self, memory: Memory) -> AttentionHistory | None:
        """What was attended to before the first step; None where nothing asks for it.

        Args:
            memory: What `remember` returned.

        Returns:
            The last look, as if it had gone to the first position, and a sum of no looks.
        """
        if self.coverage is None and self.location is None and self.window is None:
            return None
        batch, heads, num_keys = memory.key.shape[:3]
        wide = torch.promote_types(memory.key.dtype, torch.float32)
        total = memory.key.new_zeros((batch, heads, 1, num_keys), dtype=wide)
        last = total.clone()
        last[..., 0] = 1.0
        return last, total

    def forward(
        self,
        query: Tensor,
        memory: Memory,
        attended: AttentionHistory | None,
        *,
        start: int = 0,
        need_weights: bool = False,
    ) -> tuple[AttentionOutput, AttentionHistory | None]:
        """Attends, and keeps what was attended to.

        Args:
            query: `(B, T, Q)`; T = 1 where a history is kept.
            memory: What `remember` returned.
            attended: From `begin` or the last step.
            start: Target position of the first query.
            need_weights: Whether the distribution is wanted.

        Returns:
            The attention's output, and the history after it.
        """
        if attended is None:
            output: AttentionOutput = self.attention(query, memory, start=start, need_weights=need_weights)
            return output, None
        last, total = attended
        bias = None if self.coverage is None else self.coverage(total)
        output = self.attention(query, self._seen_from(last, memory), bias=bias, start=start, need_weights=True)
        if output.weights is None:
            raise AssertionError("an attention asked for weights returned none")
        return output, (output.weights, total + output.weights)

    def _seen_from(self, last: Tensor, memory: Memory) -> Memory:
        key = memory.key if self.location is None else memory.key + self.location(last).to(memory.key.dtype)
        mask = memory.mask if self.window is None else combine(memory.mask, self.window(last))
        return Memory(key, memory.value, mask)
