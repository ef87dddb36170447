"""How many CPU threads a process may have: what is asked for is refused beyond that, what was kept elsewhere lowered.

Thousands of threads do not start: the libraries that compute end the process then, without a word.
"""

from __future__ import annotations

from regard.config.derive import available_cores
from regard.errors import ConfigError

THREADS_PER_CORE, MIN_THREAD_LIMIT = 4, 64
"""Threads for each processor, and on any machine, at most: more only wait for one another."""


def max_threads() -> int:
    """The most threads that make sense on this machine."""
    return max(MIN_THREAD_LIMIT, THREADS_PER_CORE * available_cores())


def check_threads(threads: int, *, name: str) -> int:
    """Refuses a number of threads that somebody asks for.

    Args:
        threads: The number.
        name: How it was given, for the message.

    Returns:
        The number.

    Raises:
        ConfigError: It is below 1, or more than this machine can use.
    """
    most = max_threads()
    if not 1 <= threads <= most:
        raise ConfigError(
            f"{name}: expected 1 to {most} threads, as this machine has {available_cores()} processors, got {threads}: "
            "leave it out, or give as many as there are processors"
        )
    return threads


def clamped_threads(threads: int, *, name: str) -> tuple[int, str]:
    """Lowers a number of threads that was kept on another machine.

    Args:
        threads: The number.
        name: Where it was kept, for the note.

    Returns:
        As many as there are processors where it is more than this machine can use, and a sentence that says so.
    """
    if threads <= max_threads():
        return threads, ""
    cores = available_cores()
    return cores, f"{name} = {threads} is beyond this machine, which has {cores} processors: {cores} are used"
