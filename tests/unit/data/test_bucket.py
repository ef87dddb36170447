"""Batch plans: every sentence once, within the limit, little padding, reproducible by seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.bucket import Batches, BatchPlan
from regard.errors import ConfigError, ShapeError

LENGTHS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=60)


def padding(lens: np.ndarray, batches: Batches) -> float:
    padded = sum(len(batch) * int(lens[list(batch)].max()) for batch in batches)
    return 1 - int(lens.sum()) / padded


def caption_lengths(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths as in captions: about 14 subwords, the target a little longer."""
    rng = np.random.default_rng(3)
    src = np.clip(rng.gamma(9, 1.6, count).round().astype(np.int64), 3, None)
    return src, np.clip((src * rng.normal(1.15, 0.15, count)).round().astype(np.int64), 2, None)


@given(lens=LENGTHS, batch_tokens=st.integers(1, 200), seed=st.integers(-3, 3), epoch=st.integers(0, 3))
def test_every_sentence_once_and_within_the_limit(
    lens: list[tuple[int, int]], batch_tokens: int, seed: int, epoch: int
) -> None:
    src, tgt = [pair[0] for pair in lens], [pair[1] for pair in lens]
    batches = BatchPlan(src, tgt, batch_tokens=batch_tokens, seed=seed).epoch(epoch)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lens)))
    for batch in batches:
        assert batch
        widest = max(max(src[row], tgt[row]) for row in batch)
        assert len(batch) == 1 or len(batch) * widest <= batch_tokens


def test_batches_are_filled() -> None:
    batches = BatchPlan([5] * 10, [7] * 10, batch_tokens=21, seed=1).epoch(0)
    assert sorted(map(len, batches)) == [1, 3, 3, 3]


def test_a_sentence_longer_than_the_limit_is_a_batch_alone() -> None:
    batches = BatchPlan([3, 500, 3, 3], [3, 2, 400, 3], batch_tokens=8, seed=1).epoch(0)
    assert {(1,), (2,)} <= set(batches)
    assert sorted(map(len, batches)) == [1, 1, 2]


def test_the_same_seed_gives_the_same_batches() -> None:
    src, tgt = caption_lengths(500)
    plan, again = (BatchPlan(src, tgt, batch_tokens=300, seed=4) for _ in range(2))
    assert list(plan.epoch(2)) == list(again.epoch(2)) == list(plan.epoch(2))
    assert list(plan.epoch(2)) != list(plan.epoch(3))
    assert list(BatchPlan(src, tgt, batch_tokens=300, seed=5).epoch(2)) != list(plan.epoch(2))


def test_each_epoch_groups_other_sentences() -> None:
    src, tgt = caption_lengths(3000)
    first, second = (BatchPlan(src, tgt, batch_tokens=500, seed=1).epoch(number) for number in (0, 1))
    assert len({frozenset(batch) for batch in first} & {frozenset(batch) for batch in second}) < len(first) / 4
    # Long and short batches come mixed, not in the order of their lengths.
    widths = [int(tgt[batch[0]]) for batch in first]
    assert np.mean(np.diff(widths) > 0) == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("batch_tokens", [1024, 2048, 4096])
def test_padding_is_small(batch_tokens: int) -> None:
    src, tgt = caption_lengths(29_000)
    batches = BatchPlan(src, tgt, batch_tokens=batch_tokens, seed=1).epoch(0)
    assert padding(tgt, batches) < 0.02
    assert padding(src, batches) < 0.12
    assert len(batches) < 1.12 * max(src.sum(), tgt.sum()) / batch_tokens


def test_batches_are_a_sequence() -> None:
    batches = BatchPlan([3] * 9, [3] * 9, batch_tokens=6, seed=1).epoch(0)
    assert len(batches) == 5
    assert batches[-1] == list(batches)[-1]
    assert list(batches[1:3]) == list(batches)[1:3]
    assert all(type(row) is int for batch in batches for row in batch)
    with pytest.raises(IndexError):
        batches[5]


def test_an_empty_corpus_gives_no_batches() -> None:
    assert list(BatchPlan([], [], batch_tokens=6, seed=1).epoch(0)) == []


def test_invalid_arguments_are_refused() -> None:
    with pytest.raises(ShapeError, match="got 1 target lengths and 2 source lengths"):
        BatchPlan([1, 2], [1], batch_tokens=6, seed=1)
    with pytest.raises(ConfigError, match=r"train\.batch_tokens: expected at least 1, got 0"):
        BatchPlan([1], [1], batch_tokens=0, seed=1)
