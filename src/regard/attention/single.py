"""Attention with one head over encoder states, as recurrent decoders use it."""

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
"""Weights per head up to which plain matrix products are faster than the fused CPU kernel, forward and backward.

Measured by `benchmarks/dot_attention.py`: short sentences hardly reduce the cost of a call of the fused kernel.
"""


def _fused_is_faster(query: Tensor, memory: Memory) -> bool:
    if query.device.type != "cpu":
        return True
    return query.shape[-2] * memory.key.shape[-2] > MAX_PLAIN_WEIGHTS.get(query.dtype, 0)


@contextmanager
def _without_cudnn() -> Iterator[None]:
    """Disables cuDNN's fused attention, so that PyTorch uses another fused kernel.

    On some GPUs (Hopper) PyTorch prefers cuDNN. It builds a plan for every new shape, some 30 ms each, forward and
    backward, and here nearly every batch has a new shape.
    """
    enabled = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(enabled)


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
    """Computes attention with any number of heads: scores, weights and context vectors.

    PyTorch's fused attention kernel computes all of this where that is faster, if the score is a dot product, the
    normalizer is the softmax, `bias` is None and `need_weights` is False.

    Args:
        score: Score function.
        query: Queries, `(B, H, T, Q)`, Q = width of a query.
        memory: Projected keys and values; `memory.mask` is ignored, only `mask` is used.
        mask: Bool, True = the position may be attended to, broadcastable to `(B, H, T, S)`; None = all positions may.
        bias: Bias to add to the scores, broadcastable to `(B, H, T, S)`; None = no bias.
        dropout: Share of the attention weights to set to zero; use 0 outside training.
        need_weights: Whether to return the attention weights.
        normalizer: Function that computes attention weights from scores; by default the softmax.

    Returns:
        The context vectors, `(B, H, T, D)`, and the attention weights before dropout, `(B, H, T, S)` or None.
    """
    fusible = normalizer is masked_softmax and not need_weights and bias is None
    if fusible and isinstance(score, DotProductScore) and _fused_is_faster(query, memory):
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
    """Attention with one head, in which the encoder states are both keys and values.

    Args:
        score: Score function.
        value_size: D, the width of the encoder states and of the context vectors.
        window: Window that restricts the positions to which a query may attend; None = all positions.
        dropout: Share of the attention weights that is set to zero in training.
        normalizer: Function that computes attention weights from scores; by default the softmax.
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
        """Projects the encoder states to keys, once per sentence, for `forward` to attend to.

        Args:
            states: Encoder states, `(B, S, D)`.
            mask: `(B, 1, 1, S)` bool, True at real tokens, False at padding; None = no padding.

        Returns:
            Projected keys, and the states as values, with one head.
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
        """Computes the context vector of each query.

        Args:
            query: Decoder states, `(B, T, Q)`, Q = their width.
            memory: Keys and values from `project_memory`.
            bias: Bias to add to the scores, broadcastable to `(B, 1, T, S)`; None = no bias.
            start: Target position of the first query, on which Luong's windows depend.
            need_weights: Whether to return the attention weights.

        Returns:
            The context vectors, `(B, T, D)`, and the attention weights, `(B, 1, T, S)` or None.
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
