"""Ctrl-C and `kill` end a training between two steps, with everything saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """Someone asked the training to stop; not an error."""


class Interrupt:
    """A wish to stop, that the work looks at where it can be left.

    Attributes:
        requested: Whether the wish was uttered.
    """

    def __init__(self) -> None:
        self.requested = False

    def check(self) -> None:
        """Leaves the work if the wish was uttered.

        Raises:
            Interrupted: When it was.
        """
        if self.requested:
            raise Interrupted


@contextmanager
def listening() -> Iterator[Interrupt]:
    """Turns SIGINT and SIGTERM into an `Interrupt`; a second signal has its usual effect at once.

    Outside the main thread, where Python delivers no signals, nothing is installed.

    Yields:
        The wish, not uttered yet.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        interrupt.requested = True
        restore()

    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        yield interrupt
    finally:
        restore()
