"""What all workers of a training must know alike, so that they decide alike: the time, and whether to stop."""

from __future__ import annotations

from regard.train.interrupt import Interrupt
from regard.train.workers import Workers


class Agreement:
    """The time and the request to stop that all workers agree on, as of the last call of `update`.

    For an only worker, these are the real time and its own requests.

    Args:
        workers: All workers.
    """

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._origin = workers.clock()
        self._seconds = 0.0
        self._own = self.interrupt = Interrupt()

    def clock(self) -> float:
        """Time of worker 0 in seconds, from any origin."""
        return self.workers.clock() if self.workers.count == 1 else self._seconds

    def begin(self, interrupt: Interrupt) -> Interrupt:
        """Starts to watch for requests to stop.

        Args:
            interrupt: Requests to this worker.

        Returns:
            Requests that all workers agree on, which each of them sees at the same point of its work.
        """
        self._own = interrupt
        self.interrupt = interrupt if self.workers.count == 1 else Interrupt()
        self.update()
        return self.interrupt

    def update(self) -> None:
        """Agrees on the time, and on a stop if any worker was asked to; all workers must call it."""
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
