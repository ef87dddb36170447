"""An epoch contains the pairs of each corpus as often as its weight says, the same ones for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.bucket import BatchPlan
from regard.data.mixture import CorpusShare, Mixture
from regard.errors import ConfigError, ShapeError

SHARES = st.lists(
    st.builds(CorpusShare, st.integers(0, 40), st.sampled_from([0.05, 0.29, 0.5, 1.0, 1.7, 2.0, 3.3])), max_size=4
)


@given(SHARES, st.integers(0, 5), st.integers(1, 12))
def test_all_pairs_of_a_corpus_are_used_equally_often_to_within_one(
    shares: list[CorpusShare], seed: int, num_epochs: int
) -> None:
    mixture = Mixture(shares, seed=seed)
    total = sum(share.num_rows for share in shares)
    counts = sum(np.bincount(mixture.rows(epoch), minlength=total) for epoch in range(num_epochs))
    start = 0
    for share in shares:
        own = np.asarray(counts)[start : start + share.num_rows]
        start += share.num_rows
        if share.num_rows:
            assert own.max() - own.min() <= 1
            assert own.sum() == int(round(share.weight * 100) * share.num_rows * num_epochs / 100 + 1e-9)


def test_a_part_is_drawn_anew_in_each_epoch_and_alike_for_the_same_seed() -> None:
    mixture = Mixture([CorpusShare(100, 1.0), CorpusShare(100, 0.3)], seed=4)
    first, second = mixture.rows(0), mixture.rows(1)
    assert len(first) == len(second) == 130
    assert first[:100].tolist() == list(range(100))
    assert not set(first[100:]) & set(second[100:])
    assert mixture.rows(1).tolist() == Mixture(mixture.shares, seed=4).rows(1).tolist()
    assert mixture.rows(1).tolist() != Mixture(mixture.shares, seed=5).rows(1).tolist()


def test_an_order_of_the_pairs_that_ends_within_an_epoch_is_followed_by_another() -> None:
    mixture = Mixture([CorpusShare(10, 0.7)], seed=1)
    rows = np.concatenate([mixture.rows(epoch) for epoch in range(10)])
    assert np.bincount(rows).tolist() == [7] * 10
    assert len({tuple(mixture.rows(epoch)) for epoch in range(10)}) > 5


def lengths(count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(2)
    return generator.integers(1, 30, count), generator.integers(1, 30, count)


def test_weights_of_one_change_no_batch() -> None:
    src, tgt = lengths(300)
    mixture = Mixture([CorpusShare(120, 1.0), CorpusShare(180, 1.0)], seed=3)
    plain = BatchPlan(src, tgt, batch_tokens=100, seed=3)
    mixed = BatchPlan(src, tgt, batch_tokens=100, seed=3, mixture=mixture)
    assert list(plain.epoch(2)) == list(mixed.epoch(2))


def test_batches_contain_the_rows_of_the_mixture_and_keep_their_limit() -> None:
    src, tgt = lengths(300)
    mixture = Mixture([CorpusShare(120, 2.5), CorpusShare(180, 0.4)], seed=3)
    plan = BatchPlan(src, tgt, batch_tokens=100, seed=3, mixture=mixture)
    batches = list(plan.epoch(1))
    assert sorted(row for batch in batches for row in batch) == mixture.rows(1).tolist()
    assert all(len(batch) * max(max(src[list(batch)]), max(tgt[list(batch)])) <= 100 for batch in batches)
    assert batches == list(plan.epoch(1)) != list(plan.epoch(2))


def test_wrong_weights_and_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected more than 0, got 0"):
        Mixture([CorpusShare(3, 0.0)], seed=1)
    with pytest.raises(ShapeError, match="expected a mixture of corpora with 3 sentence pairs in total, got 2"):
        BatchPlan([1, 1, 1], [1, 1, 1], batch_tokens=9, seed=1, mixture=Mixture([CorpusShare(2)], seed=1))
