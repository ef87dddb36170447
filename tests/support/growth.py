"""Growth of computing time with the size of the input, independent of the machine and its load."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def growth(work: Callable[[str], object], short: str, long: str) -> float:
    """Ratio of the CPU times for a long and for a short text, each the best of several tries.

    Python's garbage collector is off during this: it would visit all objects of the test process, which may be many.
    """

    def seconds(text: str) -> float:
        start = time.process_time()
        work(text)
        return time.process_time() - start

    enabled = gc.isenabled()
    gc.disable()
    try:
        return min(seconds(long) for _ in range(2)) / max(1e-5, min(seconds(short) for _ in range(4)))
    finally:
        if enabled:
            gc.enable()
