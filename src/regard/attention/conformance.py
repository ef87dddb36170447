"""Checks that a score or normalizer, built in or your own, meets its interface contract."""

from __future__ import annotations

from collections.abc import Callable

import torch

from regard.attention.normalizers import Normalizer
from regard.attention.scores import Score
from regard.errors import ShapeError

BATCH, HEADS, QUERIES, KEYS = 3, 1, 4, 5


def check_score(make_score: Callable[[int, int], Score], *, query_size: int = 6, key_size: int = 6) -> None:
    """Checks on random queries and keys that a score function of your own can be used in attention.

    The score function must compute one finite number per query and key. This number must not depend on other sentences
    of the batch, on other queries, or on padding after the keys. Each parameter of the score function must receive a
    finite gradient.

    Args:
        make_score: Function that makes the score function from the widths of a query and a key, as for
            `build_model(score=…)`.
        query_size: Q, the width of the queries to check with.
        key_size: K, the width of the keys to check with.

    Raises:
        ShapeError: The score function violates a requirement; the message says which.

    >>> from regard.attention.scores import GeneralScore
    >>> check_score(GeneralScore, query_size=4, key_size=6)
    """
    score = make_score(query_size, key_size).double()
    query = torch.randn(BATCH, HEADS, QUERIES, query_size, dtype=torch.float64, requires_grad=True)
    key = torch.randn(BATCH, HEADS, KEYS, key_size, dtype=torch.float64)
    scores = score(query, score.project_key(key))
    expected_shape = (BATCH, HEADS, QUERIES, KEYS)
    if tuple(scores.shape) != expected_shape:
        raise ShapeError(
            f"this score function cannot be used in attention: expected scores of shape (B, H, T, S) = "
            f"{expected_shape}, got {tuple(scores.shape)}: return one number per query and key"
        )
    _require_of_score(bool(scores.isfinite().all()), "scores must be finite for finite queries and keys")
    alone = score(query[1:2], score.project_key(key[1:2]))
    _require_of_score(
        torch.allclose(alone, scores[1:2]), "a sentence's scores must not depend on the rest of the batch"
    )
    single_query = score(query[:, :, 2:3], score.project_key(key))
    _require_of_score(
        torch.allclose(single_query, scores[:, :, 2:3]), "a query's scores must not depend on the other queries"
    )
    padded = torch.cat([key, 9.0 * torch.ones_like(key[:, :, :2])], dim=2)
    with_padding = score(query, score.project_key(padded))[..., :KEYS]
    _require_of_score(torch.allclose(with_padding, scores), "a key's scores must not depend on padding after the keys")
    scores.tanh().sum().backward()
    for name, parameter in score.named_parameters():
        learns = parameter.grad is not None and bool(parameter.grad.isfinite().all())
        _require_of_score(learns, f"the parameter {name!r} gets no finite gradient, so it cannot learn")


def check_normalizer(normalizer: Normalizer) -> None:
    """Checks on random scores that a normalizer of your own can be used in attention.

    A normalizer computes attention weights from scores. The weights of a query must be in float32, at least 0, sum to 1
    and be 0 where the mask is False; if the mask is False at all positions, all weights must be 0. A higher score must
    not get less weight. Other queries and padding must not change the weights. The gradient must be finite, zero where
    the mask is False, and equal to the numerical gradient.

    Args:
        normalizer: Function from scores `(B, H, T, S)` and a mask to weights `(B, H, T, S)`.

    Raises:
        ShapeError: The normalizer violates a requirement; the message says which.

    >>> from regard.attention.normalizers import sparsemax
    >>> check_normalizer(sparsemax)
    """
    scores = torch.randn(BATCH, HEADS, QUERIES, KEYS, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(BATCH, 1, 1, KEYS, dtype=torch.bool)
    mask[1, ..., 2:], mask[2] = False, False
    weights = normalizer(scores, mask)
    _require_of_normalizer(weights.shape == scores.shape, "weights must have the shape of the scores")
    _require_of_normalizer(
        bool(weights.isfinite().all()), "weights must be finite, also for a query whose mask is False everywhere"
    )
    _require_of_normalizer(not bool((weights * ~mask).any()), "masked positions must get no weight")
    sums = torch.ones(BATCH, HEADS, QUERIES, dtype=weights.dtype)
    sums[2] = 0.0
    is_distribution = bool((weights >= 0).all()) and torch.allclose(weights.sum(-1), sums)
    _require_of_normalizer(is_distribution, "weights must be at least 0 and sum to 1 unless all positions are masked")
    ordered = weights[0].gather(-1, scores[0].argsort(-1))
    _require_of_normalizer(bool((ordered.diff(dim=-1) >= 0).all()), "a higher score must not get less weight")
    alone = normalizer(scores[1:2, :, :1, :2], None)
    _require_of_normalizer(
        torch.allclose(alone, weights[1:2, :, :1, :2]),
        "the weights of a query must not depend on other queries, nor on masked positions",
    )
    from_bfloat16 = normalizer(scores.bfloat16(), mask)
    _require_of_normalizer(from_bfloat16.dtype == torch.float32, "weights must be computed in float32")
    (gradient,) = torch.autograd.grad(weights, scores, torch.randn_like(weights))
    _require_of_normalizer(bool(gradient.isfinite().all()), "gradients must be finite")
    _require_of_normalizer(not bool((gradient * ~mask).any()), "masked positions must get no gradient")
    matches = torch.autograd.gradcheck(lambda z: normalizer(z, mask), scores, raise_exception=False)
    _require_of_normalizer(matches, "gradients must match numerical gradients of the weights")


def _require_of_score(condition: bool, requirement: str) -> None:
    if not condition:
        raise ShapeError(f"this score function cannot be used in attention: {requirement}")


def _require_of_normalizer(condition: bool, requirement: str) -> None:
    if not condition:
        raise ShapeError(f"this normalizer cannot be used in attention: {requirement}")
