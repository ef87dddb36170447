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
    """Multi-head attention (Vaswani 2017, §3.2.2) with any score function.

    Each head has its own projections of query, key and value; an output projection maps the heads' concatenated
    context vectors.

    Args:
        width: D, the width of the queries and of the output.
        num_heads: H, the number of heads, a divisor of D.
        score: Score function of the heads, for queries and keys of width D / H.
        memory_size: Width of the states that are attended to; by default D.
        dropout: Share of the attention weights that is set to zero in training.
        rotary: Whether to rotate queries and keys by their positions (Su et al. 2021); for self-attention.
        normalizer: Function that computes attention weights from scores; by default the softmax.

    Raises:
        ShapeError: D is not divisible by H.
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
            raise ShapeError(
                f"multi-head attention: expected a width divisible by the number of heads, got width {width} and "
                f"{num_heads} heads: change either"
            )
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
        """Projects states to the keys and values of all heads, which `forward` attends to.

        Args:
            states: Encoder states, or the decoder's own states for self-attention, `(B, S, memory_size)`.
            mask: Bool, True = the position may be attended to, broadcastable to `(B, H, T, S)`; None = all may.
            start: Position of the first state, for rotary positions.

        Returns:
            Projected keys and values, with the mask.
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
        """Computes the context vector of each query.

        Args:
            query: States to attend with, `(B, T, D)`.
            memory: Projected keys and values from `project_memory`.
            mask: Further mask besides that of `memory`, bool, broadcastable to `(B, H, T, S)`; None = no further mask.
            bias: Bias to add to the scores, broadcastable to `(B, H, T, S)`; None = no bias.
            start: Position of the first query, for rotary positions.
            need_weights: Whether to return the attention weights.

        Returns:
            The context vectors after the output projection, `(B, T, D)`, and the attention weights, `(B, H, T, S)` or
            None.
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
