"""Epochs and windows: every pair as often as its weight says, in batches that do not exceed their limit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from regard.data.bucket import BatchPlan
from regard.data.mixture import CorpusShare, Mixture
from regard.data.prepared.epochs import EpochRows
from regard.data.prepared.windows import WindowPlan


class Corpus:
    """Random lengths."""

    def __init__(self, size: int) -> None:
        draw = np.random.default_rng(size)
        self.src, self.tgt = (draw.integers(1, most, size).astype(np.int32) for most in (30, 40))

    def __len__(self) -> int:
        return len(self.src)

    def lengths(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        return self.src[rows], self.tgt[rows]


@pytest.mark.parametrize("weights", [(1.0, 1.0), (2.0, 1.0), (2.3, 0.29), (0.001, 1.5), (0.5, 3.14159)])
def test_use_counts_never_differ_by_more_than_one(weights: tuple[float, float]) -> None:
    shares = [CorpusShare(100, weights[0]), CorpusShare(37, weights[1])]
    rows = EpochRows(shares, seed=4)
    total: Counter[int] = Counter(dict.fromkeys(range(137), 0))
    for epoch in range(25):
        size = rows.size(epoch)
        total.update(rows.rows(epoch, 0, size).tolist())
        for first, last, weight in ((0, 100, weights[0]), (100, 137, weights[1])):
            counts = [total[row] for row in range(first, last)]
            assert max(counts) - min(counts) <= 1
            assert abs(sum(counts) - weight * (last - first) * (epoch + 1)) < 1
    assert set(total) == set(range(137))


def test_any_part_of_an_epoch_can_be_computed_alone() -> None:
    rows = EpochRows([CorpusShare(1000, 2.5), CorpusShare(70)], seed=1)
    size = rows.size(3)
    whole = rows.rows(3, 0, size)
    assert size == 2570
    assert (
        np.concatenate([rows.rows(3, 0, 7), rows.rows(3, 7, 2000), rows.rows(3, 2000, size)]).tolist() == whole.tolist()
    )
    assert whole.tolist() != rows.rows(4, 0, size).tolist()
    assert whole.tolist() != sorted(whole.tolist())


def test_a_corpus_of_one_window_has_the_batches_of_a_batch_plan() -> None:
    corpus, shares = Corpus(500), [CorpusShare(300, 1.5), CorpusShare(200)]
    plan = WindowPlan(corpus, shares, batch_tokens=200, seed=6, window_size=700)
    small = BatchPlan(corpus.src + 1, corpus.tgt + 1, batch_tokens=200, seed=6, mixture=Mixture(shares, seed=6))
    for epoch in range(3):
        assert plan.num_windows(epoch) == 1
        assert list(plan.window(epoch, 0)) == list(small.epoch(epoch))


@pytest.mark.parametrize("window_size", [100, 333, 499])
def test_windows_contain_every_pair_once(window_size: int) -> None:
    corpus = Corpus(500)
    plan = WindowPlan(corpus, [CorpusShare(500)], batch_tokens=200, seed=6, window_size=window_size)
    windows = [[list(plan.window(epoch, number)) for number in range(plan.num_windows(epoch))] for epoch in (0, 1)]
    assert len(windows[0]) == -(-500 // window_size)
    assert windows[0] != windows[1]
    for window in (window for epoch in windows for window in epoch):
        rows = [row for batch in window for row in batch]
        assert len(rows) <= window_size
        assert abs(len(rows) - 500 / len(windows[0])) <= 1
        for batch in window:
            widest = max(max(corpus.src[list(batch)]), max(corpus.tgt[list(batch)])) + 1
            assert len(batch) == 1 or widest * len(batch) <= 200
    for epoch in windows:
        assert sorted(row for window in epoch for batch in window for row in batch) == list(range(500))
    again = WindowPlan(corpus, [CorpusShare(500)], batch_tokens=200, seed=6, window_size=window_size)
    assert list(again.window(1, 0)) == windows[1][0]


def test_lengths_are_multiplied() -> None:
    corpus = Corpus(300)
    plan = WindowPlan(corpus, [CorpusShare(300)], batch_tokens=400, seed=6, length_factors=(1.0, 2.0), window_size=100)
    for batch in (batch for number in range(3) for batch in plan.window(0, number)):
        assert len(batch) == 1 or (2 * max(corpus.tgt[list(batch)]) + 1) * len(batch) <= 400
