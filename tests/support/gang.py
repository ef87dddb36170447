"""Runs functions in groups of worker processes, forked from one Python process that has loaded torch.

`python gang.py MODULE:FUNCTION DIRECTORY < jobs.json > results.json`; a job is `[number of workers, arguments]`, and
the function is called as `function(workers, **arguments)` in each worker. It returns a JSON value.
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


def run_gangs(target: str, jobs: Sequence[Job], directory: Path) -> list[list[Any]]:
    """Runs a function in several groups of workers, one group after another.

    Args:
        target: Module and function, such as `worker_tasks:train`.
        jobs: Number of workers and arguments of each group.
        directory: Directory for the results.

    Returns:
        Per job, what each worker returned; its exit code if it was killed.
    """
    done = subprocess.run(
        [sys.executable, __file__, target, str(directory)],
        input=json.dumps(jobs), stdout=subprocess.PIPE, text=True, check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    results: list[list[Any]] = json.loads(done.stdout)
    return results


def _work(function: Callable[..., Any], rank: int, job: Job, directory: Path) -> None:
    from torch._C._distributed_c10d import FileStore

    from regard.train.workers import Place, Workers

    count, arguments = job
    timeout = arguments.pop("timeout", 60.0)
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


def main(target: str, directory: Path) -> None:
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    importlib.import_module("torch").set_num_threads(1)
    importlib.import_module("torch._dynamo")  # else the first step of an optimizer loads it in each worker
    results = []
    for job in json.load(sys.stdin):
        results.append(_gang(function, job, Path(tempfile.mkdtemp(dir=directory))))
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
