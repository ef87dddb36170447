"""Training a model from text files to a model directory: the work of `regard train`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch

from regard.config.resolved import ResolvedConfig, resolve
from regard.config.schema import Config, TrainConfig
from regard.config.threads import clamped_threads
from regard.data.stream import BatchStream
from regard.errors import ConfigError
from regard.files.paths import checked_path
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.native.device import resolve_device
from regard.recipes.exclusive import exclusive_training
from regard.recipes.feasibility import check_feasible
from regard.recipes.notices import notices
from regard.recipes.prepare import Prepared, load_prepared, prepare, save_config
from regard.recipes.readout import select_readout
from regard.recipes.training_lines import line_finder
from regard.recipes.validator import TranslatingValidator
from regard.store import StoredModel, save_model
from regard.store.manifest import StoredReadout
from regard.store.model import write_readout
from regard.store.state_files import has_saved_state, newest_scalars
from regard.store.training_directory import TRAINING, TrainingDirectory
from regard.train.interrupt import Interrupt
from regard.train.loop import Outcome, Trainer
from regard.train.precision import Precision, choose_precision
from regard.train.reporter import Reporter, Reporters, Validation


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
) -> TrainResult:
    """Trains a model on the texts named in a configuration.

    Args:
        config: Model, data and training options. When a training resumes, it keeps its saved configuration, and only
            `train.steps`, `train.max_minutes`, `train.save_minutes`, `train.threads` and the paths of texts and word
            links are taken from `config`; with None, nothing is changed.
        out: Directory of the model; the training state is in its subdirectory `training/`.
        resume: Whether to resume the training in `out`, exactly where it was saved.
        overwrite: Whether a model or training in `out` may be replaced. The old training is kept until the new training
            has saved its first state, the old model until the new model is finished.
        reporter: Receives progress and messages; none by default.
        interrupt: Object that is checked between two steps; once a stop is requested, the training saves its state and
            ends. None = never stopped. `regard.recipes.process.interrupt_on_signals` yields one for Ctrl-C, SIGTERM and
            SIGHUP.

    Returns:
        Result of the training; its `interrupted` is True if a stop was requested.

    Raises:
        ConfigError: The configuration is invalid, or `out` already contains a model or a training.
        DataError: A text cannot be read or used.
        CheckpointError: There is no training to resume, another process trains in `out`, or the disk is full.
    """
    directory, interrupt = TrainingDirectory(checked_path(out, "out")), interrupt or Interrupt()
    with exclusive_training(), interrupt.watching(), ExitStack() as stack:
        if resume:
            prepared = _resume(config, directory, stack, reporter)
        else:
            prepared = _begin(config, directory, stack, reporter, overwrite=overwrite)
        prepared, device, precision = _choose_for_machine(prepared)
        model, stream = _build_model(prepared, device), _stream(prepared)
        complete = resolve(prepared.config, batches_per_epoch=stream.batches_per_epoch, precision=precision.name)
        prepared = replace(prepared, config=complete)
        save_config(complete, directory.current)
        notes = _notes(prepared, None if resume else config, complete, precision)
        with _reporters(prepared, directory, reporter, notes) as reporters:
            trainer = Trainer(
                model,
                stream,
                TranslatingValidator(prepared.val, prepared.tgt_subword, config=complete, device=device),
                config=complete.train,
                directory=directory.current,
                precision=precision,
                reporter=reporters,
            )
            outcome = _run(trainer, directory, interrupt, prepared, resume=resume)
            _finish(directory, model, prepared, outcome, reporters, saved=interrupt.save)
    return TrainResult(
        directory.out, complete, outcome.step, outcome.seconds, outcome.interrupted, outcome.chosen,
        outcome.validation,
    )  # fmt: skip


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


def _begin(
    config: Config | None, directory: TrainingDirectory, stack: ExitStack, reporter: Reporter | None, *, overwrite: bool
) -> Prepared:
    """Checks everything, then prepares the training in a new directory next to what is there."""
    if config is None:
        raise ConfigError(
            "expected a configuration to train, got None: give a configuration, or resume a training with resume=True, "
            "which needs none"
        )
    directory.check_free(overwrite=overwrite)
    choose_device(config.train.device)
    check_feasible(config)

    def begin() -> None:
        stack.enter_context(directory.claimed())
        directory.check_free(overwrite=overwrite)  # another process may have been quicker
        directory.begin()

    return prepare(config, directory.new_path, reporter, begin=begin)


def _resume(
    config: Config | None, directory: TrainingDirectory, stack: ExitStack, reporter: Reporter | None
) -> Prepared:
    """Reads the prepared training, and applies the options that may change."""
    if directory.can_resume():  # otherwise nothing is written
        stack.enter_context(directory.claimed())
    prepared = load_prepared(directory.path, reporter, changes=config)
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
    has_state = has_saved_state(directory.current)
    if directory.is_replacing and not directory.has_state():
        directory.replace_old()
    if directory.is_replacing and interrupt.requested:  # the old training is worth more than one of no steps
        return Outcome(0, 0.0, interrupted=True, num_skipped=0)
    trainer.checkpoints.set_owner(directory)
    trainer.broken.find_line = line_finder(prepared)
    return trainer.run(num_sentences=len(prepared.train), resume=resume and has_state, interrupt=interrupt)


def _with_train(prepared: Prepared, changes: dict[str, object]) -> Prepared:
    train = prepared.config.train.model_copy(update=changes)
    return replace(prepared, config=prepared.config.model_copy(update={"train": train}))


def _notes(prepared: Prepared, given: Config | None, complete: ResolvedConfig, precision: Precision) -> list[str]:
    """The notes for the user before training, for a new training with options that have no effect."""
    about_config = [] if given is None else notices(given, complete)
    return [note for note in (*prepared.notes, *about_config, precision.note) if note]


def _choose_for_machine(prepared: Prepared) -> tuple[Prepared, str, Precision]:
    """Chooses what depends on the machine: device, threads (which may add a note), precision."""
    options, model = prepared.config.train, prepared.config.model
    device = choose_device(options.device)
    threads, note = clamped_threads(options.threads, name="train.threads")
    torch.set_num_threads(threads)
    rows = model.product_rows(options.batch_tokens)
    precision = choose_precision(options.precision, device, rows=rows, width=model.state_width)
    return replace(prepared, notes=(*prepared.notes, note)), device, precision.with_exceptions(model)


def _build_model(prepared: Prepared, device: str) -> Seq2Seq:
    config, specials = prepared.config, prepared.tgt_subword.specials
    torch.manual_seed(config.train.seed)
    return build_model(
        config.model,
        src_vocab=len(prepared.src_subword),
        tgt_vocab=len(prepared.tgt_subword),
        shared=config.subword.shared,
        specials=specials,
    ).to(device)


def _stream(prepared: Prepared) -> BatchStream:
    options = prepared.config.train
    return BatchStream(
        prepared.train,
        batch_tokens=options.batch_tokens,
        seed=options.seed,
        specials=prepared.tgt_subword.specials,
        guided_links=prepared.guided_links,
        shares=prepared.shares,
    )


@contextmanager
def _reporters(
    prepared: Prepared, directory: TrainingDirectory, reporter: Reporter | None, notes: Sequence[str]
) -> Iterator[Reporter]:
    """All reporters of the training, after they received the notes."""
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


def _finish(
    directory: TrainingDirectory,
    model: Seq2Seq,
    prepared: Prepared,
    outcome: Outcome,
    reporter: Reporter,
    *,
    saved: bool,
) -> None:
    out = directory.out
    if outcome.interrupted and directory.is_replacing:
        reporter.on_message(f"stopped before the first step; {out} is unchanged")
    elif outcome.interrupted and not saved:
        reporter.on_message(f"stopped after step {outcome.step}, without saving the steps since the last saved state")
    elif outcome.interrupted:
        reporter.on_message(
            f"stopped after step {outcome.step}; all is saved in {out / TRAINING}: "
            f"`regard train --out {out} --resume` resumes from there"
        )
    else:
        readout = _save(out, model, prepared, outcome)
        if readout is not None:
            reporter.on_message(f"word links are read from {readout}")
        reporter.on_message(f"the model, {outcome.chosen}, is in {out}")


def _save(out: Path, model: Seq2Seq, prepared: Prepared, outcome: Outcome) -> StoredReadout | None:
    """Saves the model first, and then how its attention is read, which may take some seconds."""
    validation = outcome.validation
    details: dict[str, str | float | int] = {
        "chosen": outcome.chosen or "",
        "steps": outcome.step,
        "minutes": round(outcome.seconds / 60.0, 2),
        "skipped_steps": outcome.num_skipped,
        **({"split_batches": outcome.num_split} if outcome.num_split else {}),
        "torch": version("torch"),
        "seed": prepared.config.train.seed,
        "training_pairs": len(prepared.train),
        "validation_pairs": len(prepared.val),
        **{f"corpus_{number}": description for number, description in enumerate(prepared.corpora, start=1)},
    }
    if validation:
        numbers = {"loss": validation.loss, "nll": validation.nll, "bleu": validation.bleu, "chrf": validation.chrf}
        details |= {f"validation_{name}": round(value, 4) for name, value in numbers.items() if value is not None}
    manifest = save_model(
        out,
        model=model,
        config=prepared.config,
        src_subword=prepared.src_subword,
        tgt_subword=prepared.tgt_subword,
        details=details,
    )
    stored = StoredModel(model.eval(), prepared.config, prepared.src_subword, prepared.tgt_subword, manifest)
    readout = select_readout(stored, prepared.val)
    if readout is not None:
        write_readout(out, readout)
    return readout
