"""Timer of the benchmarks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_ms(run: Callable[[], object], *, repeats: int = 15, warmup: int = 3) -> float:
    """Measures the median wall-clock time of a call.

    Args:
        run: Function to time.
        repeats: Number of timed calls.
        warmup: Number of calls before them.

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
