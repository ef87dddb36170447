"""From text files to a model on disk: what `regard train` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from math import ceil
from pathlib import Path

import torch

from regard.config.schema import Config, TrainConfig
from regard.config.threads import clamped_threads
from regard.data.stream import BatchStream
from regard.errors import ConfigError
from regard.files.paths import checked_path
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.recipes.exclusive import exclusive_training
from regard.recipes.feasibility import check_feasible
from regard.recipes.notices import notices
from regard.recipes.prepare import Prepared, keep_config, prepare, prepare_again
from regard.recipes.validator import TranslatingValidator
from regard.store import save_model
from regard.store.checkpoint import read_scalars
from regard.store.training_directory import STATE, TRAINING, TrainingDirectory
from regard.train.allocator import bound_compiled_products, keep_freed_memory
from regard.train.interrupt import Interrupt, listening
from regard.train.loop import Outcome, Trainer
from regard.train.precision import Precision, choose_precision
from regard.train.reporter import Reporter, Reporters, Validation


@dataclass(frozen=True)
class TrainResult:
    """How a training ended.

    Attributes:
        path: The model's directory; it holds a model unless `interrupted`.
        config: As it was trained with, nothing left open.
        steps: Updates done.
        seconds: Of training, over all sessions, validations among them.
        interrupted: Whether the user stopped it; `resume=True` goes on.
        chosen: What the weights are: the best checkpoint's, or an average; None when interrupted.
        validation: Of these weights; None when interrupted.
    """

    path: Path
    config: Config
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
) -> TrainResult:
    """Trains a model on the text that the configuration names.

    Args:
        config: What to train, on what, how. When going on, the kept one counts, but for `train.steps`,
            `train.max_minutes` and `train.threads`, which may be set anew, and for the names of the files with text and
            word links, which may have moved; None changes nothing.
        out: Directory of the model; the training state lies in `training/` within.
        resume: Go on with the training in `out`, exactly where it was saved.
        overwrite: Whether a model or training in `out` may be replaced. The old training stays until the new one has
            saved its first state, the old model until the new one is finished.
        reporter: Hears how it goes; nobody does when not given.

    Returns:
        How it ended. After Ctrl-C, SIGTERM or SIGHUP it is `interrupted`, with everything saved.

    Raises:
        ConfigError: When the configuration asks for the impossible, or `out` is taken.
        DataError: When text cannot be read or used.
        CheckpointError: When there is nothing to go on with, another process trains there, or the disk is full.
    """
    folder = TrainingDirectory(checked_path(out, "out"))
    with exclusive_training(), listening() as interrupt, ExitStack() as claim:
        if resume:
            prepared = _go_on(config, folder, claim, reporter)
        else:
            prepared = _begin(config, folder, claim, reporter, overwrite=overwrite)
        keep_freed_memory()
        bound_compiled_products()
        prepared, device, precision = _settle(prepared)
        model, stream = _build_model(prepared, device), _stream(prepared)
        prepared = _count_steps(prepared, stream)
        keep_config(prepared.config, folder.current)
        notes = _notes(prepared, None if resume else config, precision)
        with _listeners(prepared, folder, reporter, notes) as listener:
            trainer = Trainer(
                model,
                stream,
                TranslatingValidator(prepared.val, prepared.tgt_subword, config=prepared.config, device=device),
                config=prepared.config.train,
                directory=folder.current,
                precision=precision,
                reporter=listener,
            )
            outcome = _run(trainer, folder, interrupt, prepared, resume=resume)
            _finish(folder, model, prepared, outcome, listener)
    return TrainResult(
        folder.out, prepared.config, outcome.step, outcome.seconds, outcome.interrupted, outcome.chosen,
        outcome.validation,
    )  # fmt: skip


def choose_device(name: str) -> str:
    """The device that a name means.

    Args:
        name: `auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`.

    Returns:
        A name that PyTorch knows.

    Raises:
        ConfigError: When there is no such device here.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"train.device = {name!r} cannot be used here ({reason}): use 'auto' or 'cpu'") from None
    return name


def _begin(
    config: Config | None, folder: TrainingDirectory, claim: ExitStack, reporter: Reporter | None, *, overwrite: bool
) -> Prepared:
    """Checks everything, then lays the training out beside what is there."""
    if config is None:
        raise ConfigError("expected a configuration to train, got none: only going on needs none")
    folder.check_free(overwrite=overwrite)
    choose_device(config.train.device)
    check_feasible(config)

    def begin() -> None:
        claim.enter_context(folder.claimed())
        folder.check_free(overwrite=overwrite)  # another may have been quicker
        folder.begin()

    return prepare(config, folder.new_path, reporter, begin=begin)


def _go_on(config: Config | None, folder: TrainingDirectory, claim: ExitStack, reporter: Reporter | None) -> Prepared:
    """Reads what was laid out, with what may be set anew."""
    if folder.can_resume():  # else nothing is written
        claim.enter_context(folder.claimed())
    prepared = prepare_again(folder.path, reporter, asked=config)
    if config is None:
        return prepared
    _check_limits(config.train, prepared.config.train, folder)
    changes = {
        name: value
        for name in ("steps", "max_minutes", "threads")
        if (value := getattr(config.train, name)) is not None
    }
    return _with_train(prepared, changes)


