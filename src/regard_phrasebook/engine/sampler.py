"""Seeded random choices for grammars, balanced so that rare words occur too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Sampler:
    """Samples from pools so that every word occurs often enough to be learned.

    `pick` draws two random members of a pool and takes the less used one (the power of two choices), so that words that
    few constructions allow catch up with the others.

    Args:
        seed: Random seed; the same seed gives the same choices.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._counts: dict[object, int] = {}

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.random.random() < probability

    def pick(self, pool: Sequence[T]) -> T:
        """Draws two random members of a pool and returns the one picked less often so far; members must be hashable."""
        draw, size = self.random.random, len(pool)
        first, second = pool[int(draw() * size)], pool[int(draw() * size)]
        chosen = first if self._counts.get(first, 0) <= self._counts.get(second, 0) else second
        self._counts[chosen] = self._counts.get(chosen, 0) + 1
        return chosen

    def weighted(self, choices: Sequence[tuple[float, T]]) -> T:
        """Samples a value from `(weight, value)` pairs in proportion to the weights."""
        remaining = self.random.random() * sum(weight for weight, _ in choices)
        for weight, value in choices:
            remaining -= weight
            if remaining < 0:
                return value
        return choices[-1][1]

    def one_of(self, *makers: Callable[[], T]) -> T:
        """Calls one of the given functions, chosen uniformly, and returns its result."""
        return self.random.choice(makers)()
