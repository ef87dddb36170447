"""Makes batches in a thread before they are needed, so that a training does not wait for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from regard.values import Batch

NUM_AHEAD = 3
"""Batches that are made before they are asked for."""

Key = tuple[int, ...]
"""What the batches of a part of a stream are planned for, such as the number of an epoch."""


class BatchesAhead:
    """Makes batches in a thread: the requested batch and the next few, before they are requested.

    If several workers train together, each requests every second batch, or every third, and so on. The batches between
    are not made.

    Attributes:
        make: Function that makes a batch from a key, such as the number of the epoch, and the row numbers of the
            batch's sentence pairs in the corpus.
    """

    def __init__(self, make: Callable[[Key, tuple[int, ...]], Batch]) -> None:
        """Stores the function that makes batches; no batch is made yet.

        Args:
            make: Function that makes a batch from a key, such as the number of the epoch, and the row numbers of the
                batch's sentence pairs in the corpus; it is called in another thread.
        """
        self.make = make
        self._thread = ThreadPoolExecutor(1, "regard-batches")
        self._made: dict[tuple[Key, int], Future[Batch]] = {}
        self._stride = 1
        self._last: tuple[Key, int] | None = None

    def clear(self) -> None:
        """Drops the batches that were made before they were requested, because `make` would now make other ones."""
        self._made = {}

    def take(self, part: Key, number: int, batches: Sequence[tuple[int, ...]]) -> Batch:
        """Returns a batch, and begins to make the next batches in the thread.

        Args:
            part: Key that identifies the sequence `batches`, such as the number of the epoch.
            number: Index of the batch in `batches`.
            batches: For each batch, the row numbers of its sentence pairs in the corpus.

        Returns:
            The batch, after waiting for it if it is not made yet.
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