def _check_limits(asked: TrainConfig, kept: TrainConfig, folder: TrainingDirectory) -> None:
    """Refuses limits that the training has passed already: its configuration would tell what never was."""
    if not (folder.path / STATE).is_file():
        return
    progress = read_scalars(folder.path / STATE).get("progress")
    done = progress if isinstance(progress, dict) else {}
    for name, unit, passed in (
        ("steps", "steps", done.get("step")),
        ("max_minutes", "minutes", float(str(done.get("elapsed", 0.0))) / 60.0),
    ):
        limit = getattr(asked, name)
        if limit not in (None, getattr(kept, name)) and isinstance(passed, int | float) and limit < passed:
            raise ConfigError(
                f"train.{name} = {limit:g}: the training in {folder.out} has done {passed:.4g} {unit} already: give "
                f"more, or leave it out; train.steps={done.get('step')} ends it with what it has"
            )


def _run(
    trainer: Trainer, folder: TrainingDirectory, interrupt: Interrupt, prepared: Prepared, *, resume: bool
) -> Outcome:
    saved = (folder.current / STATE).is_file()
    if folder.is_replacing and not folder.has_state():
        folder.replace_old()
    if folder.is_replacing and interrupt.requested:  # what is there is worth more than a training of no steps
        return Outcome(0, 0.0, interrupted=True, num_skipped=0)
    trainer.folder.belong_to(folder)
    return trainer.run(num_sentences=len(prepared.train), resume=resume and saved, interrupt=interrupt)


def _with_train(prepared: Prepared, changes: dict[str, object]) -> Prepared:
    config = prepared.config
    config = config.model_copy(update={"train": config.train.model_copy(update=changes)})
    return replace(prepared, config=config)


def _notes(prepared: Prepared, given: Config | None, precision: Precision) -> list[str]:
    """What is told before training, of a new one with what counts for nothing."""
    told = [] if given is None else notices(given, prepared.config)
    return [note for note in (*prepared.notes, *told, precision.note) if note]


def _settle(prepared: Prepared) -> tuple[Prepared, str, Precision]:
    """Decides what depends on the machine: device, threads, precision."""
    options, model = prepared.config.train, prepared.config.model
    device = choose_device(options.device)
    if options.threads:
        threads, note = clamped_threads(options.threads, name="train.threads")
        torch.set_num_threads(threads)
        prepared = replace(prepared, notes=(*prepared.notes, note))
    tokens = options.batch_tokens or 4096
    precision = choose_precision(options.precision, device, rows=model.product_rows(tokens), width=model.state_width)
    return _with_train(prepared, {"precision": precision.name}), device, precision.explained(model)


def _count_steps(prepared: Prepared, stream: BatchStream) -> Prepared:
    """Turns epochs into steps, now that the batches of an epoch are known."""
    options = prepared.config.train
    if options.steps is not None or options.epochs is None:
        return prepared
    return _with_train(prepared, {"steps": ceil(options.epochs * stream.batches_per_epoch / options.accumulate)})


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
        batch_tokens=options.batch_tokens or 4096,
        seed=options.seed,
        specials=prepared.tgt_subword.specials,
        guided_links=prepared.guided_links,
    )


@contextmanager
def _listeners(
    prepared: Prepared, folder: TrainingDirectory, reporter: Reporter | None, notes: Sequence[str]
) -> Iterator[Reporter]:
    """Everyone who hears of the training; notes are told first."""
    own = [] if reporter is None else [reporter]
    listener = Reporters([*own, *_tensorboard(prepared.config, folder, own)])
    for one in notes:
        listener.on_message(one)
    if folder.is_replacing and folder.has_state():
        listener.on_message(f"the training in {folder.path} is replaced as soon as this one has saved its first state")
    yield listener


def _tensorboard(config: Config, folder: TrainingDirectory, told: Sequence[Reporter]) -> list[Reporter]:
    if not config.train.tensorboard or find_spec("tensorboard") is None:
        return []
    from regard.train.tensorboard import TensorBoardReporter

    return [TensorBoardReporter(lambda: folder.current / "tensorboard", tell=Reporters(list(told)).on_message)]


def _finish(
    folder: TrainingDirectory, model: Seq2Seq, prepared: Prepared, outcome: Outcome, listener: Reporter
) -> None:
    out = folder.out
    if outcome.interrupted and folder.is_replacing:
        listener.on_message(f"stopped before the first step; what was in {out} is as it was")
    elif outcome.interrupted:
        listener.on_message(
            f"stopped after step {outcome.step}; all is saved in {out / TRAINING}: "
            f"`regard train --out {out} --resume` goes on from there"
        )
    else:
        _save(out, model, prepared, outcome)
        listener.on_message(f"the model, {outcome.chosen}, is in {out}")


def _save(out: Path, model: Seq2Seq, prepared: Prepared, outcome: Outcome) -> None:
    validation = outcome.validation
    details: dict[str, str | float | int] = {
        "chosen": outcome.chosen or "",
        "steps": outcome.step,
        "minutes": round(outcome.seconds / 60.0, 2),
        "skipped_steps": outcome.num_skipped,
        "torch": version("torch"),
        "seed": prepared.config.train.seed,
        "training_pairs": len(prepared.train),
        "validation_pairs": len(prepared.val),
    }
    if validation:
        numbers = {"loss": validation.loss, "nll": validation.nll, "bleu": validation.bleu, "chrf": validation.chrf}
        details |= {f"validation_{name}": round(value, 4) for name, value in numbers.items() if value is not None}
    save_model(
        out,
        model=model,
        config=prepared.config,
        src_subword=prepared.src_subword,
        tgt_subword=prepared.tgt_subword,
        details=details,
    )
