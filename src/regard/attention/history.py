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
    """An attention layer whose scores may depend on the attention weights of earlier decoding steps.

    Without `coverage`, `location` and `window`, every step is independent of earlier steps.

    Args:
        attention: The attention layer without history.
        coverage: Computes a bias of the scores from the sum of the weights of all earlier steps; None = no bias.
        location: Computes features, which are added to the keys, from the previous step's weights; None = no features.
        window: Computes a mask from the previous step's weights; None = no such mask.
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
        """Projects the encoder states, `(B, S, D)`, to keys and values, once per sentence.

        `mask` is `(B, 1, 1, S)` bool, True at real tokens, False at padding. See `Attention.project_memory`.
        """
        return self.attention.project_memory(states, mask)

    def initial_history(self, memory: Memory) -> AttentionHistory | None:
        """Makes the history of attention weights before the first decoding step.

        Args:
            memory: Projected keys and values from `project_memory`.

        Returns:
            Two tensors `(B, H, 1, S)` for the first step: weights in place of those of a previous step, 1 at the first
            source position and 0 elsewhere; and the sum of the weights so far, 0 everywhere. None if the layer has
            neither coverage, nor location features, nor a history window.
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
        """Computes the context vectors of the queries, and the history for the next step.

        Args:
            query: Decoder states, `(B, T, Q)`, Q = their width; T = 1 with a history.
            memory: Projected keys and values from `project_memory`.
            history: Result of `initial_history`, or the history that the previous step returned.
            start: Target position of the first query.
            need_weights: Whether to return the attention weights; with a history they are always returned.

        Returns:
            The context vectors and weights; and the history for the next step (the weights of this step, and the sum of
            the weights so far), or None if `history` is None.
        """
        if history is None:
            output: AttentionOutput = self.attention(query, memory, start=start, need_weights=need_weights)
            return output, None
        previous, total = history
        bias = None if self.coverage is None else self.coverage(total)
        output = self.attention(query, self._with_history(previous, memory), bias=bias, start=start, need_weights=True)
        if output.weights is None:
            raise AssertionError(
                f"{type(self.attention).__name__} returned no weights although need_weights is True: let its forward "
                "return them"
            )
        return output, (output.weights, total + output.weights)

    def _with_history(self, previous: Tensor, memory: Memory) -> Memory:
        key = memory.key if self.location is None else memory.key + self.location(previous).to(memory.key.dtype)
        mask = memory.mask if self.window is None else combine(memory.mask, self.window(previous))
        return Memory(key, memory.value, mask)
