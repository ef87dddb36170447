"""Batches that a thread makes ahead of their use, so that a training does not wait for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from regard.values import Batch

NUM_AHEAD = 3
"""Batches that are made before they are asked for."""

Key = tuple[int, ...]
"""What the batches of a part of a stream are planned for, such as the number of an epoch."""


class BatchesAhead:
    """Makes batches in a thread, a few of them before they are asked for.

    Workers that share a training take every second batch, or every third. Batches that are skipped are not made.

    Attributes:
        make: Function that makes a batch from the key of its part of the text and the row numbers of its
            sentence pairs.
    """

    def __init__(self, make: Callable[[Key, tuple[int, ...]], Batch]) -> None:
        """Starts without batches.

        Args:
            make: Function that makes a batch; it is called in another thread.
        """
        self.make = make
        self._thread = ThreadPoolExecutor(1, "regard-batches")
        self._made: dict[tuple[Key, int], Future[Batch]] = {}
        self._stride = 1
        self._last: tuple[Key, int] | None = None

    def clear(self) -> None:
        """Forgets the batches that were made, because others would be made now."""
        self._made = {}

    def take(self, part: Key, number: int, batches: Sequence[tuple[int, ...]]) -> Batch:
        """Returns a batch, and begins to make the next ones of the same part.

        Args:
            part: Key of the part of the stream.
            number: Number of the batch in the part.
            batches: Row numbers of all batches of the part.

        Returns:
            The batch.
        """
        if self._last is not None and self._last[0] == part and number > self._last[1]:
            self._stride = number - self._last[1]
        self._last = part, number
        ahead = range(number, min(len(batches), number + (NUM_AHEAD + 1) * self._stride), self._stride)
        self._made = {key: batch for key, batch in self._made.items() if key[0] == part and key[1] in ahead}
        for each in ahead:
            if (part, each) not in self._made:
                self._made[part, each] = self._thread.submit(self.make, part, batches[each])
        return self._made.pop((part, number)).result()
