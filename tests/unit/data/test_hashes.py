"""Hashes of texts, and their order at random."""

from __future__ import annotations

import numpy as np

from regard.data.hashes import bytes_hash, mixed, text_hash


def test_a_text_has_the_hash_of_its_bytes() -> None:
    assert text_hash("ta journée") == bytes_hash("ta journée".encode()) != text_hash("ta journee")


def test_mixed_is_the_finalizer_of_splitmix64() -> None:
    increments = np.array([0x9E3779B97F4A7C15, 2 * 0x9E3779B97F4A7C15 % 2**64], np.uint64)
    # The first two numbers of SplitMix64 with the seed 0, as java.util.SplittableRandom(0) gives them.
    assert mixed(increments).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


def test_mixed_keeps_different_integers_apart() -> None:
    keys = np.arange(10_000, dtype=np.uint64)
    assert len(np.unique(mixed(keys))) == len(keys)
    assert keys.tolist() == list(range(10_000))
