"""One cell, from claiming it to its result: `python -m regard.lab.worker DIR SYSTEM SEED WORKERS < lab.toml`.

A process of its own a cell: what it needs of memory is its own, and when it dies nothing else does. It is told its lab,
since the one in the directory is that of the last run, which may have other systems.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from regard.errors import RegardError
from regard.files.atomic import remove
from regard.files.locks import Lock
from regard.files.printable import printable
from regard.lab.experiment import Experiment, Run, begin, open_experiment
from regard.lab.load import parse_lab
from regard.lab.measure import measure
from regard.lab.recorder import Record, Recorder
from regard.lab.result import RunResult, Trained
from regard.recipes.training import TrainResult, choose_device, train
from regard.store.training_directory import TRAINING
from regard.translation.loading import load

FINISHED, FAILED, TAKEN, INTERRUPTED = 0, 2, 3, 130
"""How a worker ends; TAKEN = somebody else works at the cell."""


def work(bench: Experiment, cell: Run, *, workers: int) -> int:
    """Trains and measures a cell, if nobody else does; a half-done one is gone on with.

    Args:
        bench: The lab.
        cell: One of its cells.
        workers: Trainings that share this machine's cores.

    Returns:
        `FINISHED`, `TAKEN` or `INTERRUPTED`.

    Raises:
        RegardError: When it cannot be trained.
    """
    lock = cell.lock
    if not lock.claim():
        return TAKEN
    with lock.held() as lost:
        if bench.finished(cell):
            remove(cell.model / TRAINING)  # where a worker was killed before it did
            return FINISHED
        try:
            return _work(bench, cell, workers, lock, lost)
        except _LostError:
            return TAKEN


class _LostError(Exception):
    """This worker was taken for dead, and its cell taken over: it must not write there any more."""


def _work(bench: Experiment, cell: Run, workers: int, lock: Lock, lost: threading.Event) -> int:
    config = begin(bench, cell, workers=workers)

    def watch() -> None:
        if lost.is_set():
            raise _LostError

    recorder = Recorder(cell.directory / "record.json", watch=watch)
    outcome = train(config, cell.model, resume=True, reporter=recorder)
    if outcome.interrupted:
        return INTERRUPTED
    trained = time.monotonic()
    translator = load(cell.model, device=choose_device(config.train.device))
    measured = measure(translator, bench.corpus, bench.lab.measure)
    wall = outcome.seconds + time.monotonic() - trained
    told = _trained(outcome, recorder.record, bench.tokens_an_epoch(cell))
    if not lock.heartbeat():
        raise _LostError
    RunResult(cell.system, cell.seed, wall, told, measured).write(cell.result)
    remove(cell.model / TRAINING)  # checkpoints and the optimizer's state: several times the model
    return FINISHED


def _trained(outcome: TrainResult, record: Record, tokens_an_epoch: int) -> Trained:
    passes = None if record.epochs_a_step is None else outcome.steps * record.epochs_a_step
    return Trained(
        num_parameters=record.num_parameters,
        steps=outcome.steps,
        tokens=None if passes is None else round(passes * tokens_an_epoch),
        seconds=outcome.seconds,
        tokens_per_second=record.tokens_per_second,
        peak_memory=record.peak_memory,
        precision=outcome.config.train.precision,
        threads=outcome.config.train.threads or 1,
        chosen=outcome.chosen or "",
        points=tuple(record.points),
    )


def main(arguments: Sequence[str], told: str) -> int:
    """Works at one cell.

    Args:
        arguments: Directory of the lab, system, seed, number of workers.
        told: The lab, as `dump_lab` writes it.

    Returns:
        `FINISHED`, `TAKEN`, `INTERRUPTED`, or `FAILED` with what went wrong on standard error.
    """
    directory, system, seed, workers = arguments
    try:
        bench = open_experiment(Path(directory), parse_lab(told, where="the lab that a worker was told"))
        cell = next(one for one in bench.cells() if (one.system, str(one.seed)) == (system, seed))
        return work(bench, cell, workers=int(workers))
    except RegardError as error:
        print(printable(f"error: {error}"), file=sys.stderr, flush=True)  # noqa: T201
        return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer.read().decode("utf-8")))
