"""The number of CPU cores, and a limit on the number of threads.

If the user asks for more threads, this is an error; if a stored configuration does, the number of cores is used. With
thousands of threads, compute libraries would abort the process without a message.
"""

from __future__ import annotations

import os
import sys

from regard.errors import ConfigError

THREADS_PER_CORE, MIN_THREAD_LIMIT = 4, 64
"""Limit of threads per core, and smallest value of the total limit: more threads only wait for one another."""


def available_cores() -> int:
    """Number of CPU cores that this process may run on, at least 1."""
    if sys.platform == "linux":
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def max_threads() -> int:
    """Largest number of CPU threads that regard accepts on this machine: 4 per core, but at least 64."""
    return max(MIN_THREAD_LIMIT, THREADS_PER_CORE * available_cores())


def check_threads(threads: int, *, name: str) -> int:
    """Raises an error if a number of CPU threads is too large for this machine.

    Args:
        threads: Number of threads that the user asked for.
        name: Name of the option that sets it, for the message, such as `train.threads`.

    Returns:
        `threads`, unchanged.

    Raises:
        ConfigError: `threads` is below 1 or above `max_threads()`.
    """
    limit = max_threads()
    if not 1 <= threads <= limit:
        raise ConfigError(
            f"{name}: expected 1 to {limit} threads (CPU cores: {available_cores()}), got {threads}: "
            "leave it out, or set it to the number of cores"
        )
    return threads


def clamped_threads(threads: int, *, name: str) -> tuple[int, str]:
    """Replaces a number of CPU threads, stored on another machine, that is too large for this machine.

    Args:
        threads: Number of threads in the stored configuration.
        name: Name of the option that sets it, for the note, such as `train.threads`.

    Returns:
        `threads` and an empty text; or, if `threads` is above `max_threads()`, the number of cores and a note for the
        user.
    """
    if threads <= max_threads():
        return threads, ""
    cores = available_cores()
    return cores, f"{name} = {threads} is too many for this machine (CPU cores: {cores}): using {cores}"
