"""A request to stop long work, such as a training, and the exception that ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """Raised to end long work, such as a training, because a stop was requested; not an error."""


class Interrupt:
    """A flag that asks long work, such as a training, to stop; the work checks the flag regularly.

    Each training or other long work needs its own object. Any thread and any signal handler may request the stop.

    Attributes:
        requested: Whether the work should stop.
        save: Whether the work should save its state before it stops.
    """

    def __init__(self) -> None:
        self.requested = False
        self.save = True
        self._watchers = 0

    @property
    def watched(self) -> bool:
        """Whether work is running that checks this object, so that a request to stop has an effect."""
        return self._watchers > 0

    def request(self, *, save: bool = True) -> None:
        """Asks the work to stop.

        Args:
            save: Whether the work should save its state first. Once a request was made with False, later requests
                with True do not change that.
        """
        self.save = self.save and save
        self.requested = True

    def check(self) -> None:
        """Raises an exception, which ends the work that calls this method, if a stop was requested.

        Raises:
            Interrupted: A stop was requested.
        """
        if self.requested:
            raise Interrupted

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Makes the property `watched` True inside a `with` block.

        Work that calls `check` regularly runs in such a block. So a signal handler can see from `watched` whether a
        request to stop has an effect.

        Yields:
            Nothing.
        """
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1
