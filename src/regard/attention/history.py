"""Attention that depends on earlier weights: coverage, location features and history windows."""

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
"""Weights of the previous step, and the sum of the weights of all steps so far, `(B, H, 1, S)` each."""


class AttentionWithHistory(nn.Module):
    """An attention whose scores may depend on the weights of earlier steps.

    Without coverage, location features and window, every step is independent of earlier ones.

    Args:
        attention: The attention itself.
        coverage: Turns the sum of all earlier weights into a bias of the scores.
        location: Turns the previous weights into features that are added to the keys.
        window: Turns the previous weights into a mask.
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
        """The history before the first step.

        Args:
            memory: From `project_memory`.

        Returns:
            Previous weights that lie on the first position, and a sum of zeros; None without coverage, location
            features and window.
        """
        if self.coverage is None and self.location is None and self.window is None:
            return None
        batch, heads, num_keys = memory.key.shape[:3]
        dtype = torch.promote_types(memory.key.dtype, torch.float32)
        total = memory.key.new_zeros((batch, heads, 1, num_keys), dtype=dtype)
        previous = total.clone()
        previous[..., 0] = 1.0
        return previous, total

    def forward(
        self,
        query: Tensor,
        memory: Memory,
        history: AttentionHistory | None,
        *,
        start: int = 0,
        need_weights: bool = False,
    ) -> tuple[AttentionOutput, AttentionHistory | None]:
        """Attends, and updates the history.

        Args:
            query: `(B, T, Q)`; T = 1 with a history.
            memory: From `project_memory`.
            history: From `initial_history` or the previous step.
            start: Target position of the first query.
            need_weights: Whether to return the weights; with a history they are always returned.

        Returns:
            Context and weights, and the history after this step.
        """
        if history is None:
            output: AttentionOutput = self.attention(query, memory, start=start, need_weights=need_weights)
            return output, None
        previous, total = history
        bias = None if self.coverage is None else self.coverage(total)
        output = self.attention(query, self._with_history(previous, memory), bias=bias, start=start, need_weights=True)
        if output.weights is None:
            raise AssertionError("an attention asked for weights returned none")
        return output, (output.weights, total + output.weights)

    def _with_history(self, previous: Tensor, memory: Memory) -> Memory:
        key = memory.key if self.location is None else memory.key + self.location(previous).to(memory.key.dtype)
        mask = memory.mask if self.window is None else combine(memory.mask, self.window(previous))
        return Memory(key, memory.value, mask)
