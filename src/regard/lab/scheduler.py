"""Runs a lab: trains all its systems in worker processes, reports progress, and resumes an interrupted lab."""

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
from regard.train.console import format_duration
from regard.train.interrupt import Interrupt

POLL_SECONDS = 0.5
PROGRESS_SECONDS = 30.0
"""Seconds between two lines of progress."""
_LOG_END = 1 << 16
# Bytes at the end of a log that are searched for its last line.
_OVERHEAD = 10.0
"""Estimated seconds that a run takes in addition to training and measuring."""

Spawn = Callable[[Experiment, Run, int], "subprocess.Popen[bytes]"]


@dataclass
class LabOutcome:
    """How a call of `run_lab` ended.

    Attributes:
        finished: Runs that have a result, from this call or an earlier call.
        failed: Runs that could not be trained, each with the last line of its log.
        interrupted: Whether the user stopped the lab; calling `run_lab` again resumes it.
    """

    finished: list[Run] = field(default_factory=list)
    failed: dict[Run, str] = field(default_factory=dict)
    interrupted: bool = False


def run_lab(
    lab: Lab,
    directory: Path,
    *,
    workers: int = 1,
    console: Console | None = None,
    interrupt: Interrupt | None = None,
) -> LabOutcome:
    """Trains and measures all unfinished runs of a lab, and waits for runs that other processes are training.

    A lab compares systems; each run trains one system with one seed. Several machines may call this function for the
    same lab in a shared directory.

    Args:
        lab: Description of the lab.
        directory: Directory of the lab, existing or new.
        workers: Number of trainings at the same time on this machine.
        console: Console to write progress to; standard error by default.
        interrupt: Object that is checked twice per second; once a stop is requested, all trainings save their state and
            the lab ends. None = never stopped.

    Returns:
        Finished and failed runs, and whether the lab was stopped.

    Raises:
        RegardError: The lab cannot be set up, or its directory contains runs that were started with other options.
    """
    if workers < 1:
        raise ConfigError(f"--workers: expected a number of at least 1, got {workers}")
    console = console or Console(stderr=True)
    _say(console, f"{lab.title}: {len(lab.systems)} systems, {len(lab.seeds)} seeds; preparing the text in {directory}")
    return _Scheduler(set_up(lab, directory), workers, console).run(interrupt or Interrupt())


