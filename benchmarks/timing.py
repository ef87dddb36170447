"""The one stopwatch of the benchmarks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_ms(run: Callable[[], object], *, repeats: int = 15, warmup: int = 3) -> float:
    """Median wall-clock time of a call.

    Args:
        run: What is timed.
        repeats: Timed calls.
        warmup: Calls before these.

    Returns:
        Milliseconds.
    """
    for _ in range(warmup):
        run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000
