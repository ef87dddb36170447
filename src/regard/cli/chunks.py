"""Options of `regard translate` for many workers, each of which translates chunks of the input."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.exit_status import INTERRUPTED
from regard.cli.messages import warn
from regard.cli.term_options import report_terms
from regard.errors import ConfigError
from regard.files.compression import open_input
from regard.text.lossy import decode_lossy
from regard.text.readers import raw_lines

if TYPE_CHECKING:
    from rich.progress import Progress

    from regard.cli.engine_options import EngineOptions
    from regard.translation.glossary_files import GlossaryFiles
    from regard.translation.options import Changes

LOG_SECONDS = 60.0
"""Seconds between two lines of progress where no bar can be shown."""


@dataclass(frozen=True)
class ChunkOptions:
    """Options that let many workers translate one file."""

    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Translate chunks of --input in N processes, which share the CPU cores; an interrupted command goes "
            "on where it stopped when it is repeated.",
            show_default=False,
        ),
    ] = None
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Translate every N-th chunk from number I on, with I from 0 to N - 1, as in an array of Slurm jobs; "
            "the last one to finish writes --output.",
            show_default=False,
        ),
    ] = None
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Translate chunks on the Ray cluster at ADDRESS; auto for the one that this machine is part of, or "
            "else a new one; local for a new one.",
            show_default=False,
        ),
    ] = None

    @property
    def is_given(self) -> bool:
        """Whether the input is to be divided into chunks."""
        return self != ONE_PROCESS


ONE_PROCESS = ChunkOptions()
"""No option is given: one process translates all lines in their order."""


def translate_chunks(
    models: Sequence[Path],
    files: tuple[Path | None, Path | None],
    fields: Changes,
    options: ChunkOptions,
    *,
    as_json: bool,
    engine: EngineOptions,
    terms: GlossaryFiles | None = None,
) -> int:
    """Translates a file with many workers.

    Args:
        models: Directories of the models.
        files: Input and output file; None = not given.
        fields: Fields of `TranslateOptions`.
        options: Where the chunks are translated.
        as_json: Whether output lines are JSON objects.
        engine: What the models run on; the number of threads is that of each worker.
        terms: Files of a glossary; None = no glossary.

    Returns:
        Exit status.
    """
    source, output = files
    for path, option, stream in ((source, "--input", "standard input"), (output, "--output", "standard output")):
        if path is None:
            raise ConfigError(
                f"{_name(options)}: expected files, since each worker reads and writes a part, but {option} is "
                f"{stream}: give a file with {option}"
            )
    assert source is not None
    assert output is not None

    from regard.chunks.job import ChunkedJob, Workers
    from regard.chunks.translating import translation_work
    from regard.recipes.process import interrupt_on_signals

    if options.cluster is not None and options.workers is not None:
        raise ConfigError("--workers cannot be used with --cluster: Ray starts as many as the cluster has processors")
    workers = Workers(
        1 if options.workers is None else options.workers, engine.threads, _parse_shard(options.shard), options.cluster
    )
    work = translation_work(
        models, source, fields, as_json=as_json, device=engine.device, precision=engine.precision,
        shortlist=engine.shortlist, terms=terms,
    )  # fmt: skip
    with interrupt_on_signals() as interrupt, ChunkProgress() as bar:
        result = ChunkedJob(source, output, work, workers, bar, _warn_once(), interrupt).run()
    kept = f"{result.num_finished} of {result.num_chunks} chunks are finished and kept in {result.store}"
    if result.is_interrupted:
        warn(f"stopped; {kept}: run the same command again to continue")
        return INTERRUPTED
    if not result.is_complete:
        warn(f"all chunks of shard {options.shard} are finished; {kept}: the last shard to finish writes {output}")
    elif terms is not None:
        _report_terms(terms, source, output, as_json=as_json)
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


def _report_terms(terms: GlossaryFiles, source: Path, output: Path, *, as_json: bool) -> None:
    """Counts the terms of all lines, whichever process translated them."""
    from regard.text.normalize import normalize
    from regard.translation.term_use import count_terms

    with open_input(source) as input_file, open_input(output) as output_file:
        sentences = (normalize(decode_lossy(raw, "")[0]) for raw in raw_lines(input_file, str(source)))
        lines = (raw.decode().rstrip("\n") for raw in raw_lines(output_file, str(output)))
        texts = (json.loads(line)["text"] if as_json else line for line in lines)
        report_terms(count_terms(terms.read(), zip(sentences, texts, strict=True)))


def _name(options: ChunkOptions) -> str:
    given = {"--workers": options.workers, "--shard": options.shard, "--cluster": options.cluster}
    return next(name for name, value in given.items() if value is not None)


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
        """Starts the bar. See `regard.chunks.job.Progress.begin`.

        Args:
            finished: Number of lines that have a result from an earlier run.
            total: Number of lines of this process's chunks.
        """
        self.total, self.before, self.finished = total, finished, finished
        self.started = self.logged = time.monotonic()
        if self.bar is None and sys.stderr.isatty():
            self.bar = _terminal_bar(total)
            self.bar.start()
            self.bar.add_task("", total=total, completed=finished)

    def advance(self, num_lines: int) -> None:
        """Adds `num_lines` lines that have got a result. See `regard.chunks.job.Progress.advance`."""
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
