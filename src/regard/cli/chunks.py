"""Command-line options that divide the input into chunks, which many workers process."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.exit_status import INTERRUPTED
from regard.cli.messages import warn
from regard.errors import ConfigError

if TYPE_CHECKING:
    from rich.progress import Progress

    from regard.recipes.chunks.job import Workers
    from regard.recipes.chunks.made_text import MadeText
    from regard.recipes.chunks.work import Work

LOG_SECONDS = 60.0
"""Seconds between two lines of progress where no bar can be shown."""


@dataclass(frozen=True)
class ChunkOptions:
    """Options that let many workers (processes or machines) compute one output file together."""

    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Divide the input into chunks for N processes, which share the CPU cores; an interrupted command goes "
            "on where it stopped when it is repeated.",
            show_default=False,
        ),
    ] = None
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Compute every N-th chunk from number I on, with I from 0 to N - 1, as in an array of Slurm jobs; "
            "the last one to finish writes --output.",
            show_default=False,
        ),
    ] = None
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Compute chunks on the Ray cluster at ADDRESS; auto for the one that this machine is part of, or "
            "else a new one; local for a new one.",
            show_default=False,
        ),
    ] = None

    @property
    def is_given(self) -> bool:
        """Whether any of the options is given, so that the input is divided into chunks."""
        return self != ONE_PROCESS


ONE_PROCESS = ChunkOptions()
"""No option is given: one process computes all lines in their order."""


def check_chunks(
    options: ChunkOptions, inputs: dict[str, Path | None], output: Path | None, threads: int | None
) -> Workers:
    """Checks the options for many workers before any input is read.

    Args:
        options: The options `--workers`, `--shard` and `--cluster`, at least one of which is given.
        inputs: Path of each input file, by the option that names it, such as `--src`; None = standard input.
        output: Output file; None = standard output.
        threads: Number of CPU threads of each worker; None = not given.

    Returns:
        Number of processes, threads of each, and the values of `--shard` and `--cluster`.

    Raises:
        ConfigError: An option is invalid, or an input or the output is a standard stream instead of a file.
    """
    given = {"--workers": options.workers, "--shard": options.shard, "--cluster": options.cluster}
    used = next(name for name, value in given.items() if value is not None)
    streams = [(name, "standard input") for name, path in inputs.items() if path is None]
    streams += [] if output else [("--output", "standard output")]
    for option, stream in streams:
        raise ConfigError(
            f"{used}: expected files, since each worker reads and writes some of the lines, but {option} is {stream}: "
            f"give a file with {option}"
        )
    if options.cluster is not None and options.workers is not None:
        raise ConfigError(
            "--workers cannot be used with --cluster, where Ray chooses the number of workers: leave --workers out"
        )

    from regard.recipes.chunks.job import Workers

    processes = 1 if options.workers is None else options.workers
    return Workers(processes, threads, _parse_shard(options.shard), options.cluster)


def run_chunks(
    source: Path | MadeText, output: Path, work: Work, workers: Workers, *, finish: Callable[[], object] | None = None
) -> int:
    """Computes the lines of an output file with many workers, and shows the progress.

    Args:
        source: The input: a file of lines, or lines that are made from other files, such as those of sentence pairs.
        output: The output file.
        work: Describes for workers how an output line is computed from an input line, such as by translation.
        workers: Number of processes, threads of each, and the values of `--shard` and `--cluster`; see `check_chunks`.
        finish: Function to call when the output file is complete; None = nothing is called.

    Returns:
        Exit status: 0, or 130 if the job was interrupted (Ctrl-C).

    Raises:
        RegardError: The input or the output is invalid, or a worker reported an error.
    """
    from regard.recipes.chunks.job import ChunkedJob
    from regard.recipes.process import interrupt_on_signals

    with interrupt_on_signals() as interrupt, ChunkProgress() as bar:
        result = ChunkedJob(source, output, work, workers, bar, _warn_once(), interrupt).run()
    kept = f"{result.num_finished} of {result.num_chunks} chunks are finished and kept in {result.store}"
    if result.is_interrupted:
        warn(f"stopped; {kept}: run the same command again to continue")
        return INTERRUPTED
    if not result.is_complete:
        index, count = workers.shard
        warn(f"all chunks of shard {index}/{count} are finished; {kept}: the last shard to finish writes {output}")
    elif finish is not None:
        finish()
    return 0


def _warn_once() -> Callable[[str], None]:
    """A function that shows each warning, but one about all sentences only once."""
    general: set[str] = set()

    def show(warning: str) -> None:
        if warning not in general:
            warn(warning)
        if not warning.startswith("sentence "):
            general.add(warning)

    return show


def _parse_shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 0, 1
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if found is None:
        raise ConfigError(f"--shard: expected I/N with I from 0 to N - 1, such as 0/8, got {text!r}")
    return int(found[1]), int(found[2])


class ChunkProgress:
    """Progress on standard error: a bar in a terminal, otherwise a line per minute."""

    def __init__(self) -> None:
        self.total = self.before = self.finished = 0
        self.started = self.logged = time.monotonic()
        self.bar: Progress | None = None

    def __enter__(self) -> ChunkProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def begin(self, finished: int, total: int) -> None:
        """Starts the progress bar. See `regard.recipes.chunks.job.Progress.begin`.

        Args:
            finished: Number of lines that already have a result from an earlier run of the command; part of `total`.
            total: Number of lines that the workers on this machine have to process, including finished ones.
        """
        self.total, self.before, self.finished = total, finished, finished
        self.started = self.logged = time.monotonic()
        if self.bar is None and sys.stderr.isatty():
            self.bar = _terminal_bar(total)
            self.bar.start()
            self.bar.add_task("", total=total, completed=finished)

    def advance(self, num_lines: int) -> None:
        """Counts `num_lines` more lines as finished, and shows the new progress."""
        self.finished += num_lines
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self.finished)
        elif time.monotonic() - self.logged >= LOG_SECONDS:
            self.logged = time.monotonic()
            seconds = (self.total - self.finished) * (self.logged - self.started) / (self.finished - self.before)
            warn(f"{self.finished:,} of {self.total:,} lines; about {seconds / 60:,.0f} minutes left")


def _terminal_bar(total: int) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    count = TextColumn(f"{{task.completed:,}} of {total:,} lines")
    # Chunks finish at long intervals; an estimate from the last seconds would be far off.
    columns = (count, BarColumn(), TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=600)
