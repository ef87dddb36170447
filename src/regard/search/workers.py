"""Several batches at once: one thread each, where one batch would keep several threads waiting for one another."""

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
    """Runs a search over many jobs, with as many at once as PyTorch has threads.

    A step of a search is many small operations, most too small to be shared out: PyTorch lets go of Python's lock
    within each, so that whole searches side by side use the same threads better. What is found does not depend on
    their number.

    Args:
        search: Called with each job, from several threads.
        jobs: In any number; all are read before the first result is given.
        workers: Jobs at once; 0 = as many as PyTorch has threads.

    Yields:
        The results, in the order of the jobs.
    """
    waiting = list(jobs)
    threads = torch.get_num_threads()
    workers = min(workers or threads, len(waiting))
    if workers <= 1:
        yield from map(search, waiting)
        return
    try:
        # Each worker's share of a product runs in the worker itself.
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            futures = [pool.submit(search, job) for job in waiting]
            try:
                for future in futures:
                    yield future.result()
            finally:
                for future in futures:
                    future.cancel()
    finally:
        torch.set_num_threads(threads)


def limit_threads_after_fork(home: int) -> None:
    """Keeps a forked process from waiting for threads that exist only in the process that it is a copy of.

    Args:
        home: Number of the process that the engine was made in. In any other one PyTorch is set to one thread, with a
            warning.
    """
    if os.getpid() != home and torch.get_num_threads() > 1:
        torch.set_num_threads(1)
        warnings.warn(
            "this process was forked from the one that loaded the translator, whose threads it has not got: it "
            "translates with one thread. Load the translator in each process, or start processes by spawn",
            RuntimeWarning,
            stacklevel=2,
        )
