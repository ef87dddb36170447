"""The loss of a model on validation sentences, and the interface of validators."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, cast

import torch

from regard.model.seq2seq import Seq2Seq
from regard.train.loss import chunked_cross_entropy
from regard.train.reporter import Validation
from regard.train.workers import Workers
from regard.values import Batch


class Validator(Protocol):
    """Interface of functions that validate a model between two training steps."""

    def __call__(self, model: Seq2Seq, *, check: Callable[[], None]) -> Validation:
        """Validates a model.

        Args:
            model: Model in evaluation mode.
            check: Function that the validator must call regularly; it raises `Interrupted` if a stop was requested.

        Returns:
            Loss and scores of the model on the validation sentences.
        """
        ...


def corpus_loss(
    model: Seq2Seq,
    batches: Iterable[Batch],
    *,
    label_smoothing: float,
    device: str = "cpu",
    check: Callable[[], None] = lambda: None,
    workers: Workers | None = None,
) -> tuple[float, float]:
    """Computes the mean loss of a model per target token of a corpus.

    Args:
        model: Model in evaluation mode.
        batches: Batches that contain every sentence pair of the corpus once; with several workers, this worker's share.
        label_smoothing: ε of the target distribution, the same as in training.
        device: Device of the model.
        check: Function to call before each batch; may raise an exception to stop.
        workers: All workers, which share the batches; None = this is the only one.

    Returns:
        Label-smoothed loss and negative log-likelihood, both in nats per target token.
    """
    losses, nlls, tokens = 0.0, 0.0, 0
    with torch.inference_mode():
        for batch in batches:
            check()
            placed = batch.to(device)
            loss, nll = chunked_cross_entropy(
                model(placed).hidden,
                model.output_weight,
                model.output_bias,
                placed.tgt_out_ids,
                label_smoothing=label_smoothing,
                ignore_index=model.specials.pad,
                num_tokens=batch.num_tgt_tokens,
            )
            losses += float(loss)
            nlls += float(nll)
            tokens += batch.num_tgt_tokens
    if workers is not None:
        sums = cast("list[tuple[float, float, int]]", workers.gather([losses, nlls, tokens]))
        losses, nlls, tokens = sum(row[0] for row in sums), sum(row[1] for row in sums), sum(row[2] for row in sums)
    return losses / max(1, tokens), nlls / max(1, tokens)
