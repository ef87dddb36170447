"""Training a model from text files to a model directory: the work of `regard train`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import torch

from regard.config.resolved import ResolvedConfig, resolve
from regard.config.schema import Config, TrainConfig
from regard.config.threads import clamped_threads
from regard.data.prepared.stream import PreparedStream
from regard.data.stream import BatchStream
from regard.errors import ConfigError
from regard.files.paths import checked_path
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.native.device import resolve_device
from regard.recipes.exclusive import exclusive_training
from regard.recipes.feasibility import check_feasible
from regard.recipes.finishing import final_weights, finish
from regard.recipes.notices import notices
from regard.recipes.parent import choose_weights
from regard.recipes.prepare import Prepared, load_prepared, prepare
from regard.recipes.prepared_on_disk import PreparedOnDisk
from regard.recipes.saved_config import save_config
from regard.recipes.streams import training_stream
from regard.recipes.training_lines import line_finder
from regard.recipes.validator import TranslatingValidator
from regard.recipes.workers import check_saved_share, check_share, device_of, load_for_worker, share_note, threads_of
from regard.store.checkpoint import Plain
from regard.store.state_files import has_saved_state, newest_scalars
from regard.store.training_directory import TrainingDirectory
from regard.train.interrupt import Interrupt
from regard.train.loop import Outcome, Trainer
from regard.train.place import Place
from regard.train.precision import Precision, choose_precision
from regard.train.reporter import Reporter, Reporters, Validation
from regard.train.workers import Workers


@dataclass(frozen=True)
class TrainResult:
    """Result of a training.

    Attributes:
        path: Directory of the model; it contains the trained model unless `interrupted`.
        config: Complete configuration of the training.
        steps: Number of updates done.
        seconds: Seconds of training including validations, summed over all runs of a training that was resumed.
        interrupted: Whether the training was stopped; `train` with `resume=True` resumes it.
        chosen: Description of the model's weights: the best checkpoint, or an average of checkpoints; None if
            interrupted.
        validation: Validation of the model's weights; None if interrupted.
    """

    path: Path
    config: ResolvedConfig
    steps: int
    seconds: float
    interrupted: bool
    chosen: str | None
    validation: Validation | None


def train(
    config: Config | None,
    out: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    reporter: Reporter | None = None,
    interrupt: Interrupt | None = None,
    workers: Workers | None = None,
) -> TrainResult:
    """Trains a model on the texts named in a configuration.

    Args:
        config: Model, data and training options. When a training resumes, it keeps its saved configuration, and only
            `train.steps`, `train.max_minutes`, `train.save_minutes`, `train.threads` and the paths of texts and word
            links are taken from `config`; with None, nothing is changed.
        out: Directory of the model; the training state is in its subdirectory `training/`.
        resume: Whether to resume the training in `out`, exactly where it was saved. If there is none, a new training
            starts, provided that `config` names training texts.
        overwrite: Whether a model or training in `out` may be replaced. The old training is kept until the new training
            has saved its first state, the old model until the new model is finished.
        reporter: Receives progress and messages; none by default.
        interrupt: Object that is checked between two steps; once a stop is requested, the training saves its state and
            ends. None = never stopped. `regard.recipes.process.interrupt_on_signals` yields one for Ctrl-C, SIGTERM and
            SIGHUP.
        workers: All processes of this training, if there are several; each of them must call this function. Worker 0
            alone prepares the texts, writes files and reports. None = this process trains alone.

    Returns:
        Result of the training; its `interrupted` is True if a stop was requested.

    Raises:
        ConfigError: The configuration is invalid, or `out` already contains a model or a training.
        DataError: A text cannot be read or used.
        CheckpointError: There is no training to resume, another process trains in `out`, or the disk is full.
        WorkerError: Another worker has ended or does not answer.
    """
    directory, interrupt = TrainingDirectory(checked_path(out, "out")), interrupt or Interrupt()
    reporter, workers = reporter if workers is None or workers.is_first else None, workers or Workers()
    with exclusive_training(), interrupt.watching(), ExitStack() as stack:
        stack.callback(workers.leave)
        resume = resume and not _begins(config, directory)
        begin = partial(_set_up, config, directory, stack, reporter, interrupt)
        ready = begin(resume=resume, overwrite=overwrite, workers=workers)
        prepared, complete = ready.prepared, ready.config
        workers.join(ready.device)
        has_state = bool(workers.first(lambda: resume and has_saved_state(directory.current)))
        model, notes = _build_model(ready, has_state=has_state)
        with _reporters(prepared, directory, reporter, notes, first=workers.is_first) as reporters:
            validator = _validator(ready, workers)
            trainer = _trainer(ready, model, validator, directory, reporters, workers)
            outcome = _run(trainer, directory, interrupt, prepared, resume=resume)
            outcome = final_weights(outcome, model, prepared, validator, reporters)
            if workers.is_first:
                saved = trainer.agreement.interrupt.save
                finish(directory, model, prepared, outcome, reporters, saved=saved)
    return TrainResult(
        directory.out, complete, outcome.step, outcome.seconds, outcome.interrupted, outcome.chosen,
        outcome.validation,
    )  # fmt: skip


def _trainer(
    ready: _Ready, model: Seq2Seq, validator: TranslatingValidator, directory: TrainingDirectory, reporter: Reporter,
    workers: Workers,
) -> Trainer:  # fmt: skip
    return Trainer(
        model,
        ready.stream,
        validator,
        config=ready.config.train,
        directory=directory.current,
        precision=ready.precision,
        reporter=reporter,
        workers=workers,
    )


def choose_device(name: str) -> str:
    """Resolves a device name such as `auto`, and checks that this machine has the device.

    Args:
        name: `auto` (a GPU if PyTorch can use one, otherwise the CPU), `cpu`, `cuda`, `cuda:1`.

    Returns:
        A device name for PyTorch.

    Raises:
        ConfigError: This machine does not have the device.
    """
    if name == "auto":
        return resolve_device(name)
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"train.device = {name!r} cannot be used here ({reason}): use 'auto' or 'cpu'") from None
    return name


@dataclass(frozen=True)
class _Ready:
    """All that a training needs to start."""

    prepared: Prepared
    config: ResolvedConfig
    device: str
    precision: Precision
    stream: BatchStream | PreparedStream
    notes: list[str]


def _set_up(
    config: Config | None,
    directory: TrainingDirectory,
    stack: ExitStack,
    reporter: Reporter | None,
    interrupt: Interrupt,
    *,
    resume: bool,
    overwrite: bool,
    workers: Workers,
) -> _Ready:
    """Prepares a training, or loads one that resumes, in worker 0; the others then load what it has written."""
    results: list[_Ready] = []

    def prepare_all() -> str:
        if resume:
            prepared = _resume(config, directory, stack, reporter, interrupt)
            check_saved_share(prepared.config, workers.count, directory.out)
        else:
            prepared = _begin(config, directory, stack, reporter, interrupt, overwrite=overwrite, place=workers.place)
        results.append(_complete(prepared, None if resume else config, workers.place))
        save_config(results[0].config, directory.current)
        return str(directory.current)

    path = workers.first(prepare_all)
    if not workers.is_first:
        results.append(_complete(load_for_worker(Path(str(path)), workers.place), None, workers.place))
    return results[0]


def _complete(prepared: Prepared, given: Config | None, place: Place) -> _Ready:
    """Chooses what depends on the machine, and completes the configuration."""
    prepared, device, precision = _choose_for_machine(prepared, place)
    stream = training_stream(prepared)
    complete = resolve(prepared.config, batches_per_epoch=stream.batches_per_epoch, precision=precision.name)
    prepared = replace(prepared, config=complete, notes=(*prepared.notes, share_note(complete, place.count)))
    return _Ready(prepared, complete, device, precision, stream, _notes(prepared, given, complete, precision))


def _begins(config: Config | None, directory: TrainingDirectory) -> bool:
    """Whether there is nothing to resume, but the configuration names the texts of a new training."""
    return config is not None and bool(config.data.src or config.data.corpora) and not directory.can_resume()


def _begin(
    config: Config | None,
    directory: TrainingDirectory,
    stack: ExitStack,
    reporter: Reporter | None,
    interrupt: Interrupt,
    *,
    overwrite: bool,
    place: Place,
) -> Prepared:
    """Checks everything, then prepares the training in a new directory next to what is there."""
    if config is None:
        raise ConfigError(
            "expected a configuration to train, got None: give a configuration, or resume a training with resume=True, "
            "which needs none"
        )
    directory.check_free(overwrite=overwrite)
    check_share(config, place.count)
    device = choose_device(device_of(config.train.device, place))
    check_feasible(config, device=device, local_workers=place.local_count)

    def begin() -> None:
        stack.enter_context(directory.claimed())
        directory.check_free(overwrite=overwrite)  # another process may have been quicker
        directory.begin()

    on_disk = PreparedOnDisk(directory.out, reporter, interrupt)
    return prepare(config, directory.new_path, reporter, begin=begin, workers=place.count, on_disk=on_disk)


def _resume(
    config: Config | None,
    directory: TrainingDirectory,
    stack: ExitStack,
    reporter: Reporter | None,
    interrupt: Interrupt,
) -> Prepared:
    """Reads the prepared training, and applies the options that may change."""
    if directory.can_resume():  # otherwise nothing is written
        stack.enter_context(directory.claimed())
    on_disk = PreparedOnDisk(directory.out, reporter, interrupt)
    prepared = load_prepared(directory.path, reporter, changes=config, on_disk=on_disk)
    if config is None:
        return prepared
    _check_limits(config.train, prepared.config.train, directory)
    changes: dict[str, object] = {
        name: value
        for name in ("steps", "max_minutes", "save_minutes", "threads")
        if name in config.train.model_fields_set and (value := getattr(config.train, name)) is not None
    }
    return _with_train(prepared, changes)


def _check_limits(changes: TrainConfig, saved: TrainConfig, directory: TrainingDirectory) -> None:
    """Refuses limits that the training has passed already: its saved configuration would be wrong."""
    progress = newest_scalars(directory.path).get("progress")
    done = progress if isinstance(progress, dict) else {}
    for name, unit, passed in (
        ("steps", "steps", done.get("step")),
        ("max_minutes", "minutes", float(str(done.get("elapsed", 0.0))) / 60.0),
    ):
        limit = getattr(changes, name)
        if limit not in (None, getattr(saved, name)) and isinstance(passed, int | float) and limit < passed:
            raise ConfigError(
                f"train.{name} = {limit:g}: the training in {directory.out} has done {passed:.4g} {unit} already: set "
                f"a higher value, or leave train.{name} out; train.steps={done.get('step')} ends the training at the "
                "saved step"
            )


def _run(
    trainer: Trainer, directory: TrainingDirectory, interrupt: Interrupt, prepared: Prepared, *, resume: bool
) -> Outcome:
    def start() -> Plain:
        has_state = has_saved_state(directory.current)
        if directory.is_replacing and not directory.has_state():
            directory.replace_old()
        if directory.is_replacing and interrupt.requested:  # the old training is worth more than one of no steps
            return [True, False, ""]
        trainer.checkpoints.set_owner(directory)
        return [False, resume and has_state, str(directory.current)]

    stopped, resumes, path = cast("tuple[bool, bool, str]", trainer.workers.first(start))
    if stopped:
        return Outcome(0, 0.0, interrupted=True, num_skipped=0)
    trainer.checkpoints.directory = Path(path)  # workers other than 0 have no other way to know it
    trainer.broken.find_line = line_finder(prepared)
    return trainer.run(num_sentences=prepared.num_pairs, resume=resumes, interrupt=interrupt)


def _with_train(prepared: Prepared, changes: dict[str, object]) -> Prepared:
    train = prepared.config.train.model_copy(update=changes)
    return replace(prepared, config=prepared.config.model_copy(update={"train": train}))


def _notes(prepared: Prepared, given: Config | None, complete: ResolvedConfig, precision: Precision) -> list[str]:
    """The notes for the user before training, for a new training with options that have no effect."""
    about_config = [] if given is None else notices(given, complete)
    return [note for note in (*prepared.notes, *about_config, precision.note) if note]


def _choose_for_machine(prepared: Prepared, place: Place) -> tuple[Prepared, str, Precision]:
    """Chooses what depends on the machine: device, threads (which may add a note), precision."""
    options, model = prepared.config.train, prepared.config.model
    device = choose_device(device_of(options.device, place))
    threads, note = threads_of(options.threads, place)
    if not note:
        threads, note = clamped_threads(options.threads, name="train.threads")
    torch.set_num_threads(threads)
    rows = model.product_rows(options.batch_tokens)
    precision = choose_precision(options.precision, device, rows=rows, width=model.state_width)
    return replace(prepared, notes=(*prepared.notes, note)), device, precision.with_exceptions(model)


def _validator(ready: _Ready, workers: Workers) -> TranslatingValidator:
    prepared, config = ready.prepared, ready.config
    return TranslatingValidator(prepared.val, prepared.tgt_subword, config=config, device=ready.device, workers=workers)


def _build_model(ready: _Ready, *, has_state: bool) -> tuple[Seq2Seq, list[str]]:
    """The model before its first step or its saved state; and all notes, with those on where its weights come from."""
    prepared, config, specials = ready.prepared, ready.config, ready.prepared.tgt_subword.specials
    torch.manual_seed(config.train.seed)
    model = build_model(
        config.model,
        src_vocab=len(prepared.src_subword),
        tgt_vocab=len(prepared.tgt_subword),
        shared=config.subword.shared,
        specials=specials,
    )
    subwords = (prepared.src_subword, prepared.tgt_subword)
    notes = choose_weights(model, config, subwords, has_state=has_state)
    return model.to(ready.device), [*ready.notes, *notes]


@contextmanager
def _reporters(
    prepared: Prepared, directory: TrainingDirectory, reporter: Reporter | None, notes: Sequence[str], *, first: bool
) -> Iterator[Reporter]:
    """All reporters of the training, after they received the notes; in workers other than 0, none."""
    if not first:
        yield Reporters()
        return
    given = [] if reporter is None else [reporter]
    reporters = Reporters([*given, *_tensorboard(prepared.config, directory, given)])
    for note in notes:
        reporters.on_message(note)
    if directory.is_replacing and directory.has_state():
        reporters.on_message(
            f"the training in {directory.path} is replaced as soon as this one has saved its first state"
        )
    yield reporters


def _tensorboard(config: Config, directory: TrainingDirectory, warned: Sequence[Reporter]) -> list[Reporter]:
    if not config.train.tensorboard or find_spec("tensorboard") is None:
        return []
    from regard.train.tensorboard import TensorBoardReporter

    return [TensorBoardReporter(lambda: directory.current / "tensorboard", warn=Reporters(warned).on_message)]
