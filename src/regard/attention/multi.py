"""Multi-head attention over any score (Vaswani 2017, §3.2.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.attention.kernels import masked_softmax
from regard.attention.masks import combine
from regard.attention.normalizers import Normalizer
from regard.attention.rotary import rotate
from regard.attention.scores import Score
from regard.attention.single import attend
from regard.errors import ShapeError
from regard.native.linear import Linear
from regard.values import AttentionOutput, Memory

MAX_WEIGHTS = 1 << 26
"""Most weights of all heads computed at once when they need not be returned: a quarter of a gigabyte."""


class MultiHeadAttention(nn.Module):
    """`Concat(head_1 … head_H) W_O`; head_j attends with its own projections of query, key and value.

    Args:
        width: D, the width of queries and context.
        num_heads: H, a divisor of D.
        score: The score of each head; queries and keys have width D / H.
        memory_size: Width of the attended states; D by default.
        dropout: Share of weights dropped in training.
        rotary: Whether to rotate queries and keys by their positions (Su et al. 2021); for self-attention.
        normalizer: Turns scores into a distribution.

    Raises:
        ShapeError: When D is not divisible by H.
    """

    def __init__(
        self,
        width: int,
        num_heads: int,
        score: Score,
        *,
        memory_size: int | None = None,
        dropout: float = 0.0,
        rotary: bool = False,
        normalizer: Normalizer = masked_softmax,
    ) -> None:
        super().__init__()
        if width % num_heads:
            raise ShapeError(f"the width must be divisible by the number of heads, but is {width} with {num_heads}")
        memory_size = width if memory_size is None else memory_size
        self.num_heads = num_heads
        self.score = score
        self.dropout = dropout
        self.rotary = rotary
        self.normalizer = normalizer
        self.context_size = width
        self.query_map = Linear(width, width)
        self.key_map = Linear(memory_size, width)
        self.value_map = Linear(memory_size, width)
        self.output_map = Linear(width, width)
        for linear in (self.query_map, self.key_map, self.value_map, self.output_map):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)
        if not getattr(score, "reads_keys", True):
            self.key_map.requires_grad_(False)  # stored with the model, but never trained

    def project_memory(self, states: Tensor, mask: Tensor | None = None, *, start: int = 0) -> Memory:
        """Projects keys and values, once per sentence.

        Args:
            states: `(B, S, memory_size)`.
            mask: Bool, broadcastable to `(B, H, T, S)`.
            start: Position of the first state, for the rotation.

        Returns:
            The memory for `forward`.
        """
        key = self._split(self.key_map(states))
        if self.rotary:
            key = rotate(key, start=start)
        return Memory(self.score.project_key(key), self._split(self.value_map(states)), mask)

    def forward(
        self,
        query: Tensor,
        memory: Memory,
        *,
        mask: Tensor | None = None,
        bias: Tensor | None = None,
        start: int = 0,
        need_weights: bool = False,
    ) -> AttentionOutput:
        """Attends with each query.

        Args:
            query: `(B, T, D)`.
            memory: From `project_memory`.
            mask: A mask in addition to the memory's, bool, broadcastable to `(B, H, T, S)`.
            bias: Added to the scores, broadcastable to `(B, H, T, S)`.
            start: Position of the first query, for the rotation.
            need_weights: Whether to return the weights.

        Returns:
            Context `(B, T, D)`, and weights `(B, H, T, S)` or None.
        """
        heads = self._split(self.query_map(query))
        if self.rotary:
            heads = rotate(heads, start=start)
        mask = combine(memory.mask, mask)
        if self.training or need_weights or heads[..., 0].numel() * memory.value.shape[2] <= MAX_WEIGHTS:
            context, weights = self._attend(heads, memory, mask, bias, need_weights=need_weights)
        else:
            context, weights = self._attend_in_chunks(heads, memory, mask, bias), None
        # (B, H, T, D/H) -> (B, T, H, D/H) -> (B, T, D)
        return AttentionOutput(self.output_map(context.transpose(1, 2).flatten(2)), weights)

    def _attend(
        self, heads: Tensor, memory: Memory, mask: Tensor | None, bias: Tensor | None, *, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        return attend(
            self.score,
            heads,
            memory,
            mask=mask,
            bias=bias,
            dropout=self.dropout if self.training else 0.0,
            need_weights=need_weights,
            normalizer=self.normalizer,
        )

    def _attend_in_chunks(self, heads: Tensor, memory: Memory, mask: Tensor | None, bias: Tensor | None) -> Tensor:
        """Attends with a few queries at a time, where all weights at once would take too much memory."""
        num_queries = heads.shape[2]
        size = max(1, MAX_WEIGHTS // (heads[:, :, 0, 0].numel() * memory.value.shape[2]))
        contexts = []
        for start in range(0, num_queries, size):
            chunk = slice(start, start + size)
            mask_and_bias = [
                x if x is None or x.dim() < 2 or x.shape[-2] == 1 else x[..., chunk, :] for x in (mask, bias)
            ]
            contexts.append(self._attend(heads[:, :, chunk], memory, *mask_and_bias, need_weights=False)[0])
        return torch.cat(contexts, dim=2)

    def _split(self, x: Tensor) -> Tensor:
        # (B, T, D) -> (B, T, H, D/H) -> (B, H, T, D/H)
        return x.reshape(*x.shape[:2], self.num_heads, -1).transpose(1, 2)
