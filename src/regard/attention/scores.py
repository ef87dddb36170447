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
    """Base class of score functions, which measure how well each query matches each key.

    `project_key` is called once per source sentence, `forward` in every decoding step.

    Attributes:
        projected_size: P, the width of a projected key; None = only known from the result of `project_key`.
        reads_keys: Whether the scores depend on the keys; if not, layers that only compute keys are not trained.
    """

    projected_size: int | None = None
    reads_keys: bool = True

    def project_key(self, key: Tensor) -> Tensor:
        """Computes the part of the score that depends on the keys alone.

        Args:
            key: Keys, `(B, H, S, K)`.

        Returns:
            Projected keys for `forward`, `(B, H, S, P)`, P = their width; by default the keys themselves.
        """
        return key

    @abstractmethod
    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """Computes the score of every query with every key.

        Args:
            query: Queries, `(B, H, T, Q)`, Q = width of a query.
            key: Projected keys from `project_key`, `(B, H, S, P)`, P = width of a projected key.

        Returns:
            The scores before mask and softmax, `(B, H, T, S)`.
        """


class DotProductScore(Score):
    """Base class of dot-product scores, `e_i = scale · f(s) · g(h_i)`, which fused attention kernels can compute.

    s is a query and `h_i` a key. Subclasses define f as `project_query` and g as `project_key`; by default, both return
    their argument.

    Attributes:
        scale: Factor on the dot products.
    """

    scale: float = 1.0

    def project_query(self, query: Tensor) -> Tensor:
        """Maps queries, `(B, H, T, Q)`, to the width P of projected keys; by default, returns them unchanged."""
        return query

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """Computes `scale · f(s) · g(h_i)` for every query s and key `h_i`; `project_query` computes f(s).

        Args:
            query: Queries s, `(B, H, T, Q)`, Q = width of a query.
            key: Projected keys `g(h_i)`, the result of `project_key`, `(B, H, S, P)`, P = their width.

        Returns:
            The scores before mask and softmax, `(B, H, T, S)`.
        """
        return self.project_query(query) @ key.transpose(-1, -2) * self.scale


class DotScore(DotProductScore):
    """Dot-product score, `e_i = s · h_i` for query s and key `h_i` (Luong 2015, §3.1, 'dot').

    Args:
        query_size: Q, the width of the queries; must equal `key_size`.
        key_size: K, the width of the keys.

    Raises:
        ShapeError: The widths differ.
    """

    def __init__(self, query_size: int, key_size: int) -> None:
        super().__init__()
        if query_size != key_size:
            raise ShapeError(
                f"the dot-product score needs queries and keys of equal width, but queries have width {query_size} and "
                f"keys {key_size}: make them equal, or use the score 'general', which maps keys to the width of queries"
            )


class ScaledDotScore(DotScore):
    """Scaled dot-product score, `e_i = s · h_i / √K` for query s and key `h_i` (Vaswani 2017, eq. 1).

    Args:
        query_size: Q, the width of the queries; must equal `key_size`.
        key_size: K, the width of the keys.

    Raises:
        ShapeError: The widths differ.
    """

    def __init__(self, query_size: int, key_size: int) -> None:
        super().__init__(query_size, key_size)
        self.scale = 1.0 / math.sqrt(key_size)


class GeneralScore(DotProductScore):
    """Bilinear score, `e_i = sᵀ W_a h_i` for query s and key `h_i` (Luong 2015, §3.1, 'general').

    Args:
        query_size: Q, the width of the queries.
        key_size: K, the width of the keys.
        num_heads: H, the number of heads. Each head has its own `W_a`.
    """

    def __init__(self, query_size: int, key_size: int, *, num_heads: int = 1) -> None:
        super().__init__()
        self.key_map = HeadLinear(num_heads, key_size, query_size)
        self.projected_size = query_size

    def project_key(self, key: Tensor) -> Tensor:
        """Maps each key `h_i` to `W_a h_i`, `(B, H, S, Q)`, Q = width of a query. See `Score.project_key`."""
        projected: Tensor = self.key_map(key)
        return projected


