"""Pseudorandom permutations of any size in constant memory, with random access: an exact shuffle of a corpus."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.errors import ShapeError

_AT_ONCE = 1 << 15
_NUM_ROUNDS = 6
"""Rounds of the cipher; four already make permutations that no simple test tells from random ones."""
_ROUND_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_KEY_FACTOR = np.uint64(0x94D049BB133111EB)
_SHIFT = np.uint64(29)


class Permutation:
    """A permutation of the integers below `size`, by a Feistel network with cycle walking (Black & Rogaway 2002).

    The network permutes all integers of an even number of bits. A result that is not below `size` is permuted again,
    at most four times on average, which keeps the mapping one-to-one. Only the keys of the network's rounds are stored.

    Attributes:
        size: Number of integers: those from 0 to `size - 1` are permuted.
    """

    def __init__(self, size: int, *key: int) -> None:
        """Makes a permutation.

        Args:
            size: Number of integers that are permuted, at least 0.
            *key: Integers that determine the permutation, such as a seed and the number of an epoch.

        Raises:
            ShapeError: `size` is negative.
        """
        if size < 0:
            raise ShapeError(f"expected a size of a permutation of at least 0, got {size}")
        self.size = size
        sequence = np.random.SeedSequence([part % 2**64 for part in key])
        self._keys = sequence.generate_state(_NUM_ROUNDS, np.uint64)
        half = max(1, ((max(size, 2) - 1).bit_length() + 1) // 2)
        self._half = np.uint64(half)
        self._mask = np.uint64((1 << half) - 1)

    def __call__(self, numbers: NDArray[np.integer]) -> NDArray[np.int64]:
        """Permutes integers.

        Args:
            numbers: Integers from 0 to `size - 1`, of any shape.

        Returns:
            The integer that each of them is mapped to, int64, of the same shape.

        >>> sorted(Permutation(5, 1)(np.arange(5)).tolist())
        [0, 1, 2, 3, 4]
        """
        result = np.asarray(numbers).astype(np.uint64)
        if result.size and int(result.max()) >= self.size:
            raise ShapeError(f"expected numbers below {self.size}, the size of the permutation, got {result.max()}")
        if self.size < 2:
            return result.astype(np.int64)
        flat = result.reshape(-1)
        for start in range(0, flat.size, _AT_ONCE):  # a few arrays of this size fit into a processor's cache
            self._walk(flat[start : start + _AT_ONCE])
        permuted: NDArray[np.int64] = flat.reshape(result.shape).astype(np.int64)
        return permuted

    def _walk(self, numbers: NDArray[np.uint64]) -> None:
        """Permutes numbers in place."""
        outside = np.arange(numbers.size)
        while outside.size:
            numbers[outside] = self._encrypt(numbers[outside])
            outside = outside[numbers[outside] >= self.size]

    def _encrypt(self, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
        left, right = numbers >> self._half, numbers & self._mask
        for key in self._keys:
            mixed = (right ^ key) * _ROUND_FACTOR
            mixed ^= mixed >> _SHIFT
            mixed *= _KEY_FACTOR
            mixed >>= np.uint64(32)
            left, right = right, left ^ (mixed & self._mask)
        joined: NDArray[np.uint64] = (left << self._half) | right
        return joined
