"""Interface of streams of training batches, and the batches of each worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from regard.train.workers import Workers
from regard.values import Batch


class Stream(Protocol):
    """An endless stream of training batches, whose position can be saved and restored."""

    @property
    def epoch(self) -> float:
        """Number of passes through the corpus so far, with fraction."""
        ...

    def state(self) -> dict[str, int]:
        """The position in the stream as JSON, for `restore`."""
        ...

    def restore(self, state: dict[str, int]) -> None:
        """Moves to the position that the method `state` returned earlier."""
        ...

    def skip(self, count: int) -> None:
        """Moves past `count` batches without making them; the position is then as after `count` calls of `next`."""
        ...

    def __iter__(self) -> Iterator[Batch]:
        """Returns the stream itself, which is its own iterator."""
        ...

    def __next__(self) -> Batch:
        """Returns the next batch."""
        ...


def own_batches(stream: Stream, count: int, workers: Workers) -> list[Batch]:
    """Takes this worker's batches of the next update from a stream, and skips the batches of other workers.

    Args:
        stream: Training batches, at the same position in all workers.
        count: Number of batches of an update, over all workers.
        workers: All workers.

    Returns:
        This worker's batches, in order.
    """
    batches = []
    for number in range(count):
        if workers.owns(number):
            batches.append(next(stream))
        else:
            stream.skip(1)
    return batches
