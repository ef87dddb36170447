"""Several searches at once, in threads."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


def in_parallel(search: Callable[[JobT], ResultT], jobs: Iterable[JobT], *, workers: int = 0) -> Iterator[ResultT]:
    """Runs a search over many jobs in parallel threads.

    A step of a search consists of many small operations, most too small for several threads. PyTorch releases Python's
    lock during each, so parallel searches use the processor better than parallel operations. Results do not depend on
    the number of threads.

    Args:
        search: Function that processes one job; called from several threads.
        jobs: Any number of jobs; all are read before the first result is yielded.
        workers: Number of jobs at once; 0 = the number of PyTorch's threads.

    Yields:
        The results, in the order of the jobs.
    """
    pending = list(jobs)
    threads = torch.get_num_threads()
    workers = min(workers or threads, len(pending))
    if workers <= 1:
        yield from map(search, pending)
        return
    try:
        # Each worker computes its operations with a single thread.
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            futures = [pool.submit(search, job) for job in pending]
            try:
                for future in futures:
                    yield future.result()
            finally:
                for future in futures:
                    future.cancel()
    finally:
        torch.set_num_threads(threads)


def limit_threads_after_fork(process_id: int) -> None:
    """Limits PyTorch to one thread in a forked process, where PyTorch's thread pool does not exist.

    Without the limit, the process would wait forever for threads that only its parent has. A warning is issued.

    Args:
        process_id: Id of the process that created the search engine; nothing is changed in that process.
    """
    if os.getpid() != process_id and torch.get_num_threads() > 1:
        torch.set_num_threads(1)
        warnings.warn(
            "this process was forked from the one that loaded the translator, so it has no thread pool and translates "
            "with one thread. Load the translator in each process, or start processes by spawn",
            RuntimeWarning,
            stacklevel=2,
        )
