"""The conformance checks pass all built-in scores and normalizers, and catch each violation."""

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


@pytest.mark.parametrize("make_score", [DotScore, ScaledDotScore, GeneralScore, AdditiveScore, CosineScore])
def test_built_in_scores_pass(make_score: Callable[[int, int], Score]) -> None:
    check_score(make_score)


def test_the_location_score_passes() -> None:
    check_score(lambda query_size, key_size: LocationScore(query_size, max_source=9))


class BrokenScore(Score):
    def __init__(self, query_size: int, key_size: int, compute: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.compute = compute
        self.unused = torch.nn.Parameter(torch.ones(1)) if compute is dot_product else None

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        return self.compute(query, key)


def dot_product(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.transpose(-1, -2)


def transposed(query: Tensor, key: Tensor) -> Tensor:
    return dot_product(query, key).transpose(-1, -2)


def infinite(query: Tensor, key: Tensor) -> Tensor:
    return dot_product(query, key) / 0.0


def depends_on_the_batch(query: Tensor, key: Tensor) -> Tensor:
    return dot_product(query, key) - query.mean()


def depends_on_other_queries(query: Tensor, key: Tensor) -> Tensor:
    return dot_product(query - query.mean(2, keepdim=True), key)


def depends_on_padding(query: Tensor, key: Tensor) -> Tensor:
    return dot_product(query, key).softmax(-1)


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (transposed, r"\(B, H, T, S\)"),
        (infinite, "finite for finite"),
        (depends_on_the_batch, "rest of the batch"),
        (depends_on_other_queries, "other queries"),
        (depends_on_padding, "padding after the keys"),
        (dot_product, "'unused' gets no finite gradient"),
    ],
)
def test_a_violation_of_a_score_is_named(compute: Callable[[Tensor, Tensor], Tensor], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        check_score(lambda query_size, key_size: BrokenScore(query_size, key_size, compute))


@pytest.mark.parametrize(
    "normalizer", [*NORMALIZERS.values(), Sharpened(masked_softmax, 3.0)], ids=[*NORMALIZERS, "sharpened"]
)
def test_built_in_normalizers_pass(normalizer: Normalizer) -> None:
    torch.manual_seed(1)
    check_normalizer(normalizer)


def flat(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores, mask).mean(-1, keepdim=True)


def nan_in_masked_rows(scores: Tensor, mask: Tensor | None) -> Tensor:
    return (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(-1)


def without_mask(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores, None)


def unnormalized(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores, mask) / 2.0


def reversed_order(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(-scores, mask)


def depends_on_other_rows(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores * scores.detach().std(), mask)


def depends_on_masked_positions(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores * scores.detach().std(-1, keepdim=True), mask)


def narrow(scores: Tensor, mask: Tensor | None) -> Tensor:
    return masked_softmax(scores, mask).to(scores.dtype)


class WrongGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, scores: Tensor, mask: Tensor | None, factor: float) -> Tensor:
        weights = masked_softmax(scores, mask)
        ctx.slopes = weights * factor  # type: ignore[attr-defined]
        return weights

    @staticmethod
    def backward(ctx: object, upstream: Tensor) -> tuple[Tensor, None, None]:
        return upstream * ctx.slopes, None, None  # type: ignore[attr-defined]


def gradient_without_the_sum(scores: Tensor, mask: Tensor | None) -> Tensor:
    weights: Tensor = WrongGradient.apply(scores, mask, 1.0)  # type: ignore[no-untyped-call]
    return weights


def gradient_is_infinite(scores: Tensor, mask: Tensor | None) -> Tensor:
    weights: Tensor = WrongGradient.apply(scores, mask, torch.inf)  # type: ignore[no-untyped-call]
    return weights


def gradient_leaks(scores: Tensor, mask: Tensor | None) -> Tensor:
    weights = masked_softmax(scores, mask)
    return weights + (scores - scores.detach())


@pytest.mark.parametrize(
    ("normalizer", "message"),
    [
        (flat, "shape of the scores"),
        (nan_in_masked_rows, "must be finite, also for a query whose mask is False"),
        (without_mask, "masked positions must get no weight"),
        (unnormalized, "sum to 1"),
        (reversed_order, "higher score"),
        (depends_on_other_rows, "on other queries"),
        (depends_on_masked_positions, "nor on masked positions"),
        (narrow, "in float32"),
        (gradient_is_infinite, "gradients must be finite"),
        (gradient_leaks, "must get no gradient"),
        (gradient_without_the_sum, "match numerical gradients"),
    ],
)
def test_a_violation_of_a_normalizer_is_named(normalizer: Normalizer, message: str) -> None:
    torch.manual_seed(1)
    with pytest.raises(ShapeError, match=message):
        check_normalizer(normalizer)
