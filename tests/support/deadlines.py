"""Waits for processes and threads with a deadline, so that a fault fails a test instead of hanging the suite."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 1800.0
"""Seconds until the deadline; far longer than any wait takes on a busy machine."""


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for a condition, and fails at the deadline."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def killed_at_deadline(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kills a process that is still running at the deadline, which ends every wait for it and for its output."""
    timer = threading.Timer(PATIENCE, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def exit_code(pid: int) -> int:
    """Waits for a child process; fails at the deadline, and kills it.

    Args:
        pid: Process id of the child.

    Returns:
        The exit status, or the negative number of the signal that ended the process.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError(f"process {pid} was still running after {PATIENCE:g} seconds")
        time.sleep(0.01)


def join(thread: threading.Thread) -> None:
    """Waits for the end of a thread, and fails at the deadline."""
    thread.join(PATIENCE)
    assert not thread.is_alive()
