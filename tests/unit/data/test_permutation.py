"""Permutations: one-to-one for any size, different for every key, and without visible order."""

from __future__ import annotations

import numpy as np
import pytest

from regard.data.prepared.permutation import Permutation
from regard.errors import ShapeError

SIZES = [*range(70), 127, 128, 129, 1000, 4095, 4096, 4097, 65_535, 65_537, 100_003]


@pytest.mark.parametrize("size", SIZES)
def test_it_is_one_to_one(size: int) -> None:
    permuted = Permutation(size, 3, size)(np.arange(size))
    assert np.array_equal(np.sort(permuted), np.arange(size))


def test_any_part_can_be_computed_alone() -> None:
    permutation = Permutation(10_007, 5)
    whole = permutation(np.arange(10_007))
    assert np.array_equal(permutation(np.arange(400, 900)), whole[400:900])
    assert permutation(np.array([[8, 3]])).tolist() == [[whole[8], whole[3]]]


def test_it_is_the_same_in_every_process_and_differs_by_key() -> None:
    assert Permutation(10, 7, 0)(np.arange(10)).tolist() == EXPECTED
    others = [tuple(Permutation(1000, 7, epoch)(np.arange(1000)).tolist()) for epoch in range(50)]
    assert len(set(others)) == 50
    assert Permutation(1000, -1)(np.arange(9)).tolist() == Permutation(1000, 2**64 - 1)(np.arange(9)).tolist()


EXPECTED = [4, 6, 9, 2, 0, 5, 8, 3, 7, 1]


def test_consecutive_numbers_are_spread_evenly() -> None:
    """Chi-square of 100 bins for 20,000 numbers of a million: far below or above 99 would be no random order."""
    permuted = Permutation(1_000_000, 11)(np.arange(300_000, 320_000))
    counts = np.bincount(permuted // 10_000, minlength=100)
    assert 60 < float(((counts - 200) ** 2 / 200).sum()) < 150
    steps = np.diff(permuted)
    assert abs(np.corrcoef(steps[:-1], steps[1:])[0, 1] + 0.5) < 0.03  # as of independent numbers


def test_numbers_beyond_the_size_are_refused() -> None:
    with pytest.raises(ShapeError, match="expected numbers below 5, the size of the permutation, got 5"):
        Permutation(5, 1)(np.array([0, 5]))
    with pytest.raises(ShapeError, match="expected a size of a permutation of at least 0, got -1"):
        Permutation(-1, 1)
