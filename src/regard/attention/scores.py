"""Attention scores of a query against each key, one class for each published formula.

In the formulas `s` is a query (the decoder's state), `h_i` a key (an encoder state), and `e_i` the score, from which
the softmax computes the weight `α_i`. Your own score is a subclass of `Score`, or any module with the same two
methods.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.additive import additive_scores
from regard.attention.heads import HeadLinear
from regard.errors import ShapeError


class Score(nn.Module, ABC):
    """Base of all scores: `project_key` runs once per sentence, `forward` for each query.

    Attributes:
        projected_size: P, the width of a projected key; None where it is known only by calling `project_key`.
        reads_keys: Whether scores depend on the keys; if not, a map that only produces keys is not trained.
    """

    projected_size: int | None = None
    reads_keys: bool = True

    def project_key(self, key: Tensor) -> Tensor:
        """Computes the part of the score that depends on the keys alone.

        Args:
            key: `(B, H, S, K)`.

        Returns:
            `(B, H, S, P)`, which `forward` takes in place of the keys; by default the keys themselves.
        """
        return key

    @abstractmethod
    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """Scores every query against every key.

        Args:
            query: `(B, H, T, Q)`.
            key: `(B, H, S, P)`, as `project_key` returned it.

        Returns:
            `(B, H, T, S)`, without mask and softmax.
        """


class DotProductScore(Score):
    """The dot-product family, `e_i = scale · f(s) · g(h_i)`, which fused attention kernels can compute."""

    scale: float = 1.0

    def project_query(self, query: Tensor) -> Tensor:
        """`f(s)`, the projected queries: `(B, H, T, Q)` to `(B, H, T, P)`."""
        return query

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """`scale · f(s) · g(h_i)`; shapes as in `Score.forward`."""
        return self.project_query(query) @ key.transpose(-1, -2) * self.scale


class DotScore(DotProductScore):
    """`e_i = s · h_i` (Luong 2015, §3.1, 'dot').

    Args:
        query_size: Q, must equal `key_size`.
        key_size: K.

    Raises:
        ShapeError: When the sizes differ.
    """

    def __init__(self, query_size: int, key_size: int) -> None:
        super().__init__()
        if query_size != key_size:
            raise ShapeError(
                f"a dot product needs queries and keys of one width, but queries have {query_size} and keys "
                f"{key_size}: make them equal, or use the score 'general', which maps one to the other"
            )


class ScaledDotScore(DotScore):
    """`e_i = s · h_i / √K` (Vaswani 2017, eq. 1).

    Args:
        query_size: Q, must equal `key_size`.
        key_size: K.

    Raises:
        ShapeError: When the sizes differ.
    """

    def __init__(self, query_size: int, key_size: int) -> None:
        super().__init__(query_size, key_size)
        self.scale = 1.0 / math.sqrt(key_size)


class GeneralScore(DotProductScore):
    """`e_i = sᵀ W_a h_i` (Luong 2015, §3.1, 'general').

    `W_a h_i` is computed once per sentence.

    Args:
        query_size: Q.
        key_size: K.
        num_heads: H. Each head has its own `W_a`.
    """

    def __init__(self, query_size: int, key_size: int, *, num_heads: int = 1) -> None:
        super().__init__()
        self.key_map = HeadLinear(num_heads, key_size, query_size)
        self.projected_size = query_size

    def project_key(self, key: Tensor) -> Tensor:
        """`W_a h_i`: `(B, H, S, K)` to `(B, H, S, Q)`."""
        projected: Tensor = self.key_map(key)
        return projected


class CosineScore(DotProductScore):
    """`e_i = β · s · h_i / (|s| |h_i|)` with a learned sharpness β (Graves 2014, eq. 5-6).

    Args:
        query_size: Q, must equal `key_size`.
        key_size: K.
        num_heads: H. Each head has its own β.

    Raises:
        ShapeError: When the sizes differ.
    """

    def __init__(self, query_size: int, key_size: int, *, num_heads: int = 1) -> None:
        super().__init__()
        if query_size != key_size:
            raise ShapeError(
                f"a cosine needs queries and keys of one width, but queries have {query_size} and keys {key_size}"
            )
        self.projected_size = key_size
        # A cosine lies in [-1, 1], so the softmax can be sharp only if β is well above 1.
        self.log_sharpness = nn.Parameter(torch.full((num_heads, 1, 1), math.log(10.0)))

    def project_key(self, key: Tensor) -> Tensor:
        """`h_i / |h_i|`, of the same shape."""
        return F.normalize(key, dim=-1)

    def project_query(self, query: Tensor) -> Tensor:
        """`β s / |s|`, of the same shape."""
        return F.normalize(query, dim=-1) * self.log_sharpness.exp().to(query.dtype)


class AdditiveScore(Score):
    """`e_i = v · tanh(W_b s + W_c h_i + b)` (Bahdanau 2015, A.1.2).

    Luong's 'concat', `v · tanh(W [s; h_i])` (Luong 2015, §3.1), is the same function with `W = [W_b  W_c]`.

    Args:
        query_size: Q.
        key_size: K.
        size: Width of the hidden layer; Q by default.
        num_heads: H. Each head has its own parameters.
    """

    def __init__(self, query_size: int, key_size: int, *, size: int | None = None, num_heads: int = 1) -> None:
        super().__init__()
        size = query_size if size is None else size
        self.projected_size = size
        self.query_map = HeadLinear(num_heads, query_size, size)
        self.key_map = HeadLinear(num_heads, key_size, size, bias=True)
        self.v = nn.Parameter(torch.empty(num_heads, size).uniform_(-1.0, 1.0).div_(math.sqrt(size)))

    def project_key(self, key: Tensor) -> Tensor:
        """`W_c h_i + b`: `(B, H, S, K)` to `(B, H, S, size)`."""
        projected: Tensor = self.key_map(key)
        return projected

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """`v · tanh(W_b s + key)`; shapes as in `Score.forward`."""
        return additive_scores(self.query_map(query), key, self.v)


class LocationScore(Score):
    """`e = W_a s`, which depends on the query alone (Luong 2015, §3.1, 'location').

    Of sources longer than `max_source`, only the first `max_source` positions are attended to, as the paper does
    (Luong 2015, §3.1, note on `location`).

    Args:
        query_size: Q.
        max_source: Number of source positions, which is the number of rows of `W_a`.
        num_heads: H. Each head has its own `W_a`.
    """

    reads_keys = False

    def __init__(self, query_size: int, *, max_source: int = 256, num_heads: int = 1) -> None:
        super().__init__()
        self.position_map = HeadLinear(num_heads, query_size, max_source)

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """`(W_a s)_i` for the S positions of the keys; shapes as in `Score.forward`."""
        scores: Tensor = self.position_map(query)
        num_keys, num_positions = key.shape[-2], scores.shape[-1]
        if num_keys <= num_positions:
            return scores[..., :num_keys]
        return F.pad(scores, (0, num_keys - num_positions), value=torch.finfo(scores.dtype).min)
