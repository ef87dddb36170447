"""Growth of computing time with the size of the input, independent of the machine and its load."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def growth(work: Callable[[str], object], short: str, long: str) -> float:
    """Ratio of the CPU times for a long and for a short text, each the best of several tries.

    The long text is tried again only if the time grew more than twice as much as the text. Python's garbage collector
    is off during this: it would visit all objects of the test process, which may be many.
    """

    def seconds(text: str) -> float:
        start = time.process_time()
        work(text)
        return time.process_time() - start

    enabled = gc.isenabled()
    gc.disable()
    try:
        base = max(1e-5, min(seconds(short) for _ in range(4)))
        ratio = seconds(long) / base
        return ratio if ratio <= 2 * len(long) / len(short) else min(ratio, seconds(long) / base)
    finally:
        if enabled:
            gc.enable()
