"""The conformance checks pass every score and normalizer of ours and catch what breaks a promise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from regard.attention.conformance import check_normalizer, check_score
from regard.attention.kernels import masked_softmax
from regard.attention.normalizers import Normalizer, Sharpened
from regard.attention.scores import (
    AdditiveScore,
    CosineScore,
    DotScore,
    GeneralScore,
    LocationScore,
    ScaledDotScore,
    Score,
)
from regard.errors import ShapeError
from regard.model.build import NORMALIZERS


@pytest.mark.parametrize("make", [DotScore, ScaledDotScore, GeneralScore, AdditiveScore, CosineScore])
def test_our_scores_keep_their_promises(make: Callable[[int, int], Score]) -> None:
    check_score(make)


def test_location_keeps_them_too() -> None:
    check_score(lambda query_size, key_size: LocationScore(query_size, max_source=9))


class Broken(Score):
    def __init__(self, query_size: int, key_size: int, how: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.how = how
        self.unused = torch.nn.Parameter(torch.ones(1)) if how is fine else None

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        return self.how(query, key)


def fine(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.transpose(-1, -2)


def transposed(query: Tensor, key: Tensor) -> Tensor:
    return fine(query, key).transpose(-1, -2)


def infinite(query: Tensor, key: Tensor) -> Tensor:
    return fine(query, key) / 0.0


def sees_the_batch(query: Tensor, key: Tensor) -> Tensor:
    return fine(query, key) - query.mean()


def sees_other_queries(query: Tensor, key: Tensor) -> Tensor:
    return fine(query - query.mean(2, keepdim=True), key)


def sees_padding(query: Tensor, key: Tensor) -> Tensor:
    return fine(query, key).softmax(-1)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (transposed, r"\(B, H, T, S\)"),
        (infinite, "finite for finite"),
        (sees_the_batch, "rest of the batch"),
        (sees_other_queries, "other queries"),
        (sees_padding, "padding after the keys"),
        (fine, "'unused' gets no finite gradient"),
    ],
)
def test_a_broken_promise_is_named(how: Callable[[Tensor, Tensor], Tensor], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        check_score(lambda query_size, key_size: Broken(query_size, key_size, how))


@pytest.mark.parametrize(
    "normalizer", [*NORMALIZERS.values(), Sharpened(masked_softmax, 3.0)], ids=[*NORMALIZERS, "sharpened"]
)
def test_our_normalizers_keep_their_promises(normalizer: Normalizer) -> None:
    torch.manual_seed(1)
    check_normalizer(normalizer)


def flat(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores, mask).mean(-1, keepdim=True)


def nan_where_nothing_is_left(scores: Tensor, mask: Tensor | None) -> Tensor:
    return (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(-1)


def without_mask(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores, None)


def unnormalized(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores, mask) / 2.0


def upside_down(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(-scores, mask)


def sees_other_rows(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores * scores.detach().std(), mask)


def sees_what_is_hidden(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores * scores.detach().std(-1, keepdim=True), mask)


def narrow(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores, mask).to(scores.dtype)


class Forgetful(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, scores: Tensor, mask: Tensor | None, worth: float) -> Tensor:
        weights = masked_softmax(scores, mask)
        ctx.slopes = weights * worth  # type: ignore[attr-defined]
        return weights

    @staticmethod
    def backward(ctx: object, upstream: Tensor) -> tuple[Tensor, None, None]:
        return upstream * ctx.slopes, None, None  # type: ignore[attr-defined]


def gradient_forgets_the_sum(scores: Tensor, mask: Tensor | None) -> Tensor:
    return Forgetful.apply(scores, mask, 1.0)


def gradient_is_infinite(scores: Tensor, mask: Tensor | None) -> Tensor:
    return Forgetful.apply(scores, mask, torch.inf)


def gradient_leaks(scores: Tensor, mask: Tensor | None) -> Tensor:
    weights = masked_softmax(scores, mask)
    return weights + (scores - scores.detach())


@pytest.mark.parametrize(
    ("normalizer", "message"),
    [
        (flat, "shape of the scores"),
        (nan_where_nothing_is_left, "must be finite, also in a row"),
        (without_mask, "masked positions must get no weight"),
        (unnormalized, "sum to 1"),
        (upside_down, "higher score"),
        (sees_other_rows, "on other rows"),
        (sees_what_is_hidden, "nor on masked positions"),
        (narrow, "in float32"),
        (gradient_is_infinite, "gradients must be finite"),
        (gradient_leaks, "must get no gradient"),
        (gradient_forgets_the_sum, "match numerical gradients"),
    ],
)
def test_a_normalizers_broken_promise_is_named(normalizer: Normalizer, message: str) -> None:
    torch.manual_seed(1)
    with pytest.raises(ShapeError, match=message):
        check_normalizer(normalizer)
