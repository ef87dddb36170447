"""A job that processes a file in chunks: plans the chunks, runs workers, and joins their results into the output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from regard.config.threads import available_cores, check_threads
from regard.errors import ConfigError
from regard.recipes.chunks.assembly import assemble, check_output
from regard.recipes.chunks.local import run_processes
from regard.recipes.chunks.made_text import MadeText
from regard.recipes.chunks.plan import Chunk
from regard.recipes.chunks.store import ChunkStore, open_store
from regard.recipes.chunks.work import Work
from regard.train.interrupt import Interrupt


@dataclass(frozen=True)
class Workers:
    """Number of the worker processes that process chunks, and the machines that they run on.

    Attributes:
        processes: Number of processes on this machine.
        threads: Number of CPU threads of each worker; None = the processor cores of this machine divided by
            `processes`, and 1 on a Ray cluster.
        shard: Pair `(i, n)`: this machine processes only the chunks whose number modulo `n` is `i`.
        cluster: Ray cluster to use: its address, `auto`, or `local`; None = processes on this machine without Ray.
    """

    processes: int = 1
    threads: int | None = None
    shard: tuple[int, int] = (0, 1)
    cluster: str | None = None

    def __post_init__(self) -> None:
        index, count = self.shard
        if self.processes < 1:
            raise ConfigError(f"--workers: expected a number of at least 1, got {self.processes}")
        if not 0 <= index < count:
            raise ConfigError(f"--shard: expected I/N with I from 0 to N - 1, such as 0/8, got {index}/{count}")
        if self.threads is not None:
            check_threads(self.threads, name="--threads")

    @property
    def worker_threads(self) -> int:
        """Number of CPU threads of each worker."""
        if self.threads is not None:
            return self.threads
        return 1 if self.cluster is not None else max(1, available_cores() // self.processes)


class Progress(Protocol):
    """Interface of objects that receive the progress of a job, such as a progress bar."""

    def begin(self, finished: int, total: int) -> None:
        """Called before the first chunk is processed.

        Args:
            finished: Number of lines in chunks that already have a result.
            total: Number of lines in all chunks that this machine is to process.
        """

    def advance(self, num_lines: int) -> None:
        """Called after each processed chunk, with the number of lines in the chunk."""


@dataclass(frozen=True, slots=True)
class ChunkedResult:
    """How a `ChunkedJob` ended.

    Attributes:
        store: Directory that holds the results of the finished chunks until the output is written.
        num_chunks: Number of chunks of the input.
        num_finished: Number of chunks with a result.
        is_complete: Whether the output was written and the store was removed.
        is_interrupted: Whether a stop was requested before the output was written.
    """

    store: Path
    num_chunks: int
    num_finished: int
    is_complete: bool = False
    is_interrupted: bool = False


@dataclass
class ChunkedJob:
    """Computes an output line for each line of a text, in chunks, with one or many workers.

    Attributes:
        source: The input: a file of lines, or lines that are made from files.
        output: The output file.
        work: The computation for each chunk of lines.
        workers: Number of worker processes, and the machines that they run on.
        progress: Receives the progress of the job.
        report: Called with each warning, in the order of the lines, when the output is written.
        interrupt: Checked several times per second; on a request to stop, finished chunks are kept.
    """

    source: Path | MadeText
    output: Path
    work: Work
    workers: Workers
    progress: Progress
    report: Callable[[str], None]
    interrupt: Interrupt = field(default_factory=Interrupt)

    def run(self) -> ChunkedResult:
        """Processes this machine's chunks without a result, and writes the output if all chunks then have results.

        Returns:
            How the job ended. Calling this again, also in another process, continues an interrupted job.

        Raises:
            RegardError: The input cannot be read, the output cannot be written, a worker reported an error, or the
                store belongs to another job.
        """
        check_output(self.output)
        store = open_store(self.source, self.output, self.work.identity)
        num_chunks = len(store.plan.chunks)
        with self.interrupt.watching():
            while not self.interrupt.requested:
                self._compute(store)
                if store.exists() and not _has_all_results(store):
                    break
                if assemble(store, self.output, self.report, self.interrupt):
                    return ChunkedResult(store.directory, num_chunks, num_chunks, is_complete=True)
        finished = sum(map(store.has_result, store.plan.chunks))
        is_interrupted = self.interrupt.requested
        return ChunkedResult(store.directory, num_chunks, finished, is_interrupted=is_interrupted)

    def _compute(self, store: ChunkStore) -> None:
        index, count = self.workers.shard
        chunks = [chunk for chunk in store.plan.chunks if chunk.number % count == index]
        missing = [chunk for chunk in chunks if not self.interrupt.requested and store.read_result(chunk) is None]
        if self.interrupt.requested:
            return
        total, left = (sum(chunk.num_lines for chunk in group) for group in (chunks, missing))
        self.progress.begin(total - left, total)
        if missing:
            self._drive(store, missing)

    def _drive(self, store: ChunkStore, chunks: Sequence[Chunk]) -> None:
        def report(chunk: Chunk) -> None:
            self.progress.advance(chunk.num_lines)

        workers, threads = self.workers, self.workers.worker_threads
        if workers.cluster is None:
            run_processes(
                store,
                self.work,
                chunks,
                workers=workers.processes,
                threads=threads,
                report=report,
                interrupt=self.interrupt,
            )
            return
        from regard.recipes.chunks.ray_tasks import run_tasks

        run_tasks(
            store,
            self.work,
            chunks,
            address=workers.cluster,
            threads=threads,
            report=report,
            interrupt=self.interrupt,
        )


def _has_all_results(store: ChunkStore) -> bool:
    return all(map(store.has_result, store.plan.chunks))
