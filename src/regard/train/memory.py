"""Batches that do not fit into memory: they are computed in parts, one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from regard.errors import ConfigError
from regard.store.checkpoint import Plain
from regard.values import AlignmentTargets, Batch

FAILURES_BEFORE_LOWERING = 3
"""Number of batches that did not fit after which larger ones are no longer tried as a whole."""
LOWERED_TO = 0.9
"""New limit as a share of the smallest batch that did not fit."""
_OUT_OF_MEMORY = re.compile(r"can't allocate memory|not enough memory|out of memory|ALLOC_FAILED", re.IGNORECASE)
"""Messages of PyTorch's allocators, of cuBLAS and of cuDNN."""


@dataclass(frozen=True)
class Part:
    """A micro-batch, or a part of its rows.

    Attributes:
        number: Number of the micro-batch within the update, from 0.
        part: Number of the part, from which its random numbers are seeded; 0 = the whole micro-batch. The halves of
            part `p` are `2p + 1` and `2p + 2`.
        batch: The rows of the part.
    """

    number: int
    part: int
    batch: Batch


class MemoryLimit:
    """Splits the batches that do not fit into memory, and remembers how large a batch may be.

    Splitting changes no gradient except for rounding and dropout. After some batches that did not fit, batches above a
    limit are split without trying. The limit and all splits depend only on the batches and on which of them did not
    fit.

    Args:
        report: Function that receives messages for the user.

    Attributes:
        limit: Largest batch that is tried, in tokens of its longer side (source or target), padding included; None = no
            limit.
        num_failures: Number of batches and parts that did not fit so far.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.limit: int | None = None
        self.num_failures = 0
        self._report = report
        self._failed: list[int] = []

    def parts(self, batches: Sequence[Batch], *, first: int = 0, stride: int = 1) -> list[Part]:
        """Divides the micro-batches of an update into parts within the limit.

        Args:
            batches: The micro-batches, in order.
            first: Number of the first micro-batch within the update.
            stride: Difference between the numbers of consecutive micro-batches in `batches`: the number of workers.

        Returns:
            The parts, in order; each is a whole micro-batch if there is no limit.
        """
        return [
            part
            for place, batch in enumerate(batches)
            for part in self._within_limit(Part(first + place * stride, 0, batch))
        ]

    def split(self, parts: Sequence[Part], index: int, step: int) -> list[Part]:
        """Replaces a part that did not fit into memory by its halves, and may lower the limit.

        Args:
            parts: All parts of an update.
            index: Index of the part that did not fit.
            step: Number of the update, for messages.

        Returns:
            All parts of the update, in order, with the halves in place of the part that did not fit. All gradients of
            the update must be computed again, from the first part on.

        Raises:
            ConfigError: The part is a single sentence pair.
        """
        failed = parts[index]
        tokens = padded_tokens(failed.batch)
        num_rows = len(failed.batch.indices)
        if num_rows == 1:
            lengths = f"{int(failed.batch.src_len[0])} source and {int(failed.batch.tgt_len[0])} target subwords"
            raise ConfigError(
                f"step {step}: a single sentence pair of {lengths} does not fit into memory: lower data.max_len, or "
                "choose a smaller model, in a new training"
            )
        self.num_failures += 1
        self._failed.append(tokens)
        self._report(
            f"step {step}: a batch of {num_rows} sentence pairs, {tokens:,} tokens with padding, did not fit into "
            "memory, so it is computed in two halves"
        )
        if len(self._failed) >= FAILURES_BEFORE_LOWERING:
            self._lower()
        halves = [part for half in _halves(failed) for part in self._within_limit(half)]
        return [*parts[:index], *halves, *parts[index + 1 :]]

    def state(self) -> dict[str, Plain]:
        """The limit and the failures so far as JSON, for `restore` when an interrupted training resumes."""
        return {"limit": self.limit, "num_failures": self.num_failures, "failed": [*self._failed]}

    def restore(self, state: dict[str, Plain]) -> None:
        """Restores the limit and the failures that the method `state` returned before the interruption."""
        self.limit = cast("int | None", state["limit"])
        self.num_failures = cast("int", state["num_failures"])
        self._failed = [*cast("list[int]", state["failed"])]

    def _lower(self) -> None:
        self.limit = max(1, int(LOWERED_TO * min(self._failed)))
        self._report(
            f"{len(self._failed)} batches did not fit into memory: from here on, batches of more than {self.limit:,} "
            "tokens are computed in halves without trying; every update still has the same sentence pairs. A new "
            f"training with train.batch_tokens={self.limit} and a higher train.accumulate is faster"
        )
        self._failed = []

    def _within_limit(self, part: Part) -> list[Part]:
        if self.limit is None or len(part.batch.indices) == 1 or padded_tokens(part.batch) <= self.limit:
            return [part]
        return [smaller for half in _halves(part) for smaller in self._within_limit(half)]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be allocated, on the CPU or on a GPU."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(str(error)) is not None


def padded_tokens(batch: Batch) -> int:
    """Number of tokens on a batch's longer side (source or target), with padding; `train.batch_tokens` limits it."""
    return len(batch.indices) * max(batch.src_ids.shape[1], batch.tgt_in_ids.shape[1])


def split_batch(batch: Batch) -> tuple[Batch, Batch]:
    """Divides a batch into its first and second half of rows, and removes columns that contain only padding.

    Args:
        batch: Batch of at least two rows.

    Returns:
        The first half and the second half.
    """
    middle = len(batch.indices) // 2
    return _rows(batch, 0, middle), _rows(batch, middle, len(batch.indices))


def _halves(part: Part) -> list[Part]:
    first, second = split_batch(part.batch)
    return [replace(part, part=2 * part.part + 1, batch=first), replace(part, part=2 * part.part + 2, batch=second)]


def _rows(batch: Batch, start: int, end: int) -> Batch:
    src_len, tgt_len = batch.src_len[start:end], batch.tgt_len[start:end]
    num_src, num_tgt = int(src_len.max()), int(tgt_len.max())

    def cut(ids: Tensor, width: int) -> Tensor:
        return ids[start:end, :width].contiguous()  # (B, L) -> (rows, width)

    return Batch(
        cut(batch.src_ids, num_src),
        src_len,
        cut(batch.tgt_in_ids, num_tgt),
        cut(batch.tgt_out_ids, num_tgt),
        tgt_len,
        batch.indices[start:end],
        int(tgt_len.sum()),
        None if batch.alignment_targets is None else _rows_of_targets(batch.alignment_targets, start, end),
    )


def _rows_of_targets(targets: AlignmentTargets, start: int, end: int) -> AlignmentTargets:
    rows = targets.indices[0]
    inside = (rows >= start) & (rows < end)
    indices = targets.indices[:, inside].clone()
    indices[0] -= start
    return AlignmentTargets(indices, targets.values[inside])
