"""A request to stop a training between two steps, with everything saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """The work was asked to stop; not an error."""


class Interrupt:
    """A request to stop, which long work checks wherever it can be left.

    One object serves one job. Any thread and any signal handler may make the request.

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
        """Whether work that checks this object is running."""
        return self._watchers > 0

    def request(self, *, save: bool = True) -> None:
        """Asks the work to stop.

        Args:
            save: Whether the state is saved first. Once it was refused, no later request brings it back.
        """
        self.save = self.save and save
        self.requested = True

    def check(self) -> None:
        """Leaves the work if a stop was requested.

        Raises:
            Interrupted: A stop was requested.
        """
        if self.requested:
            raise Interrupted

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Marks a block of work that checks this object.

        Yields:
            Nothing.
        """
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1