class _Scheduler:
    """Starts worker processes, watches them and reports progress."""

    def __init__(self, experiment: Experiment, workers: int, console: Console) -> None:
        self.experiment, self.workers, self.console = experiment, workers, console
        self.runs = experiment.runs()
        self.running: dict[Run, subprocess.Popen[bytes]] = {}
        self.outcome = LabOutcome(finished=[run for run in self.runs if experiment.is_finished(run)])
        self.wall_seconds: dict[Run, float] = {}
        self.last_report = time.monotonic()

    def run(self, interrupt: Interrupt) -> LabOutcome:
        if self.outcome.finished:
            _say(self.console, f"{len(self.outcome.finished)} of {len(self.runs)} runs were finished earlier")
        with interrupt.watching():
            try:
                while self._unfinished() and not interrupt.requested:
                    self._start_workers()
                    self._report_progress()
                    time.sleep(POLL_SECONDS)
                    self._collect_ended()
            finally:
                self.outcome.interrupted = bool(self._unfinished())
                self._stop_workers()
        return self.outcome

    def _unfinished(self) -> list[Run]:
        """Runs that have neither finished nor failed."""
        return [run for run in self.runs if run not in self.outcome.finished and run not in self.outcome.failed]

    def _start_workers(self) -> None:
        for run in self._unfinished():
            if run not in self.running and self.experiment.is_finished(run):  # by another machine
                self._add_finished(run)
            elif len(self.running) < self.workers and run not in self.running and run.lock.holder() is None:
                self.running[run] = _spawn(self.experiment, run, self.workers)

    def _collect_ended(self) -> None:
        for run, process in list(self.running.items()):
            status = process.poll()
            if status is None:
                continue
            del self.running[run]
            if status == FINISHED:
                self._add_finished(run)
            elif status not in (TAKEN, INTERRUPTED, -signal.SIGTERM):
                self.outcome.failed[run] = _last_line(run, status)
                _say(self.console, f"{run.name} failed: {self.outcome.failed[run]}")

    def _add_finished(self, run: Run) -> None:
        self.outcome.finished.append(run)
        result = self.experiment.result(run)
        self.wall_seconds[run] = result.wall_seconds
        translations = [sentence.translation for sentence in result.measured.sentences]
        bleu = corpus_bleu(translations, self.experiment.corpus.lines("test.tgt"))
        left = f", about {format_duration(self._remaining())} left" if self._unfinished() else ""
        count = f"{len(self.outcome.finished)} of {len(self.runs)} done{left}"
        _say(self.console, f"{run.name}: BLEU {bleu:.1f} in {format_duration(result.wall_seconds)}  ({count})")
        self.last_report = time.monotonic()

    def _report_progress(self) -> None:
        if time.monotonic() - self.last_report < PROGRESS_SECONDS:
            return
        self.last_report = time.monotonic()
        parts = []
        for run in self._unfinished():
            record, holder = read_record(run.directory / "record.json"), run.lock.holder()
            if holder is None:
                continue
            elsewhere = "" if run in self.running else f" (by {holder})"
            loss = f" loss {record.loss:.2f}" if record.loss is not None else ""
            progress = f"step {record.step:,}/{record.steps:,}{loss}" if record.steps else "preparing"
            parts.append(f"{run.name}{elsewhere}: {progress}")
        left = self._remaining()
        parts.append(f"about {format_duration(left)} left for all" if left else "no estimate yet")
        _say(self.console, "; ".join(parts))

    def _duration_of(self, run: Run) -> float:
        """Seconds that a finished run took; its result, which holds whole matrices, is read only once."""
        if run not in self.wall_seconds:
            self.wall_seconds[run] = self.experiment.result(run).wall_seconds
        return self.wall_seconds[run]

    def _remaining(self) -> float:
        """Estimated seconds until all runs have finished; 0 without an estimate.

        A training in progress estimates its own time. One that has not started is expected to take the mean time of
        its system's other runs, or of all systems.
        """
        durations: dict[str, list[float]] = {}
        for run in self.outcome.finished:
            durations.setdefault(run.system, []).append(self._duration_of(run) + _OVERHEAD)
        left, not_started = 0.0, []
        for run in self._unfinished():
            record = read_record(run.directory / "record.json")
            if record.remaining is None:
                not_started.append(run.system)
            else:
                left += record.remaining + _OVERHEAD
                durations.setdefault(run.system, []).append(record.elapsed + record.remaining + _OVERHEAD)
        if durations:
            overall = mean(map(mean, durations.values()))
            left += sum(mean(durations[system]) if system in durations else overall for system in not_started)
        return left / self.workers

    def _stop_workers(self) -> None:
        """Stops all workers; each saves its training first."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait()
        self._collect_ended()


def _spawn(experiment: Experiment, run: Run, workers: int) -> subprocess.Popen[bytes]:
    """Starts a worker in its own session, so that Ctrl-C reaches it once, through this process, and it can save."""
    run.directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "regard.lab.worker", str(experiment.directory), run.system, str(run.seed)]
    with open(run.directory / "log.txt", "ab", opener=_without_waiting) as log, TemporaryFile() as description:
        description.write(dump_lab(experiment.lab).encode())
        description.seek(0)
        return subprocess.Popen(
            [*command, str(workers)],
            stdin=description,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _without_waiting(path: str, flags: int) -> int:
    """Opens a log file without blocking: a named pipe in its place would wait for a reader."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)


def _last_line(run: Run, status: int) -> str:
    log = run.directory / "log.txt"
    try:
        with open_regular(log, remedy="remove it") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG_END))
            lines = file.read(_LOG_END).decode("utf-8", "replace").splitlines()
    except RegardError:
        lines = []
    reason = f"killed by signal {-status}" if status < 0 else f"status {status}"
    return f"{lines[-1] if lines else 'no output'} ({reason}; full log: {log})"


def _say(console: Console, text: str) -> None:
    console.print(escape(printable(text)), highlight=False, soft_wrap=True)
