"""Processes chunks on a Ray cluster; Ray chooses machines and starts processes, results go to a shared directory."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from regard.errors import ConfigError, RegardError
from regard.recipes.chunks.local import DeathLimit
from regard.recipes.chunks.plan import Chunk
from regard.recipes.chunks.store import ChunkStore
from regard.recipes.chunks.work import Assignment, Work, open_assignment
from regard.recipes.chunks.worker import PATIENCE
from regard.recipes.ray_cluster import join_cluster
from regard.train.interrupt import Interrupt

_POLL_SECONDS = 0.5
_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0"}
_FINISHED, _CLAIMED, _ERROR = "finished", "claimed", "error"


def run_tasks(
    store: ChunkStore,
    work: Work,
    chunks: Sequence[Chunk],
    *,
    address: str,
    threads: int,
    report: Callable[[Chunk], None],
    interrupt: Interrupt,
) -> None:
    """Processes chunks in tasks of a Ray cluster.

    All machines of the cluster must have the store, the input and the models at the same paths.

    Args:
        store: Store of the job, the directory with its plan and the results of its chunks.
        work: The computation for each chunk; if its argument `device` is a GPU, each task gets a GPU.
        chunks: The chunks that have no result yet.
        address: `auto`, `local`, or the address of a Ray cluster.
        threads: Number of CPU threads of each task, and of processors that Ray reserves for it.
        report: Called once with each chunk that has a result.
        interrupt: Checked twice per second; on a request to stop, the tasks are canceled.

    Raises:
        ConfigError: Ray is missing, the cluster cannot be reached or is too small, or workers died too often.
        RegardError: A worker reported an error.
    """
    ray = _connect(address)
    try:
        _Tasks(ray, store, Assignment.of(store, work, threads), report).run(chunks, interrupt)
    finally:
        ray.shutdown()


def compute_chunk(assignment: str, number: int, patience: float) -> tuple[str, str]:
    """Processes one chunk in a Ray process, which keeps the loaded model for its next chunk.

    Args:
        assignment: Text from `Assignment.to_json`.
        number: Number of the chunk.
        patience: Seconds without a heartbeat after which a process that has claimed the chunk counts as dead.

    Returns:
        Outcome and error message. The outcome is `finished`, `claimed` if another process has claimed the chunk or
        completed the job, or `error`; the message is empty except after `error`.
    """
    try:
        store, function = open_assignment(assignment)
        is_finished = store.compute(store.plan.chunks[number], function, patience=patience)
    except RegardError as error:
        return (_ERROR, str(error)) if Assignment.from_json(assignment).is_current else (_CLAIMED, "")
    return (_FINISHED if is_finished else _CLAIMED), ""


class _Tasks:
    """Tasks that run or wait for a processor."""

    def __init__(
        self,
        ray: Any,  # noqa: ANN401
        store: ChunkStore,
        assignment: Assignment,
        report: Callable[[Chunk], None],
    ) -> None:
        self.ray, self.store, self.report = ray, store, report
        self.assignment = assignment.to_json()
        processors = ray.cluster_resources().get("CPU", 0.0)
        if processors < assignment.threads:
            raise ConfigError(
                f"--threads {assignment.threads}: expected at most the {processors:g} processors of the Ray cluster: "
                "use fewer threads per worker"
            )
        self.limit = 2 * max(1, int(processors // assignment.threads))  # some wait, so that no processor does
        self.deaths = DeathLimit(self.limit)
        num_gpus = int(str(assignment.arguments.get("device", "")).startswith("cuda"))
        options = {"num_cpus": assignment.threads, "num_gpus": num_gpus, "max_retries": 0}
        self.task = ray.remote(**options)(compute_chunk)
        self.running: dict[Any, tuple[Chunk, float]] = {}

    def run(self, chunks: Sequence[Chunk], interrupt: Interrupt) -> None:
        waiting = deque((chunk, 0.0) for chunk in chunks)
        while (waiting or self.running) and not interrupt.requested and self.store.exists():
            while waiting and len(self.running) < self.limit:
                chunk, patience = waiting.popleft()
                self.running[self.task.remote(self.assignment, chunk.number, patience)] = chunk, patience
            ready, _ = self.ray.wait(list(self.running), timeout=_POLL_SECONDS)
            for reference in ready:
                waiting.extend(self._collect(reference))
        for reference in self.running:
            self.ray.cancel(reference, force=True)

    def _collect(self, reference: Any) -> list[tuple[Chunk, float]]:  # noqa: ANN401
        """Handles the end of a task; returns its chunk if it must be tried again."""
        chunk, _ = self.running.pop(reference)
        try:
            outcome, message = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError:
            raise  # a fault in the program
        except self.ray.exceptions.RayError as error:  # the process or the machine is gone
            self.deaths.count_death(type(error).__name__)
            return [(chunk, 0.0)]
        if outcome == _ERROR:
            raise RegardError(message)
        if outcome == _CLAIMED:
            time.sleep(_POLL_SECONDS / max(1, len(self.running)))
            return [(chunk, PATIENCE)]
        self.deaths.reset()
        self.report(chunk)
        return []


def _connect(address: str) -> Any:  # noqa: ANN401 # Ray may be missing
    """Connects to a cluster, or starts one that ends with this process; keeps the handlers of signals."""
    for name, value in _ENVIRONMENT.items():  # which Ray reads when it is imported
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise ConfigError(f"--cluster: the package {error.name} is missing: pip install 'regard[cluster]'") from None
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    join_cluster(ray, address, {"logging_level": logging.WARNING, "log_to_driver": False})
    if is_main:
        signal.signal(signal.SIGTERM, before)
    return ray
