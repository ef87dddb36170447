"""Settings for the whole process of a program that trains: memory allocator, oneDNN's cache, signal handlers.

Only programs call these functions, such as the commands of `regard` and the workers of `regard lab`; no library
function does.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from regard.train.allocator import keep_freed_memory, limit_compiled_products
from regard.train.interrupt import Interrupt

_HANG_UP = getattr(signal, "SIGHUP", None)
"""The signal SIGHUP, sent when the terminal or the connection is closed; None on Windows."""


def prepare_process() -> None:
    """Makes training faster in this process: freed memory is reused, and oneDNN's cache is limited.

    The memory allocator no longer returns freed memory to the operating system, and oneDNN keeps at most
    `regard.train.allocator.MAX_COMPILED_PRODUCTS` compiled matrix products. Call this function before the first matrix
    product, because oneDNN reads the size of its cache only once.
    """
    keep_freed_memory()
    limit_compiled_products()


@contextmanager
def interrupt_on_signals() -> Iterator[Interrupt]:
    """Context in which SIGINT, SIGTERM and SIGHUP request running work to stop, so that it can save its state.

    While no work checks the yielded object, each signal has its usual effect. A second signal always has it.

    If SIGHUP is ignored, as under `nohup`, it stays ignored. After the first SIGHUP, further SIGHUPs are ignored until
    the context ends, and output to a closed terminal is discarded, because an error in writing must not end the work
    before its state is saved.

    Outside the main thread, where Python delivers no signals, no handlers are installed.

    Yields:
        The flag that a signal sets; pass it to `train`, `run_demo` or `run_lab`, which check it and stop.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    handlers = _Handlers(interrupt)
    handlers.install()
    try:
        yield interrupt
    finally:
        handlers.restore()


class _Handlers:
    """Signal handlers that make a request to stop, and those they replace."""

    def __init__(self, interrupt: Interrupt) -> None:
        self.interrupt = interrupt
        self.before = {number: signal.getsignal(number) for number in _stop_signals()}
        self.terminals = [stream for stream in (1, 2) if _is_terminal(stream)]

    def install(self) -> None:
        for number in self.before:
            signal.signal(number, self._handle)

    def restore(self) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.restore()
        if not self.interrupt.watched:
            signal.raise_signal(number)  # as a rule this ends the process, or raises KeyboardInterrupt
            self.install()
            return
        self.interrupt.request()
        if number == _HANG_UP:
            signal.signal(number, signal.SIG_IGN)  # the system sends one, and a shell that ends with it another
            _discard_output(self.terminals)


def _stop_signals() -> list[signal.Signals]:
    """The signals that ask to stop."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if _HANG_UP is not None and signal.getsignal(_HANG_UP) is not signal.SIG_IGN:
        numbers.append(_HANG_UP)
    return numbers


def _is_terminal(stream: int) -> bool:
    try:
        return os.isatty(stream)
    except OSError:
        return False


def _discard_output(terminals: list[int]) -> None:
    """Redirects streams whose terminal is gone to the null device; others are still written to."""
    for stream in terminals:
        if not _is_terminal(stream):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream)
            os.close(null)