class CosineScore(DotProductScore):
    """Cosine score, `e_i = β · s · h_i / (|s| |h_i|)` with a learned sharpness β (Graves 2014, eq. 5-6).

    Args:
        query_size: Q, the width of the queries s; must equal `key_size`.
        key_size: K, the width of the keys `h_i`.
        num_heads: H, the number of heads. Each head has its own β.

    Raises:
        ShapeError: The widths differ.
    """

    def __init__(self, query_size: int, key_size: int, *, num_heads: int = 1) -> None:
        super().__init__()
        if query_size != key_size:
            raise ShapeError(
                f"the cosine score needs queries and keys of equal width, but queries have width {query_size} and keys "
                f"{key_size}: make them equal, or use the score 'general'"
            )
        self.projected_size = key_size
        # A cosine lies in [-1, 1], so the softmax can be sharp only if β is well above 1.
        self.log_sharpness = nn.Parameter(torch.full((num_heads, 1, 1), math.log(10.0)))

    def project_key(self, key: Tensor) -> Tensor:
        """Scales each key `h_i` to length 1; the shape `(B, H, S, K)` stays the same. See `Score.project_key`."""
        return F.normalize(key, dim=-1)

    def project_query(self, query: Tensor) -> Tensor:
        """Scales each query s, `(B, H, T, Q)`, to length β, a learned factor per head. The shape stays the same."""
        return F.normalize(query, dim=-1) * self.log_sharpness.exp().to(query.dtype)


class AdditiveScore(Score):
    """Additive score, `e_i = v · tanh(W_b s + W_c h_i + b)` (Bahdanau 2015, A.1.2).

    s is a query, `h_i` a key. Luong's 'concat', `v · tanh(W [s; h_i])` (Luong 2015, §3.1), is the same function with
    `W = [W_b  W_c]`.

    Args:
        query_size: Q, the width of the queries.
        key_size: K, the width of the keys.
        size: Width of the hidden layer, the argument of tanh; by default Q.
        num_heads: H, the number of heads. Each head has its own parameters.
    """

    def __init__(self, query_size: int, key_size: int, *, size: int | None = None, num_heads: int = 1) -> None:
        super().__init__()
        size = query_size if size is None else size
        self.projected_size = size
        self.query_map = HeadLinear(num_heads, query_size, size)
        self.key_map = HeadLinear(num_heads, key_size, size, bias=True)
        self.v = nn.Parameter(torch.empty(num_heads, size).uniform_(-1.0, 1.0).div_(math.sqrt(size)))

    def project_key(self, key: Tensor) -> Tensor:
        """Computes `W_c h_i + b` for each key `h_i`: `(B, H, S, K)` to `(B, H, S, size)`. See `Score.project_key`."""
        projected: Tensor = self.key_map(key)
        return projected

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """Computes `v · tanh(W_b s + key)` for every query s and projected key. See `Score.forward`."""
        return additive_scores(self.query_map(query), key, self.v)


class LocationScore(Score):
    """Location-based score: the query s alone determines the scores of all positions, `e = W_a s`.

    This is 'location' of Luong 2015, §3.1. Of longer sources, only the first `max_source` positions are attended to, as
    in the paper.

    Args:
        query_size: Q, the width of the queries.
        max_source: Largest number of source positions, the number of rows of `W_a`.
        num_heads: H, the number of heads. Each head has its own `W_a`.
    """

    reads_keys = False

    def __init__(self, query_size: int, *, max_source: int = 256, num_heads: int = 1) -> None:
        super().__init__()
        self.position_map = HeadLinear(num_heads, query_size, max_source)

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """Computes `(W_a s)_i` for every query s and each of the S key positions i. See `Score.forward`."""
        scores: Tensor = self.position_map(query)
        num_keys, num_positions = key.shape[-2], scores.shape[-1]
        if num_keys <= num_positions:
            return scores[..., :num_keys]
        return F.pad(scores, (0, num_keys - num_positions), value=torch.finfo(scores.dtype).min)
