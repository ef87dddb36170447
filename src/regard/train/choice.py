"""The choice of the final weights of a training: the best checkpoint, or an average of checkpoints."""

from __future__ import annotations

from collections.abc import Callable

from regard.model.seq2seq import Seq2Seq
from regard.store.weights import copy_tensors, own_tensors
from regard.train.agreement import Agreement
from regard.train.average import average_states
from regard.train.checkpoints import Checkpoint, CheckpointDirectory
from regard.train.replicas import in_first
from regard.train.reporter import Validation
from regard.train.state import check_fits
from regard.train.validation import Validator


def choose_weights(
    model: Seq2Seq,
    validator: Validator,
    checkpoints: CheckpointDirectory,
    agreement: Agreement,
    *,
    metric: str,
    report: Callable[[str], None],
) -> tuple[str, Validation]:
    """Loads the best checkpoint or the average of checkpoints, whichever scores better, into the models of all workers.

    Args:
        model: Model that receives the weights.
        validator: Function that validates the average.
        checkpoints: Checkpoints of the training, at least one.
        agreement: Requests to stop, shared by all workers; the validator checks them.
        metric: Metric by which weights are compared: `loss`, `bleu` or `chrf`.
        report: Function that receives messages for the user.

    Returns:
        Description of the loaded weights, such as `checkpoint of step 500`; and their validation.

    Raises:
        Interrupted: A stop was requested.
    """
    best, averaged = checkpoints.best, checkpoints.averaged()
    if best is None:
        raise AssertionError(
            "expected a validation at the end of the training, found none: this is a bug in regard: report it"
        )
    if len(averaged) > 1:
        _load(averaged, model, checkpoints, agreement)
        validation = validator(model.eval(), check=agreement.check)
        label = f"average of {len(averaged)} checkpoints, steps {averaged[0].step} to {averaged[-1].step}"
        of_average, of_best = validation.value(metric), best.validation.value(metric)
        report(f"{label}: {metric} {of_average:.4g}; best single checkpoint, step {best.step}: {of_best:.4g}")
        if validation.score(metric) >= best.score:
            return label, validation
    _load([best], model, checkpoints, agreement)
    return f"checkpoint of step {best.step}", best.validation


def _load(entries: list[Checkpoint], model: Seq2Seq, checkpoints: CheckpointDirectory, agreement: Agreement) -> None:
    """Loads the average of checkpoints, or a single one, into the models of all workers."""

    def load() -> None:
        states = (check_fits(_where(entry, checkpoints), checkpoints.weights(entry), model) for entry in entries)
        copy_tensors(model, average_states(states) if len(entries) > 1 else next(states))

    in_first(agreement.workers, checkpoints, load)
    agreement.workers.copy_from_first(list(own_tensors(model).values()))


def _where(entry: Checkpoint, checkpoints: CheckpointDirectory) -> str:
    return f"{checkpoints.directory}: the checkpoint of step {entry.step}"
