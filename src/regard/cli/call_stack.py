"""Room on Python's call stack: without it, the speed of a command depends on how deeply its functions are nested.

CPython 3.11 and later keep the frames of Python functions in chunks of 16 KB. The call that fills a chunk maps a new
one, and its return unmaps it. A loop that makes this call again and again spends more time in the kernel than in its
functions: while NumPy and PyTorch are imported this happens thousands of times, at a depth that depends on everything
that was called before, and changes with each function that is added or removed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

STACK_SLOTS = 1 << 15
"""Slots of 8 bytes, 256 KB, that one frame reserves. CPython rounds its chunk up to the next power of two, so that as
much is left for the frames above it: about 1,000 calls, Python's limit of recursion."""


def call_with_room(work: Callable[[], Result]) -> Result:
    """Calls a function with room on the call stack for all calls that it makes.

    Args:
        work: The function to call.

    Returns:
        What it returns.
    """
    return work()


# The size of a frame is part of its function's code. The memory is reserved, but never touched.
call_with_room.__code__ = call_with_room.__code__.replace(co_stacksize=STACK_SLOTS)
