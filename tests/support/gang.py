"""Runs functions in groups of worker processes, forked from one Python process that has loaded torch.

`python gang.py DIRECTORY` reads jobs from standard input, one JSON list `[function of worker_tasks, number of workers,
arguments]` per line, and writes what the workers returned, one line per job.
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

from deadlines import exit_code

if TYPE_CHECKING:
    pass

Job = tuple[int, dict[str, Any]]


class Gangs:
    """A process that runs groups of workers, one group after another.

    Args:
        directory: Directory for the results.
    """

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def run(self, function: str, jobs: Sequence[Job]) -> list[list[Any]]:
        """Runs a function in groups of workers.

        Args:
            function: Name of a function in `worker_tasks.py`, called as `function(workers, **arguments)`.
            jobs: Number of workers and arguments of each group.

        Returns:
            Per job, what each worker returned; its exit code if it returned nothing.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        results = []
        for count, arguments in jobs:
            self._process.stdin.write(json.dumps([function, count, arguments]) + "\n")
            self._process.stdin.flush()
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
    (directory / f"{rank}.json").write_text(json.dumps(result))
    workers.leave()


def _gang(function: Callable[..., Any], job: Job, directory: Path) -> list[Any]:
    pids = []
    for rank in range(job[0]):
        pid = os.fork()
        if not pid:
            try:
                _work(function, rank, job, directory)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        pids.append(pid)
    codes = [exit_code(pid) for pid in pids]
    results = [directory / f"{rank}.json" for rank in range(job[0])]
    return [json.loads(path.read_text()) if path.exists() else code for path, code in zip(results, codes, strict=True)]


def main(directory: Path) -> None:
    tasks = importlib.import_module("worker_tasks")
    importlib.import_module("torch").set_num_threads(1)
    importlib.import_module("torch._dynamo")  # else the first step of an optimizer loads it in each worker
    for line in sys.stdin:
        name, count, arguments = json.loads(line)
        results = _gang(getattr(tasks, name), (count, arguments), Path(tempfile.mkdtemp(dir=directory)))
        print(json.dumps(results), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
