"""Shares the time and requests to stop among all workers of a training, so that all decide the same."""

from __future__ import annotations

from regard.train.interrupt import Interrupt
from regard.train.workers import Workers


class Agreement:
    """The time and the request to stop that all workers agree on, as of the last call of `update`.

    With a single worker, these are the real time and the requests to this worker.

    Args:
        workers: All worker processes of the training.
    """

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._origin = workers.clock()
        self._seconds = 0.0
        self._own = self.interrupt = Interrupt()

    def clock(self) -> float:
        """Time of worker 0 at the last `update`, in seconds from any origin; with a single worker, the present time."""
        return self.workers.clock() if self.workers.count == 1 else self._seconds

    def begin(self, interrupt: Interrupt) -> Interrupt:
        """Starts to watch for requests to stop.

        Args:
            interrupt: Flag that asks this worker to stop.

        Returns:
            Flag that `update` sets in all workers, at the same point of their work, if any worker was asked to stop.
        """
        self._own = interrupt
        self.interrupt = interrupt if self.workers.count == 1 else Interrupt()
        self.update()
        return self.interrupt

    def update(self) -> None:
        """Sends the time of worker 0 and any request to stop to all workers; all workers must call it."""
        if self.workers.count == 1:
            return
        stop, keep = self._own.requested, self._own.requested and not self._own.save
        microseconds = round(1e6 * (self.workers.clock() - self._origin)) if self.workers.is_first else 0
        num_stops, num_without_saving, microseconds = self.workers.sum([stop, keep, microseconds])
        self._seconds = microseconds / 1e6
        if num_stops:
            self.interrupt.request(save=not num_without_saving)

    def check(self) -> None:
        """Calls `update`, then raises an exception if a stop was requested; all workers must call it.

        Raises:
            Interrupted: A stop was requested in any worker.
        """
        self.update()
        self.interrupt.check()
