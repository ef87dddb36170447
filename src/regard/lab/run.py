"""Runs a lab: keeps so many cells going, tells how far it is, and goes on where an earlier run was cut short."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from tempfile import TemporaryFile

from rich.console import Console
from rich.markup import escape

from regard.errors import ConfigError, RegardError
from regard.evaluate.scores import corpus_bleu
from regard.files.printable import printable
from regard.files.reading import open_regular
from regard.lab.experiment import Experiment, Run, set_up
from regard.lab.load import dump_lab
from regard.lab.recorder import read_record
from regard.lab.schema import Lab
from regard.lab.worker import FINISHED, INTERRUPTED, TAKEN
from regard.train.console import duration
from regard.train.interrupt import listening

POLL_SECONDS = 0.5
TELL_SECONDS = 30.0
"""Seconds between two lines of progress."""
_LOG_END = 1 << 16
# Bytes of a log in which its last line is looked for.
_OVERHEAD = 10.0
"""Seconds that a cell takes beside training and measuring."""

Spawn = Callable[[Experiment, Run, int], "subprocess.Popen[bytes]"]


@dataclass
class LabRun:
    """How a run of a lab ended.

    Attributes:
        finished: Cells that are done, by this run or before it.
        failed: Cells that could not be trained, with the last line of their logs.
        interrupted: Whether the user stopped it; running it again goes on.
    """

    finished: list[Run] = field(default_factory=list)
    failed: dict[Run, str] = field(default_factory=dict)
    interrupted: bool = False


def run_lab(lab: Lab, directory: Path, *, workers: int = 1, console: Console | None = None) -> LabRun:
    """Trains and measures every cell that is not finished, and waits for those that other workers hold.

    Several machines may run the same lab in one shared directory.

    Args:
        lab: The lab.
        directory: Where it lies or will lie.
        workers: Trainings at the same time on this machine.
        console: Where progress is written; standard error when not given.

    Returns:
        How it ended.

    Raises:
        RegardError: The lab cannot be set up, or its directory holds cells that were begun with other options.
    """
    if workers < 1:
        raise ConfigError(f"expected at least 1 worker, got {workers}")
    console = console or Console(stderr=True)
    _say(console, f"{lab.title}: {len(lab.systems)} systems, {len(lab.seeds)} seeds; preparing the text in {directory}")
    return _Scheduler(set_up(lab, directory), workers, console).run()


class _Scheduler:
    """Starts workers, and watches them."""

    def __init__(self, bench: Experiment, workers: int, console: Console) -> None:
        self.bench, self.workers, self.console = bench, workers, console
        self.cells = bench.cells()
        self.running: dict[Run, subprocess.Popen[bytes]] = {}
        self.ended = LabRun(finished=[cell for cell in self.cells if bench.finished(cell)])
        self.walls: dict[Run, float] = {}
        self.told = time.monotonic()

    def run(self) -> LabRun:
        if self.ended.finished:
            _say(self.console, f"{len(self.ended.finished)} of {len(self.cells)} cells are finished already")
        with listening() as interrupt:
            try:
                while self._open() and not interrupt.requested:
                    self._start()
                    self._tell()
                    time.sleep(POLL_SECONDS)
                    self._reap()
            finally:
                self.ended.interrupted = bool(self._open())
                self._stop()
        return self.ended

    def _open(self) -> list[Run]:
        """What is neither finished nor failed."""
        return [cell for cell in self.cells if cell not in self.ended.finished and cell not in self.ended.failed]

    def _start(self) -> None:
        for cell in self._open():
            if cell not in self.running and self.bench.finished(cell):  # another machine's
                self._finish(cell)
            elif len(self.running) < self.workers and cell not in self.running and cell.lock.holder() is None:
                self.running[cell] = _spawn(self.bench, cell, self.workers)

    def _reap(self) -> None:
        for cell, process in list(self.running.items()):
            status = process.poll()
            if status is None:
                continue
            del self.running[cell]
            if status == FINISHED:
                self._finish(cell)
            elif status not in (TAKEN, INTERRUPTED, -signal.SIGTERM):
                self.ended.failed[cell] = _last_line(cell, status)
                _say(self.console, f"{cell.name} failed: {self.ended.failed[cell]}")

    def _finish(self, cell: Run) -> None:
        self.ended.finished.append(cell)
        result = self.bench.result(cell)
        self.walls[cell] = result.wall_seconds
        said = [one.translation for one in result.measured.sentences]
        bleu = corpus_bleu(said, self.bench.corpus.lines("test.tgt"))
        left = f", about {duration(self._remaining())} left" if self._open() else ""
        count = f"{len(self.ended.finished)} of {len(self.cells)} done{left}"
        _say(self.console, f"{cell.name}: BLEU {bleu:.1f} in {duration(result.wall_seconds)}  ({count})")
        self.told = time.monotonic()

    def _tell(self) -> None:
        if time.monotonic() - self.told < TELL_SECONDS:
            return
        self.told = time.monotonic()
        parts = []
        for cell in self._open():
            record, holder = read_record(cell.directory / "record.json"), cell.lock.holder()
            if holder is None:
                continue
            elsewhere = "" if cell in self.running else f" (by {holder})"
            loss = f" loss {record.loss:.2f}" if record.loss is not None else ""
            stands = f"step {record.step:,}/{record.steps:,}{loss}" if record.steps else "preparing"
            parts.append(f"{cell.name}{elsewhere}: {stands}")
        left = self._remaining()
        parts.append(f"about {duration(left)} left for all" if left else "no estimate yet")
        _say(self.console, "; ".join(parts))

    def _wall_seconds(self, cell: Run) -> float:
        """What a finished cell took; its result, which holds whole matrices, is read for it once."""
        if cell not in self.walls:
            self.walls[cell] = self.bench.result(cell).wall_seconds
        return self.walls[cell]

    def _remaining(self) -> float:
        """Seconds until all is done; 0 while nothing is known.

        A training that runs knows best; one that has not begun takes as long as its system's others, or as all do.
        """
        takes: dict[str, list[float]] = {}
        for cell in self.ended.finished:
            takes.setdefault(cell.system, []).append(self._wall_seconds(cell) + _OVERHEAD)
        left, unknown = 0.0, []
        for cell in self._open():
            record = read_record(cell.directory / "record.json")
            if record.remaining is None:
                unknown.append(cell.system)
            else:
                left += record.remaining + _OVERHEAD
                takes.setdefault(cell.system, []).append(record.elapsed + record.remaining + _OVERHEAD)
        if takes:
            usual = mean(map(mean, takes.values()))
            left += sum(mean(takes[system]) if system in takes else usual for system in unknown)
        return left / self.workers

    def _stop(self) -> None:
        """Lets every worker save what it has."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait()
        self._reap()


def _spawn(bench: Experiment, cell: Run, workers: int) -> subprocess.Popen[bytes]:
    """A worker in a session of its own: Ctrl-C reaches it once, through us, and it saves."""
    cell.directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "regard.lab.worker", str(bench.directory), cell.system, str(cell.seed)]
    with open(cell.directory / "log.txt", "ab", opener=_without_waiting) as log, TemporaryFile() as told:
        told.write(dump_lab(bench.lab).encode())
        told.seek(0)
        return subprocess.Popen(
            [*command, str(workers)],
            stdin=told,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _without_waiting(path: str, flags: int) -> int:
    """Opens what should be a file; a pipe in its place would wait for a reader."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)


def _last_line(cell: Run, status: int) -> str:
    log = cell.directory / "log.txt"
    try:
        with open_regular(log, remedy="remove it") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG_END))
            lines = file.read(_LOG_END).decode("utf-8", "replace").splitlines()
    except RegardError:
        lines = []
    how = f"killed by signal {-status}" if status < 0 else f"status {status}"
    return f"{lines[-1] if lines else 'it said nothing'} ({how}; all of it: {log})"


def _say(console: Console, text: str) -> None:
    console.print(escape(printable(text)), highlight=False, soft_wrap=True)
