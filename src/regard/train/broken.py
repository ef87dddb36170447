"""Batches whose gradients are not finite: they are written to files, so that the user can look at them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import cast

import torch
from torch import Tensor

from regard.files.atomic import write_text
from regard.store.checkpoint import Plain
from regard.train.checkpoints import CheckpointDirectory
from regard.train.workers import Workers
from regard.values import Batch

BROKEN = "broken"
"""Directory of the files, within the directory of the training."""
MAX_FILES = 10
"""Number of files after which no more are written."""
_MAX_RECENT = 1000
"""Number of updates after which they are checked even if there was no report."""


@dataclass(frozen=True)
class TrainingLine:
    """A sentence pair of the training text, and where it comes from.

    Attributes:
        origin: File and line, such as `train.en:17`.
        src: Source sentence; None if its text is not stored.
        tgt: Target sentence; None if its text is not stored.
    """

    origin: str
    src: str | None = None
    tgt: str | None = None


class BrokenBatches:
    """Finds the updates whose gradients were not finite, and writes their batches to files.

    The norms of gradients stay on the device until `write` is called, so that the CPU does not wait for the device at
    every step.

    Args:
        checkpoints: Directory of the training.
        report: Function that receives messages for the user.
        workers: All workers, which share the batches of an update; worker 0 writes the batches of all workers. None =
            this is the only worker.

    Attributes:
        find_line: Function that returns a sentence pair, given its index in the corpus; None = the files contain token
            ids only, no text.
    """

    def __init__(
        self, checkpoints: CheckpointDirectory, report: Callable[[str], None], workers: Workers | None = None
    ) -> None:
        self._workers = workers or Workers()
        self.find_line: Callable[[int], TrainingLine] | None = None
        self._checkpoints = checkpoints
        self._report = report
        self._recent: list[tuple[int, Sequence[Batch], Tensor]] = []

    def add(self, step: int, batches: Sequence[Batch], norm: Tensor) -> None:
        """Remembers an update until `write` is called.

        Args:
            step: Number of the update.
            batches: Batches of the update that this worker computed.
            norm: Norm of the update's gradients, `()`; infinite or NaN if any gradient is.
        """
        self._recent.append((step, batches, norm))
        if len(self._recent) >= _MAX_RECENT:
            self.write()

    def write(self) -> None:
        """Writes the batches whose gradients were infinite or NaN, of all updates since the last call.

        Each update with such gradients gets a file in the directory `broken` of the training, up to `MAX_FILES` files.

        Raises:
            CheckpointError: A file cannot be written.
        """
        if not self._recent:
            return
        recent, self._recent = self._recent, []
        finite = torch.isfinite(torch.stack([norm for _, _, norm in recent])).tolist()
        for (step, batches, _), is_finite in zip(recent, finite, strict=True):
            if not is_finite:
                self._write(step, batches)

    def _write(self, step: int, batches: Sequence[Batch]) -> None:
        own: list[Plain] = []
        for place, batch in enumerate(batches):
            own.append([*self._records(self._workers.rank + place * self._workers.count, batch)])
        by_worker = cast("list[list[list[Plain]]]", self._workers.gather(own))
        if not self._workers.is_first:
            return
        directory, name = self._checkpoints.directory / BROKEN, f"step-{step:08d}.jsonl"
        others = {path.name for path in directory.glob("step-*.jsonl")} - {name}
        if len(others) >= MAX_FILES:
            return
        in_order = [batch for row in zip_longest(*by_worker, fillvalue=[]) for batch in row]
        records = [record for batch in in_order for record in batch]
        write_text(directory / name, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
        last = len(others) + 1 == MAX_FILES
        self._report(
            f"step {step}: gradients were infinite or NaN, so the weights were not changed; the {len(records)} "
            f"sentence pairs of this step are in {self._checkpoints.destination / BROKEN / name}"
            + ("; further ones are not written" if last else "")
        )

    def _records(self, number: int, batch: Batch) -> Iterator[dict[str, Plain]]:
        for row, index in enumerate(batch.indices):
            line = None if self.find_line is None else self.find_line(index)
            num_src, num_tgt = int(batch.src_len[row]), int(batch.tgt_len[row])
            yield {
                "origin": None if line is None else line.origin,
                "source": None if line is None else line.src,
                "target": None if line is None else line.tgt,
                "source_ids": batch.src_ids[row, :num_src].tolist(),
                "target_ids": batch.tgt_out_ids[row, :num_tgt].tolist(),
                "row": index,
                "batch": number,
            }
