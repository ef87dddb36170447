"""Process that trains and measures one run: `python -m regard.lab.worker DIR SYSTEM SEED WORKERS < lab.toml`.

Each run has its own process, so that its peak memory can be measured and a crash does not end other runs. The lab's
description is read from standard input, because the `lab.toml` in the directory may have been replaced by a later call
with other systems.
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
from regard.lab.experiment import Experiment, Run, open_experiment, prepare_run
from regard.lab.load import parse_lab
from regard.lab.measure import measure
from regard.lab.recorder import Record, Recorder
from regard.lab.result import RunResult, TrainingOutcome
from regard.recipes.process import interrupt_on_signals, prepare_process
from regard.recipes.training import TrainResult, train
from regard.store.training_directory import TRAINING
from regard.train.interrupt import Interrupt
from regard.translation.loading import load

FINISHED, FAILED, TAKEN, INTERRUPTED = 0, 2, 3, 130
"""Exit status of a worker: the run has finished, failed, is being trained by another worker, or was interrupted."""


def train_and_measure(experiment: Experiment, run: Run, *, workers: int, interrupt: Interrupt | None = None) -> int:
    """Trains and measures a run (one system with one seed), unless another worker is training it.

    An interrupted training is resumed.

    Args:
        experiment: The lab with its directory.
        run: A run of this lab.
        workers: Number of trainings among which this machine's CPU cores are divided.
        interrupt: Object that is checked between two steps; once a stop is requested, the training saves its state and
            ends. None = never stopped.

    Returns:
        Exit status: `FINISHED`, `TAKEN` if another worker is training the run, or `INTERRUPTED`.

    Raises:
        RegardError: The run cannot be trained.
    """
    lock = run.lock
    if not lock.claim():
        return TAKEN
    with lock.held() as lost:
        if experiment.is_finished(run):
            remove(run.model_directory / TRAINING)  # left by a worker that was killed before it could remove it
            return FINISHED
        try:
            return _train_and_measure(experiment, run, workers, lock, lost, interrupt or Interrupt())
        except _LostError:
            return TAKEN


class _LostError(Exception):
    """Another worker has taken over the run, since this one seemed dead; this one must not write to it any more."""


def _train_and_measure(
    experiment: Experiment, run: Run, workers: int, lock: Lock, lost: threading.Event, interrupt: Interrupt
) -> int:
    config = prepare_run(experiment, run, workers=workers)

    def stop_if_lost() -> None:
        if lost.is_set():
            interrupt.request(save=False)  # another worker writes there now

    recorder = Recorder(run.directory / "record.json", on_report=stop_if_lost)
    trained = train(config, run.model_directory, resume=True, reporter=recorder, interrupt=interrupt)
    if trained.interrupted and not interrupt.save:
        raise _LostError
    if trained.interrupted:
        return INTERRUPTED
    end_of_training = time.monotonic()
    translator = load(run.model_directory, device=config.train.device)
    measured = measure(translator, experiment.corpus, experiment.lab.measure)
    wall_seconds = trained.seconds + time.monotonic() - end_of_training
    outcome = _training_outcome(trained, recorder.record, experiment.tokens_per_epoch(run))
    if not lock.heartbeat():
        raise _LostError
    RunResult(run.system, run.seed, wall_seconds, outcome, measured).write(run.result_file)
    remove(run.model_directory / TRAINING)  # checkpoints and optimizer state are several times the size of the model
    return FINISHED


def _training_outcome(trained: TrainResult, record: Record, tokens_per_epoch: int) -> TrainingOutcome:
    epochs = None if record.epochs_a_step is None else trained.steps * record.epochs_a_step
    return TrainingOutcome(
        num_parameters=record.num_parameters,
        steps=trained.steps,
        tokens=None if epochs is None else round(epochs * tokens_per_epoch),
        seconds=trained.seconds,
        tokens_per_second=record.tokens_per_second,
        peak_memory=record.peak_memory,
        precision=trained.config.train.precision,
        threads=trained.config.train.threads,
        chosen=trained.chosen or "",
        points=tuple(record.points),
    )


def main(arguments: Sequence[str], lab_toml: str) -> int:
    """Trains and measures one run of a lab, as the main function of a worker process.

    Args:
        arguments: Command-line arguments: directory of the lab, system, seed, number of workers.
        lab_toml: Description of the lab as TOML, from `dump_lab`.

    Returns:
        Exit status: `FINISHED`, `TAKEN`, `INTERRUPTED`, or `FAILED` after writing the error to standard error.
    """
    directory, system, seed, workers = arguments
    prepare_process()
    try:
        experiment = open_experiment(Path(directory), parse_lab(lab_toml, where="the lab on standard input"))
        run = next(run for run in experiment.runs() if (run.system, str(run.seed)) == (system, seed))
        with interrupt_on_signals() as interrupt:
            return train_and_measure(experiment, run, workers=int(workers), interrupt=interrupt)
    except RegardError as error:
        print(printable(f"error: {error}"), file=sys.stderr, flush=True)  # noqa: T201
        return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer.read().decode("utf-8")))
