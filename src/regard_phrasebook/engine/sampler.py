"""Random choices of a grammar: seeded, and fair to rare words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Sampler:
    """Draws from pools so that every word comes up often enough to be learnt.

    `pick` looks at two random members of a pool and takes the one that was taken less often until now
    (the power of two choices): words that few constructions allow catch up with the others.

    Args:
        seed: Same seed, same choices.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._taken: dict[object, int] = {}

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.random.random() < probability

    def pick(self, pool: Sequence[T]) -> T:
        """A member of a pool, the less used of two random ones; members must be hashable."""
        draw, size = self.random.random, len(pool)
        one, two = pool[int(draw() * size)], pool[int(draw() * size)]
        chosen = one if self._taken.get(one, 0) <= self._taken.get(two, 0) else two
        self._taken[chosen] = self._taken.get(chosen, 0) + 1
        return chosen

    def weighted(self, choices: Sequence[tuple[float, T]]) -> T:
        """A value from `(weight, value)` pairs, in proportion to the weights."""
        left = self.random.random() * sum(weight for weight, _ in choices)
        for weight, value in choices:
            left -= weight
            if left < 0:
                return value
        return choices[-1][1]

    def one_of(self, *makers: Callable[[], T]) -> T:
        """What one of the given functions, chosen with equal chances, returns."""
        return self.random.choice(makers)()
