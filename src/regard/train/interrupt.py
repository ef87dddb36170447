"""Ctrl-C, `kill` and a closed terminal end a training between two steps, with everything saved."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_HANG_UP = getattr(signal, "SIGHUP", None)
"""Sent when the terminal or the connection is closed; unknown on Windows."""


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
    """Turns SIGINT, SIGTERM and SIGHUP into an `Interrupt`; a second signal has its usual effect at once.

    A SIGHUP that is ignored, as under `nohup`, stays so. After one that is heard, others mean the same, and what is
    written to a terminal that is gone goes nowhere, rather than to end the work by an error before all is saved.

    Outside the main thread, where Python delivers no signals, nothing is installed.

    Yields:
        The wish, not uttered yet.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {number: signal.getsignal(number) for number in _heard()}
    terminals = [stream for stream in (1, 2) if _is_terminal(stream)]

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        interrupt.requested = True
        restore()
        if number == _HANG_UP:
            signal.signal(number, signal.SIG_IGN)  # the system sends one, and a shell that ends with it another
            _leave_dead(terminals)

    for number in before:
        signal.signal(number, handle)
    try:
        yield interrupt
    finally:
        restore()


def _heard() -> list[signal.Signals]:
    """What asks to stop."""
    heard = [signal.SIGINT, signal.SIGTERM]
    if _HANG_UP is not None and signal.getsignal(_HANG_UP) is not signal.SIG_IGN:
        heard.append(_HANG_UP)
    return heard


def _is_terminal(stream: int) -> bool:
    try:
        return os.isatty(stream)
    except OSError:
        return False


def _leave_dead(terminals: list[int]) -> None:
    """Points streams to nowhere whose terminal is gone; one that lives on is still written to."""
    for stream in terminals:
        if not _is_terminal(stream):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)
