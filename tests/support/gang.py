"""Runs functions in groups of worker processes, forked from one Python process that has loaded torch.

`python gang.py` reads jobs from standard input, one JSON list `[function of worker_tasks, number of workers,
arguments, directory, rank that runs elsewhere]` per line, and writes what the workers returned, one line per job.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deadlines import exit_code, wait_until

if TYPE_CHECKING:
    pass

Job = tuple[int, dict[str, Any]]


class Gangs:
    """A process that runs groups of workers, one group after another.

    Args:
        directory: Directory for the results.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def run(self, function: str, jobs: Sequence[Job], *, here: int | None = None) -> list[list[Any]]:
        """Runs a function in groups of workers.

        Args:
            function: Name of a function in `worker_tasks.py`, called as `function(workers, **arguments)`.
            jobs: Number of workers and arguments of each group.
            here: Rank of the worker that runs in the calling process, which measures its coverage; None = none.

        Returns:
            Per job, what each worker returned; its exit code if it returned nothing.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        results = []
        for count, arguments in jobs:
            directory = tempfile.mkdtemp(dir=self._directory)
            self._process.stdin.write(json.dumps([function, count, arguments, directory, here]) + "\n")
            self._process.stdin.flush()
            if here is not None:
                tasks = importlib.import_module("worker_tasks")
                _work(getattr(tasks, function), here, (count, dict(arguments)), Path(directory))
            results.append(json.loads(self._process.stdout.readline()))
        return results

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def _work(function: Callable[..., Any], rank: int, job: Job, directory: Path) -> None:
    from torch._C._distributed_c10d import FileStore

    from regard.train.place import Place
    from regard.train.workers import Workers

    count, arguments = job
    timeout = arguments.pop("timeout", 600.0)
    store = FileStore(str(directory / "store"), count)
    workers = Workers(Place(rank, count, rank, count), store if count > 1 else None, timeout=timeout)
    result = function(workers, **arguments)
    written = directory / f"{rank}.written"
    written.write_text(json.dumps(result))
    written.rename(directory / f"{rank}.json")
    workers.leave()


def _gang(function: Callable[..., Any], job: Job, directory: Path, elsewhere: int | None) -> list[Any]:
    pids = {}
    for rank in range(job[0]):
        if rank == elsewhere:
            continue
        pid = os.fork()
        if not pid:
            try:
                _work(function, rank, job, directory)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        pids[rank] = pid
    codes = {rank: exit_code(pid) for rank, pid in pids.items()}
    if elsewhere is not None:
        wait_until((directory / f"{elsewhere}.json").exists)
    results = [directory / f"{rank}.json" for rank in range(job[0])]
    return [json.loads(path.read_text()) if path.exists() else codes[rank] for rank, path in enumerate(results)]


def main() -> None:
    tasks = importlib.import_module("worker_tasks")
    importlib.import_module("torch").set_num_threads(1)
    importlib.import_module("torch._dynamo")  # else the first step of an optimizer loads it in each worker
    for line in sys.stdin:
        name, count, arguments, directory, elsewhere = json.loads(line)
        results = _gang(getattr(tasks, name), (count, arguments), Path(directory), elsewhere)
        print(json.dumps(results), flush=True)


if __name__ == "__main__":
    main()
