"""How work grows with what it is given, whatever the machine and whoever else uses it."""

from __future__ import annotations

import time
from collections.abc import Callable


def growth(work: Callable[[str], object], short: str, long: str) -> float:
    """How many times as long a long text takes, of the processor's time; the short one at the best of several tries."""

    def seconds(text: str) -> float:
        start = time.process_time()
        work(text)
        return time.process_time() - start

    return seconds(long) / max(1e-5, min(seconds(short) for _ in range(4)))
