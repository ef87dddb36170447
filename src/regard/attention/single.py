"""Attention with one head, on raw states: the attention of the recurrent decoders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.kernels import masked_softmax, weighted_sum
from regard.attention.masks import combine
from regard.attention.normalizers import Normalizer
from regard.attention.scores import DotProductScore, Score
from regard.attention.windows import Window
from regard.values import AttentionOutput, Memory

MAX_PLAIN_WEIGHTS = {torch.float32: 96 * 96, torch.bfloat16: 256 * 256}
"""Weights a head below which plain matrix products beat the CPU's fused kernel, forward and backward; measured
by `benchmarks/dot_attention.py`: the kernel's cost a call hardly falls with the sentence's length."""


def _fused_pays(query: Tensor, memory: Memory) -> bool:
    if query.device.type != "cpu":
        return True
    return query.shape[-2] * memory.key.shape[-2] > MAX_PLAIN_WEIGHTS.get(query.dtype, 0)


@contextmanager
def _without_cudnn() -> Iterator[None]:
    """PyTorch's other fused kernels alone.

    On some GPUs (Hopper) cuDNN's comes first. It builds a plan for every shape, some 30 ms each, forward and backward,
    and here every batch has a shape of its own.
    """
    chosen = torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(chosen)


def attend(
    score: Score,
    query: Tensor,
    memory: Memory,
    *,
    mask: Tensor | None,
    bias: Tensor | None,
    dropout: float,
    need_weights: bool,
    normalizer: Normalizer = masked_softmax,
) -> tuple[Tensor, Tensor | None]:
    """Attention(Q, K, V) of any number of heads: scores, distribution, value.

    Args:
        score: How queries meet keys.
        query: `(B, H, T, Q)`.
        memory: Projected keys and values.
        mask: Bool, broadcastable to `(B, H, T, S)`, the memory's own mask included.
        bias: Added to the scores, broadcastable to `(B, H, T, S)`, or None.
        dropout: Share of weights to drop; 0 outside training.
        need_weights: Whether to return the distribution; without it PyTorch's fused kernel does the dot family
            where that is faster.
        normalizer: Scores to distribution; the fused kernel knows the softmax alone.

    Returns:
        Context `(B, H, T, D)` and weights `(B, H, T, S)`, before dropout, or None.
    """
    fusible = normalizer is masked_softmax and not need_weights and bias is None
    if fusible and isinstance(score, DotProductScore) and _fused_pays(query, memory):
        projected = score.project_query(query)
        key = memory.key.to(projected.dtype)
        value = memory.value.to(projected.dtype)
        with _without_cudnn() if query.is_cuda else nullcontext():
            context = F.scaled_dot_product_attention(
                projected, key, value, attn_mask=mask, dropout_p=dropout, scale=score.scale
            )
        return context, None
    scores = score(query, memory.key)
    if bias is not None:
        scores = scores + bias
    weights = normalizer(scores, mask)
    return weighted_sum(weights, memory.value, rate=dropout), weights if need_weights else None


class Attention(nn.Module):
    """One distribution a query over the encoder's states, which are keys and values at once.

    Args:
        score: How the query meets a key.
        value_size: D, the width of the states, hence of the context.
        window: Which positions a query may see; all when not given.
        dropout: Share of weights dropped in training.
        normalizer: Turns scores into a distribution.
    """

    def __init__(
        self,
        score: Score,
        value_size: int,
        *,
        window: Window | None = None,
        dropout: float = 0.0,
        normalizer: Normalizer = masked_softmax,
    ) -> None:
        super().__init__()
        self.score = score
        self.normalizer = normalizer
        self.window = window
        self.dropout = dropout
        self.context_size = value_size

    def project_memory(self, states: Tensor, mask: Tensor | None = None) -> Memory:
        """Projects a sentence's keys, once.

        Args:
            states: `(B, S, D)`.
            mask: `(B, 1, 1, S)` bool, the real positions.

        Returns:
            The memory that `forward` reads, one head.
        """
        states = states[:, None]  # (B, S, D) -> (B, 1, S, D)
        return Memory(self.score.project_key(states), states, mask)

    def forward(
        self,
        query: Tensor,
        memory: Memory,
        *,
        bias: Tensor | None = None,
        start: int = 0,
        need_weights: bool = False,
    ) -> AttentionOutput:
        """Attends with each query.

        Args:
            query: `(B, T, Q)`.
            memory: What `remember` returned.
            bias: Added to the scores, broadcastable to `(B, 1, T, S)`.
            start: Target position of the first query; local windows move with it.
            need_weights: Whether the distribution is wanted too.

        Returns:
            Context `(B, T, D)`; weights `(B, 1, T, S)` if wanted.
        """
        mask = memory.mask
        if self.window is not None:
            if mask is None:  # all positions are real
                mask = memory.value.new_ones(len(memory.value), 1, 1, memory.value.shape[-2], dtype=torch.bool)
            window_mask, window_bias = self.window(query, mask, start=start)
            mask = combine(mask, window_mask)
            if window_bias is not None:
                bias = window_bias if bias is None else bias + window_bias
        dropout = self.dropout if self.training else 0.0
        context, weights = attend(
            self.score,
            query[:, None],
            memory,
            mask=mask,
            bias=bias,
            dropout=dropout,
            need_weights=need_weights,
            normalizer=self.normalizer,
        )
        return AttentionOutput(context[:, 0], weights)
