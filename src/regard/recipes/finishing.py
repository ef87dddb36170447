"""The end of a training: its final weights, the model directory, and the comparison with a parent."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from regard.errors import CheckpointError
from regard.model.low_rank import merge_low_rank_updates
from regard.model.seq2seq import Seq2Seq
from regard.recipes.before_after import before_after
from regard.recipes.parent import add_parent_share, load_parent
from regard.recipes.prepare import Prepared
from regard.recipes.readout import select_readout
from regard.recipes.validator import TranslatingValidator
from regard.store import StoredModel, save_model
from regard.store.manifest import StoredReadout
from regard.store.model import write_readout
from regard.store.training_directory import TRAINING, TrainingDirectory
from regard.train.loop import Outcome
from regard.train.reporter import Reporter


def final_weights(
    outcome: Outcome, model: Seq2Seq, prepared: Prepared, validator: TranslatingValidator, reporter: Reporter
) -> Outcome:
    """Gives a trained model its final weights.

    Low-rank updates (LoRA) are merged into the weights. If `train.parent_share` is not 0, the weights are then averaged
    with those of the parent, the model that the training started from: `train.parent_share` is the parent's share.

    Args:
        outcome: How the training ended. If it was interrupted, the model is not changed.
        model: The trained model.
        prepared: The input of the training.
        validator: Validates the averaged weights; all workers take part.
        reporter: Receives a message about the average, or that the parent cannot be loaded.

    Returns:
        The outcome, in which the validation is that of the final weights.
    """
    if outcome.interrupted:
        return outcome
    merge_low_rank_updates(model)
    share, metric = prepared.config.train.parent_share, prepared.config.train.metric
    if not share or outcome.validation is None:
        return outcome
    try:
        add_parent_share(model, prepared.config)
    except CheckpointError as error:
        reporter.on_message(f"the model has none of the weights of its parent, which is not there any more: {error}")
        return outcome
    validation = validator(model.eval(), check=lambda: None)
    trained, mixed = outcome.validation.value(metric), validation.value(metric)
    reporter.on_message(
        f"the final weights are {100 * share:g} % the parent's (train.parent_share): {metric} {mixed:.4g}; the trained "
        f"weights alone: {trained:.4g}"
    )
    return replace(outcome, chosen=f"{outcome.chosen}, with {100 * share:g} % of the parent", validation=validation)


def finish(
    directory: TrainingDirectory,
    model: Seq2Seq,
    prepared: Prepared,
    outcome: Outcome,
    reporter: Reporter,
    *,
    saved: bool,
) -> None:
    """Saves the model of a finished training, or reports how an interrupted training can be resumed.

    Args:
        directory: Directory of the training.
        model: The model with its final weights.
        prepared: The input of the training.
        outcome: How the training ended.
        reporter: Receives messages about what was saved.
        saved: Whether an interrupted training has saved its state after the last step.
    """
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
        readout, stored = _save(out, model, prepared, outcome)
        if readout is not None:
            reporter.on_message(f"word links are read from {readout}")
        reporter.on_message(f"the model, {outcome.chosen}, is in {out}")
        if prepared.config.train.parent is not None:
            _compare_with_parent(stored, prepared, reporter)


def _languages(prepared: Prepared) -> dict[str, str]:
    """Pairs of languages that the model was trained on, as far as they are named."""
    directions = prepared.config.data.directions
    return {"languages": ", ".join("-".join(direction) for direction in directions)} if directions else {}


def _compare_with_parent(stored: StoredModel, prepared: Prepared, reporter: Reporter) -> None:
    try:
        parent = load_parent(prepared.config)
    except CheckpointError as error:  # the new model is finished, and was resumed without it
        reporter.on_message(f"the parent cannot be compared with the new model: {error}")
        return
    count = prepared.config.train.validate_sentences
    reporter.on_message(before_after(parent, stored, prepared.val.pairs, max_pairs=count))


def _save(out: Path, model: Seq2Seq, prepared: Prepared, outcome: Outcome) -> tuple[StoredReadout | None, StoredModel]:
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
        "training_pairs": prepared.num_pairs,
        "validation_pairs": len(prepared.val),
        **_languages(prepared),
        **{f"corpus_{number}": description for number, description in enumerate(prepared.corpora, start=1)},
    }
    if validation:
        numbers = {"loss": validation.loss, "nll": validation.nll, "bleu": validation.bleu, "chrf": validation.chrf}
        details |= {f"validation_{name}": round(value, 4) for name, value in numbers.items() if value is not None}
        for language, bleu, chrf in validation.by_language:
            details |= {f"validation_bleu_{language}": round(bleu, 4), f"validation_chrf_{language}": round(chrf, 4)}
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
    return readout, stored
