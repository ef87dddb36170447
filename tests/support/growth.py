"""Growth of computing time with the size of the input, independent of the machine and its load."""

from __future__ import annotations

import time
from collections.abc import Callable


def growth(work: Callable[[str], object], short: str, long: str) -> float:
    """Ratio of the CPU times for a long and for a short text; the short one is the best of several tries."""

    def seconds(text: str) -> float:
        start = time.process_time()
        work(text)
        return time.process_time() - start

    return seconds(long) / max(1e-5, min(seconds(short) for _ in range(4)))
