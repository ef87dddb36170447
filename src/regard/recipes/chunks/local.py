"""Starts worker processes on this machine, restarts those that die, and divides the GPUs among them."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from regard.errors import ConfigError, RegardError
from regard.recipes.chunks.plan import Chunk
from regard.recipes.chunks.store import ChunkStore
from regard.recipes.chunks.work import Assignment, Work
from regard.train.interrupt import Interrupt

_POLL_SECONDS = 0.2
_STOP_SECONDS = 5.0
_VISIBLE = "CUDA_VISIBLE_DEVICES"


class DeathLimit:
    """Stops a job with an error if too many workers have died since the last finished chunk.

    Args:
        workers: Number of workers at the same time.
    """

    def __init__(self, workers: int) -> None:
        self.limit = 10 + 3 * workers
        self.count = 0

    def count_death(self, reason: str) -> None:
        """Counts a worker that died.

        Args:
            reason: How the worker died, such as `signal 9`, for the error message.

        Raises:
            ConfigError: Too many workers have died since the last finished chunk.
        """
        self.count += 1
        if self.count >= self.limit:
            raise ConfigError(
                f"workers died {self.count} times without finishing a chunk of the input (the last one: {reason}): if "
                "memory is short, use fewer --workers; finished chunks are kept, so repeat the command to continue"
            )

    def reset(self) -> None:
        """Sets the count of dead workers to 0, after a chunk has been finished."""
        self.count = 0


def run_processes(
    store: ChunkStore,
    work: Work,
    chunks: Sequence[Chunk],
    *,
    workers: int,
    threads: int,
    report: Callable[[Chunk], None],
    interrupt: Interrupt,
) -> None:
    """Processes chunks with worker processes on this machine.

    Args:
        store: Store of the job, the directory with its plan and the results of its chunks.
        work: The computation for each chunk. Unless its argument `device` names a single GPU, such as `cuda:1`, each
            process is assigned one of the visible GPUs, in turn.
        chunks: The chunks that have no result yet.
        workers: Number of processes.
        threads: Number of CPU threads of each process.
        report: Called once with each chunk that has a result.
        interrupt: Checked several times per second; on a request to stop, all processes end at once.

    Raises:
        RegardError: A worker reported an error, or workers died too often.
    """
    workers = min(workers, len(chunks))
    assignment = Assignment.of(store, work, threads).to_json()
    # Each worker begins at another place, so that few of them try to claim the same chunk.
    starts = [index * len(chunks) // workers for index in range(workers)]
    tasks = [_task(assignment, [*chunks[start:], *chunks[:start]]) for start in starts]
    is_one_device = ":" in str(work.arguments.get("device", ""))
    pool = _Pool(tasks, [] if is_one_device else visible_gpus())
    unfinished = {chunk.number: chunk for chunk in chunks}
    deaths = DeathLimit(workers)
    try:
        pool.start()
        while unfinished and not interrupt.requested and store.exists():
            for number in pool.wait(deaths):
                if chunk := unfinished.pop(number, None):  # a new worker reports again what was finished before it
                    deaths.reset()
                    report(chunk)
    finally:
        pool.stop()


def visible_gpus(devices: Path = Path("/dev")) -> list[str]:
    """Names of this machine's NVIDIA GPUs that the user has not hidden, without loading CUDA.

    Args:
        devices: Directory of the system's devices.

    Returns:
        The names in the environment variable `CUDA_VISIBLE_DEVICES`, or else the GPUs' numbers; none if unknown.
    """
    chosen = os.environ.get(_VISIBLE)
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip()]
    numbers = (path.name.removeprefix("nvidia") for path in devices.glob("nvidia*"))
    return sorted((number for number in numbers if number.isdigit()), key=int)


def _task(assignment: str, chunks: Sequence[Chunk]) -> bytes:
    numbers = [chunk.number for chunk in chunks]
    task = {"assignment": assignment, "numbers": numbers, "switch_interval": sys.getswitchinterval()}
    return json.dumps(task).encode() + b"\n"


class _Pool:
    """Worker processes, and threads that read what they report."""

    def __init__(self, tasks: Sequence[bytes], gpus: Sequence[str]) -> None:
        self.tasks = tasks
        self.gpus = gpus
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.events: queue.Queue[tuple[int, bytes]] = queue.Queue()  # an empty message is the end of a process

    def start(self) -> None:
        for index in range(len(self.tasks)):
            self._start(index)

    def wait(self, deaths: DeathLimit) -> list[int]:
        """Waits a moment for reports; returns numbers of finished chunks, and restarts workers that died."""
        try:
            index, message = self.events.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return []
        if not message:
            self._handle_end(index, deaths)
            return []
        fields = json.loads(message)
        if "error" in fields:
            raise RegardError(fields["error"])
        return [fields["finished"]]

    def stop(self) -> None:
        """Kills all processes; results are complete or absent at any moment."""
        for process in self.processes.values():
            with suppress(OSError):
                process.kill()
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()

    def _start(self, index: int) -> None:
        own_gpu = {_VISIBLE: self.gpus[index % len(self.gpus)]} if self.gpus else {}
        # In a session of its own, so that Ctrl-C reaches only the driver.
        process = subprocess.Popen(
            [sys.executable, "-m", "regard.recipes.chunks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **own_gpu},
            start_new_session=True,
        )
        self.processes[index] = process
        threading.Thread(target=self._serve, args=(index, process), daemon=True).start()

    def _serve(self, index: int, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(OSError):  # it may be dead already
            process.stdin.write(self.tasks[index])
            process.stdin.flush()
        with process.stdout as output:
            for line in output:
                if line.endswith(b"\n"):  # otherwise the process was killed while it wrote
                    self.events.put((index, line))
        self.events.put((index, b""))

    def _handle_end(self, index: int, deaths: DeathLimit) -> None:
        process = self.processes[index]
        status = process.wait()
        if status == 0:  # all chunks have results, some perhaps from other drivers
            return
        deaths.count_death(f"signal {-status}" if status < 0 else f"exit status {status}")
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        self._start(index)
