"""Worker processes that are given tasks, and answer them in any order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from regard.errors import DataError, RegardError

_POLL_SECONDS = 0.2

Message: TypeAlias = dict[str, object]
"""A task or an answer: values that JSON can hold, by name."""


class WorkerPool:
    """Pool of processes that run `regard.data.prepared.worker`; a context manager, which ends them.

    Args:
        setup: First message to every worker, as values that JSON can hold: the kind of work (`work`) and its options.
        num_workers: Number of processes.
        check: Function that is called several times per second while tasks are running; an exception that it raises
            stops them.
    """

    def __init__(
        self, setup: Mapping[str, object], *, num_workers: int, check: Callable[[], object] = lambda: None
    ) -> None:
        self._setup = setup
        self._check = check
        self._threads = ThreadPoolExecutor(num_workers)
        self._num_workers = num_workers
        self._idle: list[subprocess.Popen[bytes]] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def answers(self, tasks: Iterable[Mapping[str, object]]) -> Iterator[tuple[int, Message]]:
        """Gives tasks to the workers, and yields their answers.

        Args:
            tasks: The tasks, as values that JSON can hold; the next task is taken only when a worker is idle.

        Yields:
            Index of a task in `tasks` and the answer of the worker, in the order in which the tasks are finished.

        Raises:
            RegardError: A task failed; the message is that of the worker.
            DataError: A worker process ended, for example for lack of memory.
        """
        waiting = iter(enumerate(tasks))
        running: dict[Future[Message], int] = {}
        while True:
            for number, task in islice(waiting, self._num_workers - len(running)):
                running[self._threads.submit(self._run, task)] = number
            if not running:
                return
            done, _ = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            self._check()
            for future in done:
                yield running.pop(future), future.result()

    def __enter__(self) -> WorkerPool:
        """Returns the pool itself; processes are started when there is work for them."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends all worker processes, at once if the `with` block raised an exception."""
        for process in self._processes:
            if kind is not None:
                process.kill()
            with suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]  # a pipe
        for process in self._processes:
            process.wait()
            process.stdout.close()  # type: ignore[union-attr]  # a pipe
        self._threads.shutdown(cancel_futures=True)

    def _run(self, task: Mapping[str, object]) -> Message:
        process = self._idle.pop() if self._idle else self._start()
        answer: Message | None = None
        with suppress(OSError, ValueError):  # the process ended, perhaps while it answered
            process.stdin.write(json.dumps(dict(task)).encode() + b"\n")  # type: ignore[union-attr]  # a pipe
            process.stdin.flush()  # type: ignore[union-attr]  # a pipe
            answer = json.loads(process.stdout.readline())  # type: ignore[union-attr]  # a pipe
        if answer is None:
            raise DataError(
                f"a worker process ended before its work was done ({_status(process.wait())}), perhaps for lack of "
                "memory: run the same command again, which keeps the files that are finished"
            )
        if "error" in answer:
            raise RegardError(str(answer["error"]))
        self._idle.append(process)
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).parents[3])
        paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        process = subprocess.Popen(
            [sys.executable, *worker_arguments()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        )
        self._processes.append(process)
        with suppress(OSError):  # if it ended already, its first task says so
            process.stdin.write(json.dumps(dict(self._setup)).encode() + b"\n")  # type: ignore[union-attr]  # a pipe
        return process


def worker_arguments() -> list[str]:
    """Command-line arguments with which the Python interpreter runs a worker process."""
    return ["-m", "regard.data.prepared.worker"]


def _status(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"
