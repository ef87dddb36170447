"""The loss on sentences that the model does not learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import torch

from regard.model.seq2seq import Seq2Seq
from regard.train.loss import chunked_cross_entropy
from regard.train.reporter import Validation
from regard.values import Batch


class Validator(Protocol):
    """Judges a model between two steps."""

    def __call__(self, model: Seq2Seq, *, check: Callable[[], None]) -> Validation:
        """Validates.

        Args:
            model: In evaluation mode.
            check: To be called now and then; it raises `Interrupted` when the user wants to stop.

        Returns:
            Loss, perplexity and scores.
        """
        ...


def corpus_loss(
    model: Seq2Seq,
    batches: Iterable[Batch],
    *,
    label_smoothing: float,
    device: str = "cpu",
    check: Callable[[], None] = lambda: None,
) -> tuple[float, float]:
    """Mean loss a target token.

    Args:
        model: In evaluation mode.
        batches: Every sentence once.
        label_smoothing: ε, as in training.
        device: Where the model is.
        check: Called before each batch.

    Returns:
        Smoothed loss and negative log-likelihood, nats a token.
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
    return losses / max(1, tokens), nlls / max(1, tokens)
