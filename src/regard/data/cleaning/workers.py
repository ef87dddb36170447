"""Work on a stream of items in several processes, with results in the order of the items."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from multiprocessing.connection import wait
from typing import TypeVar, cast

from regard.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")
_work: Callable[[object], object] | None = None
# The work of this worker process.


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, num_workers: int
) -> Iterator[tuple[Item, Result]]:
    """Applies a function to a stream of items in worker processes.

    A few items per worker are in memory at a time. The first item is processed here, since for little input, starting
    processes would take longer than the work.

    Args:
        work: The function; it is pickled once per worker.
        items: The items; read in this process.
        num_workers: Number of worker processes; 1 = all work is done in this process.

    Yields:
        Each item with its result, in the order of the items.

    Raises:
        DataError: A worker process ended, for example for lack of memory.
    """
    stream = iter(items)
    for item in stream if num_workers == 1 else islice(stream, 1):
        yield item, work(item)
    for following in stream:
        yield from _in_processes(work, following, stream, num_workers)


def _in_processes(
    work: Callable[[Item], Result], first: Item, stream: Iterator[Item], num_workers: int
) -> Iterator[tuple[Item, Result]]:
    # Not forked: the process may have threads, such as that of a progress bar, and memory that a fork would copy.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(num_workers, context, partial(_start_worker, work))
    waiting: deque[tuple[Item, Future[object]]] = deque([(first, executor.submit(_run, first))])
    try:
        while waiting:
            for item in islice(stream, 2 * num_workers - len(waiting)):
                waiting.append((item, executor.submit(_run, item)))
            done, future = waiting.popleft()
            yield done, cast("Result", future.result())
    except BrokenProcessPool:
        raise DataError(
            "a worker process ended before its work was done, perhaps for lack of memory: run the same command again "
            "with --workers 1; `regard data clean` continues where it stopped"
        ) from None
    finally:
        executor.shutdown(cancel_futures=True)


def _start_worker(work: Callable[[Item], Result]) -> None:
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends the workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _work = cast("Callable[[object], object]", work)


def _end_with_parent() -> None:
    """Ends this process when the parent is gone: a worker waits forever for work from a killed parent."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _run(item: object) -> object:
    if _work is None:
        raise RuntimeError(
            "expected a worker process started by in_order, found a process without a function to apply: call "
            "in_order, which starts its worker processes"
        )
    return _work(item)
