"""Reserves memory for Python's call stack, so that commands do not become slow at certain depths of nested calls.

CPython 3.11 and later keep the frames of Python functions in chunks of 16 KB. A call that does not fit into the current
chunk allocates a new chunk, and the return from this call frees it. A loop that makes such a call spends more time in
the operating system than in the called function. Imports of NumPy and PyTorch do so thousands of times, at a depth that
changes with each function that is added to the callers or removed from them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

STACK_SLOTS = 1 << 15
"""Slots of 8 bytes, 256 KB, that one frame reserves. CPython rounds its chunk up to the next power of two, so that as
much is left for the frames above it: about 1,000 calls, Python's limit of recursion."""


def call_with_room(work: Callable[[], Result]) -> Result:
    """Calls a function after reserving memory for the call stack, which makes deeply nested calls faster.

    Args:
        work: Function to call, without arguments.

    Returns:
        Result of the function.
    """
    return work()


# The size of a frame is part of its function's code. The memory is reserved, but never touched.
call_with_room.__code__ = call_with_room.__code__.replace(co_stacksize=STACK_SLOTS)
