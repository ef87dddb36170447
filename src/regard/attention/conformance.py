"""What every score and every normalizer promises, as checks to run on one's own."""

from __future__ import annotations

from collections.abc import Callable

import torch

from regard.attention.normalizers import Normalizer
from regard.attention.scores import Score
from regard.errors import ShapeError

BATCH, HEADS, QUERIES, KEYS = 3, 1, 4, 5


def check_score(make: Callable[[int, int], Score], *, query_size: int = 6, key_size: int = 6) -> None:
    """Tries a score on random queries and keys.

    It must give one finite number a pair; these must not change with the other sentences of the batch, with other
    queries, or with padding after the keys; and every one of its parameters must be able to learn.

    Args:
        make: Makes the score from the widths of a query and a key, as `build_model(score=…)` takes it.
        query_size: Q to try.
        key_size: K to try.

    Raises:
        ShapeError: When a promise is broken; the message says which.

    >>> from regard.attention.scores import GeneralScore
    >>> check_score(GeneralScore, query_size=4, key_size=6)
    """
    score = make(query_size, key_size).double()
    query = torch.randn(BATCH, HEADS, QUERIES, query_size, dtype=torch.float64, requires_grad=True)
    key = torch.randn(BATCH, HEADS, KEYS, key_size, dtype=torch.float64)
    scores = score(query, score.project_key(key))
    wanted = (BATCH, HEADS, QUERIES, KEYS)
    if tuple(scores.shape) != wanted:
        raise ShapeError(f"expected scores of shape (B, H, T, S) = {wanted}, got {tuple(scores.shape)}")
    _demand(bool(scores.isfinite().all()), "scores must be finite for finite queries and keys")
    alone = score(query[1:2], score.project_key(key[1:2]))
    _demand(torch.allclose(alone, scores[1:2]), "a sentence's scores must not depend on the rest of the batch")
    one = score(query[:, :, 2:3], score.project_key(key))
    _demand(torch.allclose(one, scores[:, :, 2:3]), "a query's scores must not depend on the other queries")
    padded = torch.cat([key, 9.0 * torch.ones_like(key[:, :, :2])], dim=2)
    longer = score(query, score.project_key(padded))[..., :KEYS]
    _demand(torch.allclose(longer, scores), "a key's scores must not depend on padding after the keys")
    scores.tanh().sum().backward()
    for name, parameter in score.named_parameters():
        learns = parameter.grad is not None and bool(parameter.grad.isfinite().all())
        _demand(learns, f"the parameter {name!r} gets no finite gradient, so it cannot learn")


def check_normalizer(normalizer: Normalizer) -> None:
    """Tries a normalizer on random scores.

    It must give a distribution in float32, zero where the mask is False, all zeros where it is False everywhere;
    a higher score never gets less weight; other rows and padding change nothing; and the gradient is finite, zero
    where nothing may be attended to, and the right one.

    Args:
        normalizer: Takes scores `(B, H, T, S)` and a mask.

    Raises:
        ShapeError: When a promise is broken; the message says which.

    >>> from regard.attention.normalizers import sparsemax
    >>> check_normalizer(sparsemax)
    """
    scores = torch.randn(BATCH, HEADS, QUERIES, KEYS, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(BATCH, 1, 1, KEYS, dtype=torch.bool)
    mask[1, ..., 2:], mask[2] = False, False
    weights = normalizer(scores, mask)
    _demand(weights.shape == scores.shape, "weights must have the shape of the scores")
    _demand(bool(weights.isfinite().all()), "weights must be finite, for a row with nothing to attend to as well")
    _demand(not bool((weights * ~mask).any()), "what the mask hides must get no weight")
    sums = torch.ones(BATCH, HEADS, QUERIES, dtype=weights.dtype)
    sums[2] = 0.0
    right = bool((weights >= 0).all()) and torch.allclose(weights.sum(-1), sums)
    _demand(right, "weights must be at least 0 and sum to 1 where anything may be attended to")
    ordered = weights[0].gather(-1, scores[0].argsort(-1))
    _demand(bool((ordered.diff(dim=-1) >= 0).all()), "a higher score must not get less weight")
    alone = normalizer(scores[1:2, :, :1, :2], None)
    _demand(torch.allclose(alone, weights[1:2, :, :1, :2]), "a row must not depend on others, nor on what is hidden")
    narrow = normalizer(scores.bfloat16(), mask)
    _demand(narrow.dtype == torch.float32, "weights must be computed in float32")
    (gradient,) = torch.autograd.grad(weights, scores, torch.randn_like(weights))
    _demand(bool(gradient.isfinite().all()), "gradients must be finite")
    _demand(not bool((gradient * ~mask).any()), "what the mask hides must get no gradient")
    known = torch.autograd.gradcheck(lambda z: normalizer(z, mask), scores, raise_exception=False)
    _demand(known, "gradients must be those of the weights")


def _demand(kept: bool, promise: str) -> None:
    if not kept:
        raise ShapeError(f"a promise is broken: {promise}")
