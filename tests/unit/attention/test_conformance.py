"""The conformance checks pass every score of ours and catch what breaks a promise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from regard.attention.conformance import check_score
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
