"""One training step: forward and backward passes over the batches of an update, then the update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from regard.model.seq2seq import Seq2Seq
from regard.train.gradient_sum import GradientSum
from regard.train.memory import MemoryLimit, Part, is_out_of_memory
from regard.train.objective import Objective
from regard.train.optimizer import Updater
from regard.train.precision import Precision
from regard.train.seeding import seed_micro_batch
from regard.train.workers import Workers
from regard.values import Batch


@dataclass(frozen=True)
class StepResult:
    """Losses of a training step, as tensors, so that the CPU need not wait for the device.

    Attributes:
        loss: Label-smoothed cross entropy summed over the target tokens without padding, nats.
        nll: Negative log-likelihood summed over the same tokens, nats.
        norm: Norm of the gradient of the mean loss per token, before clipping.
        num_tokens: Number of target tokens without padding.
    """

    loss: Tensor
    nll: Tensor
    norm: Tensor
    num_tokens: int


class TrainingStep:
    """A training step: one update of a model from one or more batches.

    Args:
        model: Model to train, on the device of the training and in training mode.
        updater: Optimizer of the model.
        precision: Number format of the matrix products.
        objective: What the training minimizes; None = the cross entropy alone.
        seed: Seed of the random numbers, such as dropout.
        memory: Limit of the size of a batch, which splits batches that do not fit into memory.
        workers: All workers, which share the batches of an update; None = this is the only one.
    """

    def __init__(
        self,
        model: Seq2Seq,
        updater: Updater,
        precision: Precision,
        objective: Objective | None = None,
        *,
        seed: int = 0,
        memory: MemoryLimit | None = None,
        workers: Workers | None = None,
    ) -> None:
        self.model = model
        self.updater = updater
        self.precision = precision
        self.objective = objective or Objective()
        self.seed = seed
        self.memory = memory or MemoryLimit(lambda _: None)
        self.device = str(model.output_weight.device)
        self.workers = workers or Workers()
        self.gradients = GradientSum(updater.named, self.workers, overlap=self.device.startswith("cuda"))

    def __call__(self, batches: Sequence[Batch], rate: float, *, update: int) -> StepResult:
        """Makes one update from one or more batches; every target token has the same weight in the mean loss.

        Args:
            batches: Batches of the update, at least one; with several workers, those of this worker, in their order.
            rate: Learning rate.
            update: Number of the update, from 1; seed, update and number of the batch determine the random numbers.

        Returns:
            Losses, gradient norm and number of tokens.

        Raises:
            ConfigError: A single sentence pair does not fit into memory.
        """
        [tokens] = self.workers.sum([sum(batch.num_tgt_tokens for batch in batches)])
        parts = self.memory.parts(batches, first=self.workers.rank, stride=self.workers.count)
        total = None
        while total is None:
            parts, losses = self._backward(parts, update, tokens)
            total = self.gradients.finish(losses)
            if total is None:
                self.updater.clear_gradients()
        return StepResult(total[0], total[1], self.updater.update(rate), tokens)

    def _backward(self, parts: list[Part], update: int, tokens: int) -> tuple[list[Part], Tensor]:
        """Computes the gradients of all parts; returns the parts, as they were split, and the sums of both losses."""
        sums: list[tuple[Tensor, Tensor]] = []
        while len(sums) < len(parts):
            if len(sums) == len(parts) - 1:
                self.gradients.listen()
            losses = self._try(parts[len(sums)], update, tokens)
            if losses is not None:
                sums.append(losses)
                continue
            # The gradients of the part may be incomplete, and are added to those of the parts before: all are computed
            # again, with the same random numbers.
            parts = self.memory.split(parts, len(sums), update)
            self.gradients.stop()
            self.updater.clear_gradients()
            sums = []
        loss, nll = sums[0]
        for more_loss, more_nll in sums[1:]:
            loss, nll = loss + more_loss, nll + more_nll
        return parts, torch.stack((loss, nll))

    def _try(self, part: Part, update: int, num_tokens: int) -> tuple[Tensor, Tensor] | None:
        """Adds the gradients of a part and returns its losses; None if it does not fit into memory."""
        seed_micro_batch(self.seed, update, part.number, part=part.part, device=self.device)
        try:
            return self.backward(part.batch, num_tokens)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        # Outside of the handler, so that no traceback refers to tensors of the failed pass.
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        return None

    def backward(self, batch: Batch, num_tokens: int) -> tuple[Tensor, Tensor]:
        """Runs the forward and backward pass of a batch, which adds to the gradients of the parameters.

        Args:
            batch: Batch on any device.
            num_tokens: Number of target tokens of all batches of the update, by which the summed loss is divided.

        Returns:
            The loss and the negative log-likelihood, each summed over the batch's target tokens, both scalars in nats.
        """
        placed = batch if self.precision.device == "cpu" else batch.to(self.device)
        losses = self.objective.losses(self.model, placed, self.precision)
        (losses.total / num_tokens).backward()
        return losses.loss, losses.nll
