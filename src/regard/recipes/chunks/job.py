"""A whole job: plan, workers, and the output that is put together once all chunks have results."""

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
    """Where chunks are computed.

    Attributes:
        processes: Number of processes on this machine.
        threads: Number of CPU threads of each worker; None = the processor cores of this machine divided by
            `processes`, and 1 on a Ray cluster.
        shard: Number and count `(i, n)`: only chunks whose number modulo `n` is `i` are computed.
        cluster: Address of a Ray cluster, `auto` or `local`; None = on this machine.
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
    """Receives the progress of a job."""

    def begin(self, finished: int, total: int) -> None:
        """Called before the first chunk is computed.

        Args:
            finished: Number of lines that have a result from an earlier run.
            total: Number of lines of this process's chunks.
        """

    def advance(self, num_lines: int) -> None:
        """Called with the number of lines of a chunk that has got its result."""


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
    """Maps the lines of a text to as many lines of a file, in chunks, with one or many workers.

    Attributes:
        source: The input: a file, or a text that is made.
        output: The output file.
        work: What is computed for each chunk of lines.
        workers: Where the chunks are computed.
        progress: Receives the progress of the job.
        report: Called with warnings on lines, in their order, when the output is written.
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
        """Computes all chunks that have no result, and writes the output if no chunk of another shard is missing.

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
