"""One training step: forward, loss, backward over the batches of an update, and the update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from regard.model.seq2seq import Seq2Seq
from regard.train.guided import GuidedAttention
from regard.train.loss import chunked_cross_entropy
from regard.train.optimizer import Updater
from regard.train.precision import Precision
from regard.values import Batch


@dataclass(frozen=True)
class StepResult:
    """What a step found. Tensors, so that nobody waits for a device before the numbers are wanted.

    Attributes:
        loss: Label-smoothed cross entropy summed over the real target tokens, nats.
        nll: Plain negative log-likelihood of the same tokens.
        norm: Norm of the gradient of the mean loss, before clipping.
        num_tokens: Real target tokens.
    """

    loss: Tensor
    nll: Tensor
    norm: Tensor
    num_tokens: int


class TrainingStep:
    """What the training loop does between two looks at the clock.

    Args:
        model: To be trained, on its device, in training mode.
        updater: Moves the weights.
        precision: Numbers of the matrix products.
        label_smoothing: ε of the target distribution.
        guided: What word links ask of the attention; None = nothing, and batches need no links.
    """

    def __init__(
        self,
        model: Seq2Seq,
        updater: Updater,
        precision: Precision,
        *,
        label_smoothing: float = 0.0,
        guided: GuidedAttention | None = None,
    ) -> None:
        self.model = model
        self.updater = updater
        self.precision = precision
        self.label_smoothing = label_smoothing
        self.guided = guided

    def __call__(self, batches: Sequence[Batch], rate: float) -> StepResult:
        """One update from one or more batches, every token of theirs counting alike.

        Args:
            batches: At least one.
            rate: Learning rate.

        Returns:
            What was found on the way.
        """
        tokens = sum(batch.num_tgt_tokens for batch in batches)
        loss, nll = self.backward(batches[0], tokens)
        for batch in batches[1:]:
            more_loss, more_nll = self.backward(batch, tokens)
            loss, nll = loss + more_loss, nll + more_nll
        return StepResult(loss, nll, self.updater.update(rate), tokens)

    def backward(self, batch: Batch, num_tokens: int) -> tuple[Tensor, Tensor]:
        """Adds a batch's share to the gradients.

        Args:
            batch: On any device.
            num_tokens: By which the summed loss is divided.

        Returns:
            The batch's summed loss and negative log-likelihood.
        """
        placed = batch if self.precision.device == "cpu" else batch.to(str(self.model.output_weight.device))
        # Weights are asked for only where links judge them: without them attention has faster ways.
        guide = None if self.guided is None else placed.alignment_targets
        with self.precision.context():
            output = self.model(placed, need_weights=guide is not None)
            loss, nll = chunked_cross_entropy(
                output.hidden,
                self.model.output_weight,
                self.model.output_bias,
                placed.tgt_out_ids,
                label_smoothing=self.label_smoothing,
                ignore_index=self.model.specials.pad,
                num_tokens=batch.num_tgt_tokens,
            )
        total = loss
        if self.guided is not None and guide is not None:
            total = loss + self.guided.weight * self.guided.loss(output.weights, guide)
        (total / num_tokens).backward()  # type: ignore[no-untyped-call]
        return loss.detach(), nll
